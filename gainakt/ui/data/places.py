"""Which folders the pages may read: whoever opens the dashboard can name any path, so the owner says where."""

import os
from pathlib import Path

from gainakt.config import DataConfig
from gainakt.errors import InputError, read_only
from gainakt.ui import resources

FOLDERS = "GAINAKT_DATA_FOLDERS"
"""Environment variable with further folders that pages may read, parted as in PATH."""


def uploads_folder() -> Path:
    """Where uploaded files are kept: beside the store."""
    return resources.store_path().parent.resolve() / "uploads"


def allowed() -> list[Path]:
    """The working folder and the one above it (if that is not the whole machine), the uploads, and those of FOLDERS."""
    here = Path.cwd()
    above = [here.parent] if here.parent != here.parent.parent else []
    more = [Path(part).expanduser().absolute() for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    return [here, *above, uploads_folder(), *more]


def check(config: DataConfig) -> None:
    """Refuse data outside the allowed folders before anything of them is looked at; raises InputError."""
    if read_only():
        raise InputError("visitors look on: this dashboard reads no data files")
    folders = allowed()
    for path in (config.path, config.test_path):
        for part in filter(None, map(str.strip, path.split(";"))):
            if not _is_within(part, folders):
                shown = ", ".join(map(str, folders))
                raise InputError(
                    f"{part[:200]!r} is outside the folders that this dashboard may read ({shown}); move the data"
                    f" there, upload them, or let the owner name their folder in {FOLDERS}"
                )


def _is_within(path: str, folders: list[Path]) -> bool:
    """Whether a path lies in one of the folders, as it is written or where it really is.

    A link that the owner put into a folder counts as in it, but not what .. reaches from behind the link.
    """
    try:
        written, real = os.path.abspath(path), os.path.realpath(path)
        honest = os.path.realpath(written) == real
    except (OSError, ValueError):
        return False
    return any(
        Path(real).is_relative_to(os.path.realpath(folder)) or (honest and Path(written).is_relative_to(folder))
        for folder in folders
    )
