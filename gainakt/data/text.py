"""Text files of any encoding -> UTF-8 with a header, and records with their row numbers; originals are only read."""

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, cast

from gainakt.config import DataConfig
from gainakt.data.convert import binary
from gainakt.data.header import (
    MOST_COLUMNS,
    SPACE,
    best_separator,
    by_spaces,
    names_columns,
    numbered,
    preamble,
    with_row_names,
)
from gainakt.data.records import lines, records
from gainakt.errors import InputError

REPLACED = "\ufffd"
"""Stands in place of bytes that are not valid in a file that is otherwise UTF-8."""

GUESSED = ("gb18030", "cp1252", "latin-1")
"""Encodings that bytes cannot prove; whoever reads them is told."""

LONGEST_LINE = 1 << 24
"""Bytes of a line of text that is read."""
MOST_TIMES = 200
"""A packed file may hold this many times its bytes, and as much again as `ALWAYS`; logs reach about 30 times."""
ALWAYS = 1 << 30

_CHUNK = 1 << 24
_SAMPLE = 1 << 22
_LOOK = 1 << 16
_LOOKED_AT = 60  # lines in which the header is looked for
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """A text file: `plain` is UTF-8, the file itself or a temporary copy.

    `header` names its columns; `skip` lines stand before the header, or before the first row where the file has none
    (`named` is false: the columns are numbered). `first` is the first record as it stands.
    """

    path: Path
    plain: Path
    encoding: str
    lossy: bool
    separator: str
    header: list[str]
    first: list[str]
    skip: int = 0
    named: bool = True

    @property
    def before_rows(self) -> int:
        """Lines before the first row, where the header is one line."""
        return self.skip + self.named


def open_text(path: Path, config: DataConfig, scratch: Path, stored: Path | None = None) -> Text:
    """Find encoding, separator and header of a file, or of the text in `stored` that was made of it.

    Raises InputError for an empty or binary file or an unknown encoding.
    """
    if stored:
        return _with_header(Text(path, stored, "", False, "", [], []), config)
    sample = head(path)
    if not sample.strip():
        raise InputError(f"{path}: the file is empty; give one with a header and at least one row")
    if what := binary(sample):
        raise InputError(
            f"{path}: this is {what}; allowed: text (CSV, TSV, JSON, ...), also .gz, Parquet, Feather, Excel"
        )
    encoding, lossy = _encoding(path, sample, config.encoding)
    plain = path
    if lossy or encoding not in ("utf-8", "utf-8-sig") or is_packed(path) or _has_later_marks(path):
        plain = scratch / f"{len(list(scratch.iterdir()))}.txt"
        _convert(path, plain, encoding, lossy)
    return _with_header(Text(path, plain, encoding, lossy, "", [], []), config)


def _with_header(file: Text, config: DataConfig) -> Text:
    _check_lines(file)
    top = [line for _, line in islice(lines(file.plain), _LOOKED_AT)]
    before = preamble(top)
    skip = before.skip
    separator = before.separator or best_separator(top[skip] if skip < len(top) else "")
    if not before.separator and by_spaces(top[skip:]):
        separator = SPACE
    near = list(islice(records(file.plain, separator, skip=skip), _LOOKED_AT))
    first = near[0][1] if near else []
    if first is None:
        raise InputError(f"{file.path}, row {skip + 1}: the header has a quote that is never closed; mend it")
    first = [name.strip() for name in first]
    if before.commented:
        first[0] = first[0].lstrip("# ")
    skip = near[0][0] - 1 if near else skip
    if len(first) > MOST_COLUMNS:
        raise InputError(f"{file.path}: its first row has {len(first):,} cells; a table has {MOST_COLUMNS:,} at most")
    rest = [fields for _, fields, _ in near[1:] if fields]
    named = before.commented or names_columns(first, rest, config)
    header = with_row_names(first, rest) if named else numbered(len(first))
    return replace(file, separator=separator, header=header, first=first, skip=skip, named=named)


def _check_lines(file: Text) -> None:
    """Refuse a file with a line far too long to be one; looks at little of it where lines are short."""
    with file.plain.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        for start in range(0, size, LONGEST_LINE):
            stream.seek(start)
            ends = (b"\n" in chunk or b"\r" in chunk for chunk in iter(partial(stream.read, _LOOK), b""))
            if size - start > LONGEST_LINE and not any(islice(ends, LONGEST_LINE // _LOOK)):
                raise InputError(
                    f"{file.path}: a line of more than {LONGEST_LINE:,} bytes; allowed: text with a line per row"
                )


def head(path: Path) -> bytes:
    """The first bytes of a file, unpacked where it is gzip; raises InputError."""
    try:
        with _open(path) as stream:
            return stream.read(_SAMPLE)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def is_packed(path: Path) -> bool:
    """Whether a file is gzip, by its content."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def unpacked(path: Path, scratch: Path) -> Path:
    """The file, or its content in `scratch` where it is gzip; raises InputError."""
    if not is_packed(path):
        return path
    plain = scratch / f"{len(list(scratch.iterdir()))}.unpacked"
    try:
        with plain.open("wb") as target:
            target.writelines(_chunks(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be unpacked to {scratch}: {error.strerror}; set TMPDIR") from None
    return plain


def _open(path: Path) -> IO[bytes]:
    packed = is_packed(path) or path.suffix.lower() == ".gz"
    return cast(IO[bytes], gzip.open(path)) if packed else path.open("rb")


def _has_later_marks(path: Path) -> bool:
    """Whether a byte-order mark stands elsewhere than at the start, as where files were joined."""
    kept = b""
    with path.open("rb") as stream:
        stream.read(len(codecs.BOM_UTF8))
        while chunk := stream.read(_CHUNK):
            if codecs.BOM_UTF8 in kept + chunk:
                return True
            kept = chunk[-len(codecs.BOM_UTF8) + 1 :]
    return False


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
    nothing = [sample[start::2].count(0) > 0.2 * len(sample) for start in (0, 1)]
    if all(nothing):
        raise InputError(f"{path}: this looks like a binary file; allowed: text (CSV, TSV, ...) and Parquet")
    if nothing[1]:
        return "utf-16-le", not _decodes(path, "utf-16-le")
    if nothing[0]:
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
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _convert(path: Path, plain: Path, encoding: str, lossy: bool) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("replace" if lossy else "strict")
    try:
        with plain.open("w", encoding="utf-8", newline="") as target:
            for chunk in _chunks(path):
                target.write(decoder.decode(chunk).replace("\ufeff", ""))
            target.write(decoder.decode(b"", final=True))
    except OSError as error:
        raise InputError(f"{path}: cannot be unpacked to {plain.parent}: {error.strerror}; set TMPDIR") from None


def _chunks(path: Path) -> Iterator[bytes]:
    """The content of a file, unpacked where it is gzip; raises InputError where that is too much or damaged."""
    left = ALWAYS + MOST_TIMES * path.stat().st_size
    try:
        with _open(path) as stream:
            while chunk := stream.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise InputError(f"{path}: unpacks to far more than a table does; unpack it yourself to read it")
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
