"""A matrix of students by items: a row per student, a column per item -> one response per row.

Items hold 0 and 1, or marks whose full score is known: by the header, as in Moodle (`Q. 1 /2.50`), or in each cell, as
in Google Forms (`1.00 / 1`).
"""

import re
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
_WORDS = {"true": 1.0, "false": 0.0}
_NONE = {"", "na", "nan", "null", ".", "-"}
_FULL = 0.5
"""Share of an item's marks that are none or all of it, at least."""
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_MARK = re.compile(rf"{_NUMBER}(?: */ *{_NUMBER})?")
_IN_HEADER = re.compile(rf".* ?/ *{_NUMBER}")


def items(rows: Sequence[Sequence[str]], header: Sequence[str], student: int | None) -> list[int]:
    """The columns of these first rows that hold marks between 0 and the full score, mostly one of the two, and gaps.

    A column whose full score is that of all others together is their sum and no item.
    """
    most: dict[int, float] = {}
    for index, name in enumerate(header):
        cells = [row[index].strip().lower() for row in rows if index < len(row)]
        cells = [cell for cell in cells if cell not in _NONE]
        scores = [_score(cell, full_score(name)) for cell in cells]
        marks = [score for score in scores if score is not None]
        full = sum(got in (0, of) for got, of in marks)
        if index != student and full and full >= _FULL * len(marks) and len(marks) == len(scores):
            most[index] = max(of for _, of in marks)
    if len(most) <= _FEWEST_ITEMS - 1:
        return list(most)
    total = sum(most.values())
    return [index for index, of in most.items() if not (_has_full(rows, header, index) and abs(2 * of - total) < 0.1)]


def full_score(name: str) -> float:
    """The full score that a header names, else 1."""
    found = _IN_HEADER.fullmatch(name.strip())
    return _number(found[1]) if found else 1.0


def _score(cell: str, of: float) -> tuple[float, float] | None:
    """Marks and full score, where a cell holds marks from 0 to that."""
    found = _MARK.fullmatch(cell)
    got = _number(found[1]) if found else _WORDS.get(cell, -1.0)
    of = _number(found[2]) if found and found[2] else of
    return (got, of) if 0 <= got <= of else None


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _has_full(rows: Sequence[Sequence[str]], header: Sequence[str], index: int) -> bool:
    """Whether header or cells name a full score."""
    return bool(_IN_HEADER.fullmatch(header[index].strip())) or any("/" in row[index] for row in rows)


def offer(rows: Sequence[Sequence[str]], mapping: Mapping) -> str:
    """What to set where a table without needed columns looks like such a matrix; else nothing."""
    width = len(mapping.header)
    student = mapping.columns.get("student", (None,))[0]
    found = items(rows, mapping.header, student)
    marked = sum(_has_full(rows, mapping.header, index) for index in found)
    if "skill" in mapping.columns or (marked < _FEWEST_ITEMS - 1 and len(found) < max(_FEWEST_ITEMS, width / 2)):
        return ""
    if mapping.columns.get("question") == (0,):
        return "it looks like a matrix of items by students: turn it round, a row per student, for data.format=wide"
    return (
        f"it looks like a matrix of students by items, with {len(found)} columns of marks: data.format=wide reads it,"
        " each item as a skill, without an order of the responses"
    )


def mapped(file: Path, rows: Sequence[Sequence[str]], mapping: Mapping) -> tuple[Mapping, list[str]]:
    """The columns `student` (if any) and `item` of a matrix, and notes on it; raises InputError without items."""
    names = [row[0].strip() for row in rows if row]
    student = mapping.columns.get("student", ())
    if not student and len(set(names)) == len(names) > 1 and 0 not in items(rows, mapping.header[:1], None):
        student = (0,)
    found = items(rows, mapping.header, student[0] if student else None)
    if not found:
        raise InputError(
            f"{file}: no column of 0 and 1, or of marks, in the first rows, so this is no matrix of students by items"
        )
    left = [name for index, name in enumerate(mapping.header) if index not in (*found, *student)]
    notes = [f"{file}: {ORDER_MISSING}"]
    if left:
        notes.append(f"{file}: columns that are not read, as they hold no marks of an item: {', '.join(left)[:300]}")
    return Mapping(
        mapping.header, False, {"student": student, "item": tuple(found)} if student else {"item": tuple(found)}
    ), notes


def long(connection: duckdb.DuckDBPyConnection, relation: str, mapping: Mapping, label: str) -> None:
    """Make `relation`_long: student, item, response and its place, a row per cell that holds something."""
    found = mapping.columns["item"]
    student = mapping.columns.get("student")
    who = f"c{student[0]}" if student else f"concat({_text(label)}, '-', row)"
    names = ", ".join(_text(mapping.header[index]) for index in found)
    cells = ", ".join(_cell(index, full_score(mapping.header[index])) for index in found)
    connection.execute(
        f"CREATE VIEW {relation}_long AS SELECT row, problem, line, c0, c1, c2, c3::VARCHAR AS c3 FROM ("
        f" SELECT row, problem, line, {who} AS c0, unnest([{names}]) AS c1, unnest([{cells}]) AS c2,"
        f" unnest(range({len(found)})) AS c3 FROM {relation} WHERE problem IS NULL)"
        f" WHERE lower(trim(coalesce(c2, ''))) NOT IN ({', '.join(map(_text, sorted(_NONE)))})"
        f" UNION ALL SELECT row, problem, line, NULL, NULL, NULL, NULL FROM {relation} WHERE problem IS NOT NULL"
    )


def _cell(index: int, of: float) -> str:
    return f"c{index}" if of == 1 else f"coalesce(CAST(numeral(c{index}) / {of} AS VARCHAR), c{index})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
