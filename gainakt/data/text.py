"""Text files of any encoding -> UTF-8 with a header, and records with their row numbers; originals are only read."""

import codecs
import csv
import gzip
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from gainakt.errors import InputError

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
REPLACED = "\ufffd"
"""Stands in place of bytes that are not valid in a file that is otherwise UTF-8."""

GUESSED = ("gb18030", "cp1252", "latin-1")
"""Encodings that bytes cannot prove; whoever reads them is told."""

_CHUNK = 1 << 24
_SAMPLE = 1 << 22
_LONGEST_RECORD = 20  # lines; more than that within one pair of quotes means that a quote was never closed
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it",
    b"BZh": "compressed by bzip2; unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
}
csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class Text:
    """A text file: `plain` is UTF-8, the file itself or a temporary copy; `header` is its first record."""

    path: Path
    plain: Path
    encoding: str
    lossy: bool
    separator: str
    header: list[str]

    def is_lines(self, asked: str) -> bool:
        """Whether this is three- or four-line text: asked for, or its first line is a lone number."""
        return asked == "lines" or (asked == "auto" and len(self.header) == 1 and self.header[0].isdecimal())


def open_text(path: Path, asked: str, scratch: Path) -> Text:
    """Find encoding, separator and header; raises InputError for an empty or binary file or an unknown encoding."""
    try:
        with _open(path) as stream:
            head = stream.read(_SAMPLE)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if not head.strip():
        raise InputError(f"{path}: the file is empty; give one with a header and at least one row")
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise InputError(f"{path}: this is {what}; allowed: text (CSV, TSV, ...), also .gz, and Parquet")
    encoding, lossy = _encoding(path, head, asked)
    plain = path
    if lossy or encoding not in ("utf-8", "utf-8-sig") or path.suffix.lower() == ".gz":
        plain = scratch / f"{len(list(scratch.iterdir()))}.txt"
        _convert(path, plain, encoding, lossy)
    first = next(_lines(plain), (1, ""))[1]
    separator = max(SEPARATORS, key=lambda sign: len(_parse(first, sign) or ()))
    header = next(records(plain, separator), (1, None, ""))[1]
    if header is None:
        raise InputError(f"{path}, row 1: the header has a quote that is never closed; mend it")
    return Text(path, plain, encoding, lossy, separator, [name.strip() for name in header])


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _encoding(path: Path, head: bytes, asked: str) -> tuple[str, bool]:
    """The encoding and whether some bytes are not valid in it."""
    if asked != "auto":
        try:
            return codecs.lookup(asked).name, not _decodes(path, asked)
        except LookupError:
            raise InputError(
                f"data.encoding: {asked!r} is unknown; allowed: auto, utf-8, utf-16, latin-1, gbk, ..."
            ) from None
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, not _decodes(path, name)
    sample = head[: 1 << 16]
    if sample[1::2].count(0) > 0.2 * len(sample):
        return "utf-16-le", not _decodes(path, "utf-16-le")
    if sample[0::2].count(0) > 0.2 * len(sample):
        return "utf-16-be", not _decodes(path, "utf-16-be")
    if _decodes(path, "utf-8"):
        return "utf-8", False
    if len(re.findall(rb"[\x00-\x08\x0e-\x1f]", sample)) > 0.05 * len(sample):
        raise InputError(f"{path}: this looks like a binary file; allowed: text (CSV, TSV, ...) and Parquet")
    return _legacy(path, head)


def _legacy(path: Path, head: bytes) -> tuple[str, bool]:
    """Guess among damaged UTF-8, GBK and the Latin family, by how the bytes above 127 stand together."""
    replaced = head.decode("utf-8", "replace")
    bad = replaced.count(REPLACED)
    if sum(sign > "\x7f" for sign in replaced) - bad > 10 * bad:
        return "utf-8", True
    high = sum(map(len, re.findall(rb"[\x80-\xff]+", head)))
    common = len(re.findall(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]", head))  # GBK's usual signs and characters
    if 2 * common > 0.7 * high and _decodes(path, "gb18030"):
        return "gb18030", False
    return ("cp1252", False) if _decodes(path, "cp1252") else ("latin-1", False)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with _open(path) as stream:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return True


def _convert(path: Path, plain: Path, encoding: str, lossy: bool) -> None:
    decode = codecs.getreader(encoding)
    with _open(path) as source, plain.open("w", encoding="utf-8", newline="") as target:
        shutil.copyfileobj(decode(source, "replace" if lossy else "strict"), target, _CHUNK)


def line_count(plain: Path) -> int:
    """Number of lines up to the last that is not blank, counting line feeds."""
    count, tail = 0, b""
    with plain.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            count += chunk.count(b"\n")
            tail = (tail + chunk)[-1024:]
    end = tail.rstrip(b"\r\n")
    return count - tail[len(end) :].count(b"\n") + 1


def records(plain: Path, separator: str, needed: tuple[int, ...] = ()) -> Iterator[tuple[int, list[str] | None, str]]:
    """(line number, fields, text) of each record that is not blank; no fields where a quote is out of place.

    A record of several lines is one only when the line breaks stand in columns that are not `needed`: a quote that
    was never closed costs its own line and no other.
    """
    lines = _lines(plain)
    waiting: list[tuple[int, str]] = []
    width = 0
    while waiting or (following := next(lines, None)):
        row, line = waiting.pop(0) if waiting else cast(tuple[int, str], following)
        if not line.strip(" \r\n\t") and (separator != "\t" or not line.strip("\r\n")):
            continue
        fields = _parse(line, separator)
        if fields is None:
            waiting.extend(item for _, item in zip(range(_LONGEST_RECORD - len(waiting)), lines, strict=False))
            fields, used = _joined(line, [text for _, text in waiting], separator, width, needed)
            del waiting[:used]
        width = width or len(fields or ())
        yield row, fields, line


def _joined(
    line: str, following: list[str], separator: str, width: int, needed: tuple[int, ...]
) -> tuple[list[str] | None, int]:
    """The record that this line and the first ones of the following make, and how many of those it takes."""
    for used in range(1, len(following) + 1):
        if '"' not in following[used - 1]:
            continue
        fields = _parse("\n".join([line, *following[:used]]), separator)
        if fields is not None:
            whole = width in (0, len(fields)) and not any("\n" in fields[i] for i in needed if i < len(fields))
            return (fields, used) if whole else (None, 0)
    return None, 0


def _lines(plain: Path) -> Iterator[tuple[int, str]]:
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
