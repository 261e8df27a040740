"""UTF-8 text -> records with their line numbers; a damaged one costs itself alone."""

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

_CHUNK = 1 << 24
_LONGEST_RECORD = 5_000  # lines; more than that within one pair of quotes means that a quote was never closed
csv.field_size_limit(1 << 30)


def line_count(plain: Path) -> int:
    """Number of lines up to the last that is not blank, counting line feeds."""
    count, tail = 0, b""
    with plain.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            count += chunk.count(b"\n")
            tail = (tail + chunk)[-1024:]
    end = tail.rstrip(b"\r\n")
    return count - tail[len(end) :].count(b"\n") + 1


Record = tuple[int, list[str] | None, str]


def records(plain: Path, separator: str, needed: tuple[int, ...] = (), skip: int = 0) -> Iterator[Record]:
    """(line number, fields, text) of each record that is not blank; no fields where a quote is out of place.

    A line with an open quote is joined with those up to the quote's end. Where a line break then stands in a column
    that is `needed` and one of the lines would make a row of its own, a quote was never closed: it costs its own line
    and no other. Lines from # that make no row are comments.
    """
    left = islice(lines(plain), skip, None)
    waiting: deque[tuple[int, str]] = deque()
    width = 0
    while waiting or (following := next(left, None)):
        row, line = waiting.popleft() if waiting else cast(tuple[int, str], following)
        if not line.strip(" \r\n\t") and (separator != "\t" or not line.strip("\r\n")):
            continue
        if width and line.startswith("#") and line.count(separator) + 1 != width:
            continue
        fields = _parse(line, separator)
        if fields is None:
            _read_to_closing_quote(line, waiting, left)
            fields, used = _joined(line, [text for _, text in waiting], separator, width, needed)
            for _ in range(used):
                waiting.popleft()
        width = width or len(fields or ())
        yield row, fields, line


def _read_to_closing_quote(line: str, waiting: deque[tuple[int, str]], left: Iterator[tuple[int, str]]) -> None:
    """Fill `waiting` up to the line with which the quotes are even."""
    quotes = line.count('"') + sum(text.count('"') for _, text in waiting)
    while quotes % 2 and len(waiting) < _LONGEST_RECORD and (following := next(left, None)):
        waiting.append(following)
        quotes += following[1].count('"')


def _joined(
    line: str, following: list[str], separator: str, width: int, needed: tuple[int, ...]
) -> tuple[list[str] | None, int]:
    """The record that this line and the first ones of the following make, and how many of those it takes."""
    quotes = line.count('"')
    for used, text in enumerate(following, 1):
        quotes += text.count('"')
        if quotes % 2:
            continue
        fields = _parse("\n".join([line, *following[:used]]), separator)
        if fields is None or (width and not _fits(fields, width)):
            return None, 0
        broken = any("\n" in fields[i] for i in needed if i < len(fields))
        rows = (text.count(separator) + 1 == width for text in (line, *following[:used]))
        return (None, 0) if broken and any(rows) else (fields, used)
    return None, 0


def _fits(fields: list[str], width: int) -> bool:
    """Whether a record has a value per column; empty ones may follow."""
    return len(fields) >= width and not any(fields[width:])


def sound_records(plain: Path, separator: str, skip: int, width: int) -> Iterator[Record] | None:
    """The records of a file as RFC 4180 has them, or nothing where one of them does not fit the header."""
    if all(fields is not None for _, fields, _ in _by_the_book(plain, separator, skip, width)):
        return _by_the_book(plain, separator, skip, width)
    return None


def _by_the_book(plain: Path, separator: str, skip: int, width: int) -> Iterator[Record]:
    """Records of any number of lines; ends with one that has no fields where something is wrong."""
    begun = 0

    def watched() -> Iterator[str]:
        for row, line in islice(lines(plain), skip, None):
            if row - skip - begun > _LONGEST_RECORD:
                raise csv.Error("a quote is never closed")
            yield f"{line}\n"

    reader = csv.reader(watched(), delimiter=separator, strict=True)
    try:
        for fields in reader:
            row, begun = begun + skip + 1, reader.line_num
            if not fields or (len(fields) == 1 and not fields[0].strip()):
                continue
            if not _fits(fields, width):
                break
            yield row, fields, ""
        else:
            return
    except csv.Error:
        pass
    yield 0, None, ""


def lines(plain: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number."""
    with plain.open(encoding="utf-8-sig", newline=None) as stream:
        for row, line in enumerate(stream, 1):
            yield row, line.rstrip("\n")


def _parse(line: str, separator: str) -> list[str] | None:
    if '"' not in line:
        return line.split(separator)
    try:
        rows = list(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
