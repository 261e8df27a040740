"""Errors that a user can act on, and how any error is put in words."""

import difflib
import errno
import os
import zipfile
import zlib
from collections.abc import Iterable

DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
"""What Python's reader of zip files raises where one is damaged, packed in an unknown way or locked by a password."""


class InputError(ValueError):
    """Bad input from a user: the message says where, what is allowed and what to do."""


class StoreDamaged(InputError):
    """The store's file cannot be read as it should; the message says how to build it anew from the runs' journals."""


class StoreFull(InputError):
    """There is no room to write the store's file; runs are in their journals all the same."""


class RunFailed(RuntimeError):
    """A training that cannot or must not go on: the message says why, where and what to try."""


class StoreBusy(RuntimeError):
    """Another process holds the store's file; the message names it and says what to do."""


READ_ONLY = "GAINAKT_READ_ONLY"
"""Environment variable that makes a process look on: it writes nothing to a store's folders and starts nothing."""


def read_only() -> bool:
    """Whether this process may only look on."""
    return os.environ.get(READ_ONLY, "").strip() not in ("", "0")


def check_may_write() -> None:
    """Raise InputError where this process may only look on; called by all that writes beside a store or starts work."""
    if read_only():
        raise InputError(f"visitors look on: {READ_ONLY} is set, so nothing can be started, changed or deleted here")


_SHOWN = 200
"""Characters of a path that an error shows."""
_LISTED = 60
"""Names that are still listed where the nearest is proposed."""
_LONGEST_LIST = 700
"""Characters that a list of names may have."""


def quoted(given: str) -> str:
    """What a user gave, in quotes, cut where it is long."""
    return repr(given if len(given) <= _SHOWN else f"{given[:_SHOWN]}...")


def unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a name that is not one of the known ones: it proposes the nearest, and lists them unless many."""
    names = list(known)
    last_parts = {one.split(".")[-1]: one for one in names}  # who writes `epochs` means training.max_epochs
    near = difflib.get_close_matches(name[:_SHOWN], [*names, *last_parts], 1)
    parts = [f"did you mean {last_parts.get(near[0], near[0])}?"] if near else []
    if not near or len(names) <= _LISTED:
        listed = ", ".join(names)
        cut = listed[: listed.rfind(", ", 0, _LONGEST_LIST)] + " and more" if len(listed) > _LONGEST_LIST else listed
        parts.append(f"known: {cut}")
    return InputError(f"unknown {what} {name[:_SHOWN]!r}; {' '.join(parts)}")


def disk_full(error: BaseException) -> bool:
    """Whether something could not be written for want of room, whichever library says so."""
    full = (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "errno", None) in full or any(os.strerror(code) in str(error) for code in full)


def place_refused(what: str, path: object, error: OSError) -> InputError:
    """The error for a file or folder that the operating system does not let us use: which, why, and what to do."""
    shown = str(path) if len(str(path)) <= _SHOWN else f"{str(path)[:_SHOWN]}..."
    why = "a file is there already" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
    return InputError(f"{what} {shown} cannot be used: {why}. Make room for it, or name another place with --store")


def in_words(error: BaseException) -> str:
    """What to tell the user of an error; one that was not foreseen is named by its type."""
    if isinstance(error, InputError | RunFailed | StoreBusy):
        return str(error)
    if disk_full(error):
        return f"the disk is full; make room on it ({error})"
    return f"{type(error).__name__}: {error}".removesuffix(": ")
