"""What may be asked of a training while it runs, read from the rows of a run's control file."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gainakt.config import renamed

Requests = Callable[[], list[dict[str, Any]]]
"""Gives the control rows since the last call, in order; `train` calls it once before each step."""


@dataclass(frozen=True)
class Change:
    """Set a live setting, a dotted name, to a value from the next step on."""

    field: str
    value: Any
    who: str


@dataclass(frozen=True)
class End:
    """End after the current step: `stop` with its evaluation, `pause` to be resumed where it was."""

    kind: str
    who: str


@dataclass(frozen=True)
class Malformed:
    """A row that says neither; the control file has many writers."""

    field: str
    value: Any
    who: str
    reason: str


def parsed(rows: Iterable[dict[str, Any]]) -> Iterator[Change | End | Malformed]:
    """The rows as requests; kinds that are not for a training (from a newer version) are passed over."""
    for row in rows:
        kind, who = row.get("kind"), str(row.get("who") or "unknown")
        if kind == "damaged":
            yield Malformed("", row.get("line"), who, "a line of the control file is damaged; ask again")
        elif kind in ("stop", "pause"):
            yield End(str(kind), who)
        elif kind == "set":
            field = row.get("field")
            if not isinstance(field, str) or "value" not in row:
                reason = 'a request needs "field", a setting\'s dotted name as text, and "value"'
                yield Malformed(str(field), row.get("value"), who, reason)
            else:
                yield Change(renamed(field), row["value"], who)
