"""Steering marks as a run's folder holds them: what was asked of a training and acted, to be made again."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from gainakt.config import SCHEDULE, renamed
from gainakt.store import RunFolder
from gainakt.store.rows import changes

Row = dict[str, Any]
Mark = tuple[int, Row]
"""A request and the step that it acts from."""
PLAN = "marks.json"
"""File in a run's folder with the marks that it repeats, so that it can be resumed before it has made them all."""


def journal(folder: RunFolder) -> list[Row]:
    """All rows of a run's journal, but for those that the store counts as damaged."""
    rows: list[Row] = []
    offset, last = 0, -1
    while offset != last:
        last = offset
        some, offset = folder.rows(offset)
        rows += [row for row in some if row["kind"] != "damaged" and changes(row) is not None]
    return rows


def marks_of(rows: Iterable[Row], refused: bool = False) -> list[Mark]:
    """What was asked of a run and acted, and with `refused` what did not; what a resumption took back is left out.

    The last may be a request to stop, before the step that was then not done.
    """
    marks: list[Mark] = []
    for row in rows:
        if row["kind"] == "resumed":
            marks = [(step, mark) for step, mark in marks if step <= row["step"]]
        elif row["kind"] == "changed" and row.get("who") != SCHEDULE:
            marks.append((int(row["step"]), request(row["field"], row["new"], row)))
        elif row["kind"] == "refused" and refused:
            marks.append((int(row["step"]), request(row["field"], row["value"], row)))
        elif row["kind"] == "finished" and row.get("status") == "stopped":
            who = str(row.get("reason")).removeprefix("stopped by ")
            marks.append((int(row["step"] or 0) + 1, {"kind": "stop", "who": who}))
    return marks


def request(field: str, value: Any, row: Row) -> Row:
    """The request that a row of the journal answers."""
    return {"kind": "set", "field": field, "value": value, "who": row.get("who")}


def plan(folder: RunFolder, marks: Sequence[Mark]) -> None:
    """Keep the marks that a run will repeat in its folder."""
    if marks:
        (folder.folder / PLAN).write_text(json.dumps(marks))


def to_repeat(folder: RunFolder, rows: list[Row], step: int) -> tuple[Mark, ...]:
    """The requests that act after `step`: made before, planned from the beginning, or never read by the training."""
    made = [mark for mark in marks_of(rows, refused=True) if mark[1]["kind"] == "set"]
    try:
        planned = [(int(at), mark) for at, mark in json.loads((folder.folder / PLAN).read_text())]
    except (OSError, ValueError):
        planned = []
    last = max((int(row["step"]) for row in rows if row["kind"] == "step"), default=0)
    unread = ((max(last, step) + 1, mark) for mark in _unread(folder, rows))
    marks = [*made, *(mark for mark in planned if mark not in made), *unread]
    return tuple(sorted((mark for mark in marks if mark[0] > step), key=lambda mark: mark[0]))


def _unread(folder: RunFolder, rows: list[Row]) -> list[Row]:
    """Requests after the last that left a row: the training read them in order, and none of these acted."""
    requested = [row for row in folder.requests(0)[0] if row["kind"] == "set" and isinstance(row.get("field"), str)]
    answers = [row for row in rows if row["kind"] in ("changed", "refused")]

    def answered(asked: Row) -> bool:
        return any(
            answer["field"] == renamed(asked["field"])
            and answer.get("new", answer.get("value")) == asked.get("value")
            and _time(answer) >= _time(asked)
            for answer in answers
        )

    return requested[max((place for place, row in enumerate(requested) if answered(row)), default=-1) + 1 :]


def _time(row: Row) -> float:
    """When a row was written; 0 where it does not say so with a number."""
    value = row.get("time")
    return float(value) if isinstance(value, int | float) else 0.0


def held_along(rows: list[Row], step: int) -> list[Row]:
    """What acts from the step after a state and is in it already: it came along with the stop or pause that kept it."""
    kept = [place for place, row in enumerate(rows) if row["kind"] == "state" and row["step"] == step]
    until = kept[-1] if kept else len(rows)
    resumed = [place for place, row in enumerate(rows[:until]) if row["kind"] == "resumed"]
    since = rows[resumed[-1] + 1 if resumed else 0 : until]
    return [row for row in since if row["kind"] in ("changed", "refused", "phase") and row["step"] == step + 1]
