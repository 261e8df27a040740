"""What people write on a run: a name, tags, notes, a favourite's star, whether it is archived; checked here."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gainakt.errors import InputError, unknown

LONGEST_NAME = 200
LONGEST_TAG = 40
MOST_TAGS = 20
LONGEST_NOTES = 20_000
_BETWEEN_TAGS = re.compile(r"[,;\n]")


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of an annotation as a journal row holds them: name, tags, notes, favourite, archived.

    Raises InputError that says what is allowed.
    """
    allowed: dict[str, Callable[[Any], Any]] = {
        "name": _name,
        "tags": tags,
        "notes": _notes,
        "favourite": bool,
        "archived": bool,
    }
    for name in changes:
        if name not in allowed:
            raise unknown("part of an annotation", name, allowed)
    return {name: allowed[name](value) for name, value in changes.items()}


def tags(given: Iterable[str] | str) -> list[str]:
    """Tags without blanks around them, each once, sorted; a text is cut at its commas. Raises InputError."""
    parts = _BETWEEN_TAGS.split(given) if isinstance(given, str) else [str(one) for one in given]
    found = sorted({" ".join(part.split()) for part in parts} - {""})
    for tag in found:
        if len(tag) > LONGEST_TAG or _BETWEEN_TAGS.search(tag):
            raise InputError(f"a tag has 1 to {LONGEST_TAG} characters and no comma; got {tag[:60]!r}")
    if len(found) > MOST_TAGS:
        raise InputError(f"a run has at most {MOST_TAGS} tags; got {len(found)}")
    return found


def _name(given: Any) -> str:
    name = str(given).strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputError(f"a run's name has 1 to {LONGEST_NAME} characters; got {len(name)}")
    return name


def _notes(given: Any) -> str:
    notes = str(given or "").strip()
    if len(notes) > LONGEST_NOTES:
        raise InputError(f"notes have at most {LONGEST_NOTES:,} characters; got {len(notes):,}")
    return notes
