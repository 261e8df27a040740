"""A matrix of students by items: a row per student, a column of 0 and 1 per item -> one response per row."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from gainakt.data.mapping import Mapping
from gainakt.errors import InputError

HEADER = ("student", "item", "response", "place")
COLUMNS: dict[str, tuple[int, ...]] = {"student": (0,), "skill": (1,), "question": (1,), "response": (2,)}
POSITION = 3
ORDER_MISSING = (
    "read as a matrix of students by items: each item counts as a skill of its own, and as the order of the responses"
    " is not known, they are taken from left to right; learning over time cannot be seen in such data"
)

_FEWEST_ITEMS = 3
_ANSWERS = {"0", "1", "0.0", "1.0", "true", "false"}
_NONE = {"", "na", "nan", "null", "."}


def items(rows: Sequence[Sequence[str]], width: int, student: int | None) -> list[int]:
    """The columns of these first rows that hold nothing but 0, 1 and gaps."""
    found = []
    for index in range(width):
        cells = {row[index].strip().lower() for row in rows if index < len(row)}
        if index != student and cells & _ANSWERS and cells <= _ANSWERS | _NONE:
            found.append(index)
    return found


def offer(rows: Sequence[Sequence[str]], mapping: Mapping) -> str:
    """What to set where a table without needed columns looks like such a matrix; else nothing."""
    width = len(mapping.header)
    student = mapping.columns.get("student", (None,))[0]
    found = items(rows, width, student)
    if "skill" in mapping.columns or len(found) < max(_FEWEST_ITEMS, width / 2):
        return ""
    if mapping.columns.get("question") == (0,):
        return "it looks like a matrix of items by students: turn it round, a row per student, for data.format=wide"
    return (
        f"it looks like a matrix of students by items, with {len(found)} columns of 0 and 1: data.format=wide reads it,"
        " each item as a skill, without an order of the responses"
    )


def mapped(file: Path, rows: Sequence[Sequence[str]], mapping: Mapping) -> tuple[Mapping, list[str]]:
    """The columns `student` (if any) and `item` of a matrix, and notes on it; raises InputError without items."""
    names = [row[0].strip() for row in rows if row]
    student = mapping.columns.get("student", ())
    if not student and len(set(names)) == len(names) > 1 and 0 not in items(rows, 1, None):
        student = (0,)
    found = items(rows, len(mapping.header), student[0] if student else None)
    if not found:
        raise InputError(f"{file}: no column of 0 and 1 in the first rows, so this is no matrix of students by items")
    left = [name for index, name in enumerate(mapping.header) if index not in (*found, *student)]
    notes = [f"{file}: {ORDER_MISSING}"]
    if left:
        notes.append(f"{file}: columns that are not read, as they hold more than 0 and 1: {', '.join(left)[:300]}")
    return Mapping(
        mapping.header, False, {"student": student, "item": tuple(found)} if student else {"item": tuple(found)}
    ), notes


def long(connection: duckdb.DuckDBPyConnection, relation: str, mapping: Mapping, label: str) -> None:
    """Make `relation`_long: student, item, response and its place, a row per cell that holds something."""
    found = mapping.columns["item"]
    student = mapping.columns.get("student")
    who = f"c{student[0]}" if student else f"concat({_text(label)}, '-', row)"
    names = ", ".join(_text(mapping.header[index]) for index in found)
    cells = ", ".join(f"c{index}" for index in found)
    connection.execute(
        f"CREATE VIEW {relation}_long AS SELECT row, problem, line, c0, c1, c2, c3::VARCHAR AS c3 FROM ("
        f" SELECT row, problem, line, {who} AS c0, unnest([{names}]) AS c1, unnest([{cells}]) AS c2,"
        f" unnest(range({len(found)})) AS c3 FROM {relation} WHERE problem IS NULL)"
        f" WHERE lower(trim(coalesce(c2, ''))) NOT IN ({', '.join(map(_text, sorted(_NONE)))})"
        f" UNION ALL SELECT row, problem, line, NULL, NULL, NULL, NULL FROM {relation} WHERE problem IS NOT NULL"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
