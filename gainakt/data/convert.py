"""Files that are neither text tables nor Parquet: turned into one of the two, or named in a refusal."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from gainakt.config import DataConfig
from gainakt.data import apart
from gainakt.data.mapping import found, missing
from gainakt.errors import DAMAGED_ZIP, InputError

LARGEST_WORKBOOK = 1 << 30
"""Bytes that a workbook may unpack to."""

_BINARY = {
    b"PK\x03\x04": "a zip archive; unpack it",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it",
    b"BZh": "compressed by bzip2; unpack it",
    b"\xfd7zXZ": "compressed by xz; unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\x89HDF": "an HDF5 file; save the table as CSV or Parquet",
    b"\x93NUMPY": "a NumPy array; save the table as CSV or Parquet",
    b"$FL2": "an SPSS file; save it as CSV",
    b"RDX": "an R data file; write the table with write.csv",
    b"X\n\x00\x00": "an R data file; write the table with write.csv",
    b"\x80\x04\x95": "a pickle, which is not opened for safety; save the table as CSV or Parquet",
    b"ORC": "an ORC file; save the table as Parquet",
    b"\xff\xff\xff\xff": "an Arrow stream; save it as Feather or Parquet",
}
_MARKUP = re.compile(rb"\s*<(!doctype|html|table|\?xml|!--|meta|head|body)", re.IGNORECASE)
_SQL = re.compile(
    rb"\s*(--[^\n]*\n\s*|/\*.*?\*/;?\s*)*(PRAGMA|BEGIN TRANSACTION|CREATE TABLE|INSERT INTO|SET)\s", re.DOTALL
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_OBJECTS = re.compile(rb'\s*(\[\s*)?\{\s*"')
_LISTS = re.compile(rb"\s*\[\s*\[")
_LONGEST_OBJECT = 1 << 26


def binary(head: bytes) -> str:
    """What a file of this beginning is and what to do, where it cannot be read; else nothing."""
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it"
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "a page of HTML or XML, whatever its ending; open it in a spreadsheet and save it as CSV or .xlsx"
    if _SQL.match(head[:4096]) and b";" in head:
        return "a dump of a database in SQL; export the table as CSV"
    return next((what for magic, what in _BINARY.items() if head.startswith(magic)), "")


def is_workbook(path: Path, head: bytes) -> bool:
    """Whether this is an Excel or OpenDocument workbook."""
    if head.startswith(_OLD_OFFICE):
        return True
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except DAMAGED_ZIP:
        return path.suffix.lower() in (".xlsx", ".ods")
    return bool(names & {"xl/workbook.xml", "xl/workbook.bin"}) or {"content.xml", "mimetype"} <= names


def workbook(path: Path, config: DataConfig, scratch: Path) -> tuple[Path, str]:
    """The sheet that is read as CSV, and a note on why it is that one where others have rows too; raises InputError."""
    if find_spec("python_calamine") is None:
        raise InputError(
            f"{path}: this is a workbook; save the sheet as CSV, or install the reader: pip install -e '.[excel]'"
        )
    _check_size(path)
    target = scratch / f"{len(list(scratch.iterdir()))}.csv"
    wrong = "this workbook cannot be read: {}; save the sheet as CSV"
    sheets = _apart(("sheets", path), path, wrong)
    if not sheets:
        raise InputError(f"{path}: no sheet of this workbook has two rows")
    chosen, why = _sheet(path, config, sheets)
    _apart(("sheet", path, target, chosen), path, wrong)
    others = ", ".join(name for name in sheets if name != chosen)
    return target, f"{path}: sheet {chosen!r} is read, {why}; not read: {others} (data.sheet)" if others else ""


def _apart(work: tuple[object, ...], path: Path, wrong: str) -> Any:
    """What `apart` answers to a work and what it is given; raises InputError in the words of `wrong`."""
    command = [sys.executable, "-P", apart.__file__, *map(str, work)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        limit = f"it needs more than {apart.MOST_MEMORY >> 30} GB of memory"
        raise InputError(f"{path}: {wrong.format(limit)}")
    answer = json.loads(done.stdout)
    if "wrong" in answer:
        raise InputError(f"{path}: {wrong.format(answer['wrong'])}")
    return answer["answer"]


def _sheet(path: Path, config: DataConfig, sheets: Mapping[str, list[list[str]]]) -> tuple[str, str]:
    """The name of the sheet to read, given the first rows of each, and why that one; raises InputError."""
    if asked := config.sheet.strip():
        alike = [name for name in sheets if name.strip().casefold() == asked.casefold()]
        if not alike:
            raise InputError(f"{path}: no sheet {asked!r} with two rows (data.sheet); there: {', '.join(sheets)}")
        return alike[0], "as asked"
    for name, rows in sheets.items():
        if any(_has_roles(path, row, config) for row in rows):
            return name, "the first with columns for student, skill and response"
    return next(iter(sheets)), "the first with rows; none has columns for student, skill and response"


def _has_roles(path: Path, row: list[str], config: DataConfig) -> bool:
    try:
        return not missing(found(str(path), row, config))
    except InputError:  # a column that is asked for stands elsewhere
        return False


def _check_size(path: Path) -> None:
    """Refuse a workbook that unpacks to more than it may, by what really comes out of it."""
    if not zipfile.is_zipfile(path):
        return
    left = LARGEST_WORKBOOK
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as stream:
                    while left >= 0 and (chunk := stream.read(1 << 20)):
                        left -= len(chunk)
    except DAMAGED_ZIP as error:
        raise InputError(f"{path}: this workbook cannot be read: {error}; save the sheet as CSV") from None
    if left < 0:
        raise InputError(f"{path}: this workbook unpacks to more than {LARGEST_WORKBOOK:,} bytes; save it as CSV")


def kind_of(head: bytes) -> str:
    """Feather, JSON or JSON of EduData, by a file's first bytes; else nothing."""
    if head.startswith((b"ARROW1", b"FEA1")):
        return "Feather"
    text = head.removeprefix(b"\xef\xbb\xbf")
    return "JSON" if _OBJECTS.match(text) else "JSON of EduData" if _LISTS.match(text) else ""


def as_parquet(path: Path, plain: Path, kind: str, scratch: Path) -> Path:
    """A Parquet file with the rows of a file of this kind, whose content is unpacked in `plain`.

    Raises InputError for a damaged one.
    """
    target = scratch / f"{len(list(scratch.iterdir()))}.parquet"
    {"Feather": _feather, "JSON": _objects, "JSON of EduData": _pairs}[kind](path, plain, target)
    return target


def _feather(path: Path, plain: Path, target: Path) -> None:
    if odd := _apart(("feather", plain, target), path, "cannot be read as Feather: {}"):
        raise InputError(f"{path}: column {odd[0]!r} has a type of its own, which is not read; save it as plain text")


def _objects(path: Path, plain: Path, target: Path) -> None:
    with duckdb.connect(":memory:") as connection:
        try:
            source = connection.read_json(str(plain), maximum_object_size=_LONGEST_OBJECT)
            kinds = [str(kind) for kind in source.types]
            if all(kind.startswith(("STRUCT", "MAP")) or kind.endswith("[]") for kind in kinds) and len(source) == 1:
                source = _by_columns(connection, plain, source, kinds)
            _flat(source).write_parquet(str(target))
        except (duckdb.Error, ValueError) as error:
            raise InputError(f"{path}: cannot be read as JSON: {str(error).splitlines()[0]}") from None


def _by_columns(
    connection: duckdb.DuckDBPyConnection, path: Path, source: duckdb.DuckDBPyRelation, kinds: list[str]
) -> duckdb.DuckDBPyRelation:
    """One object that holds the rows: as a list of objects under a name, or column by column as pandas writes it."""
    lists = [name for name, kind in zip(source.columns, kinds, strict=True) if kind.endswith(")[]")]
    if len(lists) == 1:
        return source.select(f"unnest({_quoted(lists[0])}) AS row").select("unnest(row)")
    return connection.from_df(pd.read_json(path, dtype=False))


def _flat(source: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The values of objects within a row as columns of their own, called NAME.PART; of one list of them, as rows.

    Where some values are texts and others are not, texts lose the quotes of JSON.
    """
    if mixed := [_quoted(name) for name in _of_kind(source, _is_mixed)]:
        texts = [f"{name} ->> '$' AS {name}" for name in mixed]
        source = source.select(f"* EXCLUDE ({', '.join(mixed)}), {', '.join(texts)}")
    while (objects := _of_kind(source, _is_object)) or len(lists := _of_kind(source, _is_list)) == 1:
        if not objects:
            rows = _quoted(lists[0])
            source = source.select(f"* EXCLUDE ({rows}), unnest({rows}) AS {rows}")
        parts = []
        for name, kind in zip(source.columns, source.types, strict=True):
            inner = [part for part, _ in kind.children] if _is_object(kind) else []
            parts += [f"{_quoted(name)}.{_quoted(part)} AS {_quoted(f'{name}.{part}')}" for part in inner]
            parts += [] if inner else [_quoted(name)]
        source = source.select(", ".join(parts))
    return source


def _of_kind(source: duckdb.DuckDBPyRelation, is_one: Callable[[Any], bool]) -> list[str]:
    return [name for name, kind in zip(source.columns, source.types, strict=True) if is_one(kind)]


def _is_mixed(kind: object) -> bool:
    return str(kind) == "JSON"


def _is_object(kind: object) -> bool:
    return str(kind).startswith("STRUCT") and not str(kind).endswith("[]")


def _is_list(kind: object) -> bool:
    return str(kind).startswith("STRUCT") and str(kind).endswith(")[]")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _pairs(path: Path, plain: Path, target: Path) -> None:
    """Students as lists of (item, response), as EduData and EduKTM write them; the item counts as the skill."""
    students, skills, responses = [], [], []
    for number, student in enumerate(_students(path, plain), 1):
        if not isinstance(student, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in student):
            raise InputError(f"{path}, student {number}: expected a list of pairs [item, response], as EduData writes")
        students.append(f"{path.stem}-{number}")
        skills.append([str(item) for item, _ in student])
        responses.append([apart.cell(response) for _, response in student])
    pyarrow.parquet.write_table(pa.table({"uid": students, "concepts": skills, "responses": responses}), target)


def _students(path: Path, plain: Path) -> Iterator[Any]:
    text = plain.read_text(encoding="utf-8-sig", errors="replace")
    try:
        if re.match(r"\s*\[\s*\[\s*\[", text):
            yield from json.loads(text)
        else:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from None
