"""Lines of a run's files: JSON objects, each with a running number and a checksum, appended by any process.

A line ends with `, "n": 17, "crc": "89abcdef"}`: its number among the file's lines, counted from 1, and the CRC-32 of
all bytes before `, "crc"`. That tells faults (a flipped bit, a lost or doubled line) from what was written; cheaply,
and no protection against somebody who means to deceive. Files from before have neither and are read as they are; a
line without them behind one that has them is damaged.
"""

import contextlib
import errno
import json
import math
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gainakt.errors import check_may_write

try:
    import fcntl
except ImportError:  # no such locks here: numbers may then be given twice by two writers at once
    fcntl = None  # type: ignore[assignment]

_SEAL = re.compile(rb', "n": ([0-9]{1,15}), "crc": "([0-9a-f]{8})"\}$')
_LAST_SEAL = re.compile(rb', "n": ([0-9]{1,15}), "crc": "[0-9a-f]{8}"\}\n')
_MARKS = ("n", "crc")
_TAIL, _CHUNK = 64, 1024 * 1024
_SHOWN_OF_DAMAGED = 500


class Appender:
    """A file open for appending lines; each is written whole, numbered after the last one in the file."""

    def __init__(self, path: Path) -> None:
        check_may_write()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._handle = os.open(path, flags, 0o644)
        self._end, self._number = -1, 0

    def write(self, row: dict[str, Any]) -> None:
        """Append the row; the line is with the operating system when this returns. After an OSError, open it anew."""
        text = as_text(row)
        with _alone(self._handle):
            end = os.lseek(self._handle, 0, os.SEEK_END)
            torn = False
            if end != self._end:  # somebody else wrote, or this is the first line
                self._number = last_number(self._handle, end)
                torn = end > 0 and _bytes_before(self._handle, end, 1) != b"\n"
            line = b"\n" * torn + sealed(text, self._number + 1)
            written = os.write(self._handle, line)  # one call: lines of several writers do not mix
            if written != len(line):
                raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes of a row were written")
            self._end, self._number = end + len(line), self._number + 1

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


@dataclass
class Lines:
    """What `read` found: the rows in order, where to go on, how many lines do not fit, and what is wrong, in words."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    end: int = 0
    unfit: int = 0
    faults: list[str] = field(default_factory=list)


def read(path: Path, offset: int, limit: int) -> Lines:
    """The complete lines from byte `offset` on, about `limit` bytes of them, each checked."""
    found = Lines(end=offset)
    try:
        size = os.stat(path).st_size
    except FileNotFoundError:
        return found
    if size <= offset:
        return found
    with path.open("rb") as file:
        before = last_number(file.fileno(), offset)
        file.seek(offset)
        data = file.read(limit)
        if b"\n" not in data:
            data += file.readline()  # one line longer than the limit
    complete = data[: data.rfind(b"\n") + 1]
    found.end = offset + len(complete)
    _check([line for line in complete.split(b"\n") if line.strip()], before, found)
    return found


def _check(lines: list[bytes], last: int, found: Lines) -> None:
    """Put what fits into `found`: numbers rise by one, but for places of lines that cannot be read."""
    lost = 0
    for line in lines:
        row, number = _opened(line)
        if row is None or (number is None and last > 0):
            found.rows.append({"kind": "damaged", "line": line[:_SHOWN_OF_DAMAGED].decode("utf-8", "replace")})
            found.faults.append(f"a line after row {last} cannot be read")
            lost += 1
            continue
        if number is not None:
            if number <= last:
                found.faults.append(f"row {number} stands again after row {last}")
                found.unfit += 1
                continue
            if (missing := number - last - 1 - lost) > 0:
                rows = f"row {last + 1} is" if missing == 1 and not lost else f"{missing} rows are"
                found.faults.append(f"{rows} missing before row {number}")
                found.unfit += missing
            last, lost = number, 0
        found.rows.append(row)
    found.unfit += sum(row["kind"] == "damaged" for row in found.rows)


def _opened(line: bytes) -> tuple[dict[str, Any] | None, int | None]:
    """The row in a line, None where it is damaged, and its number, None where it has none."""
    seal = _SEAL.search(line[-_TAIL:])
    if seal is not None:
        body = line[: -(len(seal[0]) - len(b', "n": ') - len(seal[1]))]
        if zlib.crc32(body) != int(seal[2], 16):
            return None, None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None, None
    if not (isinstance(row, dict) and isinstance(row.get("kind"), str)):
        return None, None
    marked = [row.pop(mark, None) is not None for mark in _MARKS]
    if seal is None and any(marked):
        return None, None  # what was a seal is damaged
    return row, None if seal is None else int(seal[1])


def sealed(text: bytes, number: int) -> bytes:
    """The line of a row given as JSON text: with its number and checksum."""
    body = text[:-1] + b', "n": %d' % number
    return body + b', "crc": "%08x"}\n' % zlib.crc32(body)


def as_text(row: dict[str, Any]) -> bytes:
    """The row as JSON text; numbers that are not finite become null."""
    try:
        text = json.dumps(row, allow_nan=False, ensure_ascii=True)
    except (ValueError, TypeError):
        text = json.dumps(plain(row), allow_nan=False, ensure_ascii=True)
    return text.encode("ascii")


def as_line(row: dict[str, Any]) -> bytes:
    """The row as a line without number and checksum."""
    return as_text(row) + b"\n"


def plain(value: Any) -> Any:
    """The value as JSON knows it: array scalars as Python's, keys as text, not finite numbers as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if hasattr(value, "tolist"):  # NumPy's and torch's, without importing either
        return plain(value.tolist())
    raise TypeError(f"a journal row holds a {type(value).__name__}, which JSON cannot carry: {value!r}")


def last_number(handle: int, end: int) -> int:
    """The number of the last numbered line before byte `end`, 0 where there is none."""
    found = _LAST_SEAL.search(_bytes_before(handle, end, _TAIL))  # as a rule the line just before
    while found is None and end > 0:
        chunk = _bytes_before(handle, end, _CHUNK)
        *_, found = None, *_LAST_SEAL.finditer(chunk)
        end = end - len(chunk) if len(chunk) < _CHUNK else end - _CHUNK + _TAIL
    return 0 if found is None else int(found[1])


def _bytes_before(handle: int, end: int, count: int) -> bytes:
    start = max(end - count, 0)
    os.lseek(handle, start, os.SEEK_SET)
    return os.read(handle, end - start)


@contextlib.contextmanager
def _alone(handle: int) -> Iterator[None]:
    """While one process looks up the last number and writes the next, others wait: microseconds."""
    locked = False
    if fcntl is not None:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
            locked = True
    try:
        yield
    finally:
        if locked:
            fcntl.flock(handle, fcntl.LOCK_UN)
