"""A file of any format -> one DuckDB relation of text columns with row numbers: row, problem, line, c0, c1, ..."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from gainakt.config import DataConfig
from gainakt.data import text
from gainakt.data.files import Source
from gainakt.data.lines import HEADER as LINES_HEADER
from gainakt.data.lines import blocks, lines_per_student
from gainakt.data.mapping import Mapping, guess
from gainakt.errors import InputError

_BATCH = 50_000
_LONGEST_LINE = 1 << 24


@dataclass(frozen=True)
class Opened:
    """A file whose format, encoding and columns are known, before its rows are read."""

    source: Source
    format: str
    mapping: Mapping
    content: text.Text | None = None
    lines_each: int = 0
    types: dict[int, str] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, str]:
        """How the file is read, for reports."""
        columns = {role: self.mapping.named(role) for role in self.mapping.columns}
        if self.format == "lines":
            columns = {}
        encoding = {"encoding": self.content.encoding} if self.content else {}
        return {"file": str(self.source.origin or self.source.path), "format": self.format, **encoding, **columns}


@dataclass(frozen=True)
class Loaded:
    """An opened file as a relation; `rows` counts its records, good and bad."""

    opened: Opened
    number: int
    relation: str
    rows: int


def container(path: Path, config: DataConfig, scratch: Path) -> text.Text | list[tuple[str, str]]:
    """A text file with its header, or the columns and types of a Parquet file; raises InputError."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if magic != b"PAR1":
        return text.open_text(path, config.encoding, scratch)
    with duckdb.connect(":memory:") as connection:
        try:
            query = "DESCRIBE SELECT * FROM read_parquet($path)"
            return [(str(row[0]), str(row[1])) for row in connection.execute(query, {"path": literal(path)}).fetchall()]
        except duckdb.Error as error:
            raise InputError(f"{path}: cannot be read as Parquet: {first_line(error)}") from None


def open_file(source: Source, config: DataConfig, scratch: Path) -> Opened:
    """Find format and columns; raises InputError."""
    opened = container(source.path, config, scratch)
    if not isinstance(opened, text.Text):
        mapping = guess(source.path, [name for name, _ in opened], config)
        types = {index: kind for index, (_, kind) in enumerate(opened)}
        return Opened(source, "parquet sequences" if mapping.sequences else "parquet", mapping, None, 0, types)
    if opened.is_lines(config.format):
        columns: dict[str, tuple[int, ...]] = {"student": (0,), "skill": (1,), "response": (2,), "question": (3,)}
        each = lines_per_student(opened.plain)
        if each == 3:
            del columns["question"]
        return Opened(source, "lines", Mapping(LINES_HEADER, True, columns, ()), opened, each)
    mapping = guess(source.path, opened.header, config)
    return Opened(source, "sequences" if mapping.sequences else "table", mapping, opened)


def first_line(error: Exception) -> str:
    """The first line of a library's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def literal(path: Path) -> str:
    """A path that DuckDB takes as it is, whatever *, ? or [ stand in it."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def load(connection: duckdb.DuckDBPyConnection, opened: Opened, number: int) -> Loaded:
    """The rows of the file as a relation; Parquet stays where it is, text is copied into the database."""
    relation = f"raw_{number}"
    if opened.content is None:
        rows = _view_parquet(connection, opened, relation)
    elif opened.format == "lines":
        rows = _insert(connection, relation, 4, blocks(opened.content.plain, opened.source.label, opened.lines_each))
    else:
        fast = _load_fast(connection, opened.content, opened.mapping.needed, relation)
        rows = fast if fast is not None else _load_exact(connection, opened, relation)
    return Loaded(opened, number, relation, rows)


def _view_parquet(connection: duckdb.DuckDBPyConnection, opened: Opened, relation: str) -> int:
    path = str(literal(opened.source.path)).replace("'", "''")
    columns = []
    for index in opened.mapping.needed:
        name = '"' + opened.mapping.header[index].replace('"', '""') + '"'
        if opened.types[index].startswith(("TIMESTAMP", "DATE")):
            name = f"epoch_us(CAST({name} AS TIMESTAMP))"
        elif opened.types[index].endswith("[]"):
            name = f"array_to_string({name}, ',')"
        columns.append(f"CAST({name} AS VARCHAR) AS c{index}")
    connection.execute(
        f"CREATE VIEW {relation} AS SELECT file_row_number + 1 AS row, NULL::VARCHAR AS problem, NULL::VARCHAR AS line,"
        f" {', '.join(columns)} FROM read_parquet('{path}', file_row_number = true)"
    )
    return count(connection, relation)


def _load_fast(
    connection: duckdb.DuckDBPyConnection, file: text.Text, needed: tuple[int, ...], relation: str
) -> int | None:
    """DuckDB's own reader, in parallel and strict; nothing unless each line was exactly one record."""
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(file.header)))
    names = ", ".join(f"c{index}" for index in needed)
    try:
        connection.execute(
            f"CREATE TABLE {relation}_fast AS SELECT {names} FROM read_csv($path, columns = {{{columns}}},"
            " header = true, delim = $separator, quote = '\"', escape = '\"', auto_detect = false, strict_mode = true,"
            f" null_padding = false, comment = '', nullstr = '', max_line_size = {_LONGEST_LINE})",
            {"path": literal(file.plain), "separator": file.separator},
        )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return None
    rows = count(connection, f"{relation}_fast")
    if rows + 1 != text.line_count(file.plain):
        connection.execute(f"DROP TABLE {relation}_fast")
        return None
    connection.execute(
        f"CREATE VIEW {relation} AS SELECT rowid + 2 AS row, NULL::VARCHAR AS problem, NULL::VARCHAR AS line, {names}"
        f" FROM {relation}_fast"
    )
    return rows


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Number of rows of a relation."""
    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0


def _load_exact(connection: duckdb.DuckDBPyConnection, opened: Opened, relation: str) -> int:
    """Line by line, so that a damaged record costs itself alone."""
    file = opened.content
    assert file is not None
    width = len(file.header)

    def checked() -> Iterator[tuple[int, str | None, str | None, list[str]]]:
        parsed = text.records(file.plain, file.separator, opened.mapping.needed)
        next(parsed, None)  # the header
        for row, fields, line in parsed:
            if fields is None:
                yield row, "a quote is out of place or never closed; mend it or double it", line, []
            elif len(fields) != width and any(fields[width:] or [len(fields) < width]):
                problem = f"{len(fields)} values where the header has {width} columns; separator: "
                yield row, problem + text.SEPARATORS[file.separator], line, []
            else:
                yield row, None, None, fields

    return _insert(connection, relation, width, checked(), opened.mapping.needed)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    width: int,
    rows: Iterator[tuple[int, str | None, str | None, list[str]]],
    needed: tuple[int, ...] | None = None,
) -> int:
    needed = tuple(range(width)) if needed is None else needed
    names = ["row", "problem", "line", *(f"c{index}" for index in needed)]
    kinds = [pa.int64(), *[pa.string()] * (2 + len(needed))]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    connection.execute(f"CREATE TABLE {relation} (row BIGINT, {', '.join(f'{name} VARCHAR' for name in names[1:])})")
    total, held = 0, list[tuple[object, ...]]()

    def flush() -> None:
        columns = [list(column) for column in zip(*held, strict=True)] or [[] for _ in names]
        table = pa.table(dict(zip(names, columns, strict=True)), schema=schema)
        connection.register("batch", table)
        connection.execute(f"INSERT INTO {relation} SELECT * FROM batch")
        connection.unregister("batch")
        held.clear()

    for row, problem, line, fields in rows:
        picked = [fields[index] for index in needed] if fields else [None] * len(needed)
        held.append((row, problem, line, *picked))
        total += 1
        if len(held) == _BATCH:
            flush()
    flush()
    return total
