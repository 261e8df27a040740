"""The four columns of hmm-scalable, without a header: response (1 correct, 2 incorrect), student, question, skills."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gainakt.data.interactions import JOIN
from gainakt.data.records import records

HEADER = ("response", "student", "question", "skill")
COLUMNS: dict[str, tuple[int, ...]] = {"student": (1,), "skill": (3,), "response": (0,), "question": (2,)}
UNKNOWN = "."
"""Stands for a response that was not observed: nothing to learn from."""

_RESPONSES = {"1": "1", "2": "0"}


def is_hmm(rows: Sequence[Sequence[str]], separator: str) -> bool:
    """Whether these are first rows of such a file."""
    return (
        separator == "\t"
        and bool(rows)
        and all(len(row) == len(HEADER) and row[0].strip() in (*_RESPONSES, UNKNOWN) for row in rows)
    )


def rows(plain: Path) -> Iterator[tuple[int, str | None, str | None, list[str]]]:
    """(row, problem, line, [response, student, question, skills]) of each row with a response."""
    for row, fields, line in records(plain, "\t"):
        if fields and fields[0].strip() == UNKNOWN:
            continue
        yield _row(row, fields, line)


def unknown(plain: Path) -> int:
    """Rows without an observed response."""
    return sum(bool(fields) and fields[0].strip() == UNKNOWN for _, fields, _ in records(plain, "\t") if fields)


def _row(row: int, fields: list[str] | None, line: str) -> tuple[int, str | None, str | None, list[str]]:
    if fields is None or len(fields) != len(HEADER):
        return row, f"{len(fields or ())} values instead of {len(HEADER)}", line, []
    response, student, question, skills = fields
    return (
        row,
        None,
        None,
        [_RESPONSES.get(response.strip(), response), student, question, skills.replace(JOIN, "~").replace("~", JOIN)],
    )
