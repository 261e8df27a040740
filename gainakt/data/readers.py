"""An opened file -> one DuckDB relation of text columns with row numbers: row, problem, line, c0, c1, ..."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import duckdb
import pyarrow as pa

from gainakt.data import attempts, hmm, lines, text, wide
from gainakt.data.header import SIGNS
from gainakt.data.interactions import JOIN
from gainakt.data.mapping import Mapping
from gainakt.data.opening import Opened, literal
from gainakt.data.records import line_count, records, sound_records
from gainakt.errors import InputError

_BATCH = 50_000
MATERIALISED = 20_000_000
"""Rows up to which the good responses are a table; larger files are checked anew at each pass, out of core."""


@dataclass(frozen=True)
class Loaded:
    """An opened file as a relation; `rows` counts its records, good and bad, and `later` attempts left aside."""

    opened: Opened
    number: int
    relation: str
    rows: int
    later: int = 0

    @property
    def kept_as(self) -> str:
        """TABLE for what fits, VIEW for more."""
        return "TABLE" if self.rows <= MATERIALISED else "VIEW"


def load(connection: duckdb.DuckDBPyConnection, opened: Opened, number: int) -> Loaded:
    """The rows of the file as a relation; Parquet stays where it is, text is copied into the database."""
    relation = f"raw_{number}"
    if opened.content is None:
        rows = _view_parquet(connection, opened, relation)
    elif opened.frame:
        blocks = lines.blocks(opened.content.plain, opened.source.label, opened.frame)
        rows = _insert(connection, relation, blocks, range(4))
    elif opened.format == "hmm-scalable":
        rows = _insert(connection, relation, hmm.rows(opened.content.plain), range(4))
    else:
        fast = _load_fast(connection, opened.content, opened.mapping.needed, relation)
        rows = fast if fast is not None else _load_exact(connection, opened, relation)
    if opened.format == "wide":
        wide.long(connection, relation, opened.mapping, opened.source.label)
        relation = f"{relation}_long"
        opened = replace(opened, mapping=Mapping(wide.HEADER, False, wide.COLUMNS))
        return Loaded(opened, number, relation, count(connection, relation))
    if opened.mapping.step:
        first = attempts.keep_first(connection, relation, opened.mapping)
        kept = count(connection, first)
        return Loaded(opened, number, first, kept, rows - kept)
    return Loaded(opened, number, relation, rows)


def _view_parquet(connection: duckdb.DuckDBPyConnection, opened: Opened, relation: str) -> int:
    path = str(literal(opened.stored or opened.source.path)).replace("'", "''")
    columns = []
    for index in opened.mapping.needed:
        name = '"' + opened.mapping.header[index].replace('"', '""') + '"'
        if opened.types[index].startswith(("TIMESTAMP", "DATE")):
            name = f"epoch_us(CAST({name} AS TIMESTAMP))"
        elif opened.types[index].endswith("[]"):
            name = f"array_to_string({name}, '{',' if opened.mapping.sequences else JOIN}')"
        columns.append(f"CAST({name} AS VARCHAR) AS c{index}")
    connection.execute(
        f"CREATE VIEW {relation} AS SELECT file_row_number + 1 AS row, NULL::VARCHAR AS problem, NULL::VARCHAR AS line,"
        f" {', '.join(columns)} FROM read_parquet('{path}', file_row_number = true)"
    )
    size = (opened.stored or opened.source.path).stat().st_size
    for index in opened.mapping.needed:  # each alone: beside another, a text that stands in all rows is copied to each
        letters = connection.execute(f"SELECT sum(strlen(c{index})) FROM {relation}").fetchall()[0][0]
        if letters and letters > text.ALWAYS + text.MOST_TIMES * size:
            raise InputError(f"{opened.source.path}: {letters:,} letters in {size:,} bytes, far more than a table has")
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
            " header = $named, skip = $skip, delim = $separator, quote = '\"', escape = '\"', auto_detect = false,"
            " strict_mode = true, null_padding = false, comment = '', nullstr = '',"
            f" max_line_size = {text.LONGEST_LINE})",
            {"path": literal(file.plain), "separator": file.separator, "named": file.named, "skip": file.skip},
        )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return None
    rows = count(connection, f"{relation}_fast")
    empty = " AND ".join(f"coalesce(trim(c{index}), '') = ''" for index in needed)
    blank = connection.execute(f"SELECT 1 FROM {relation}_fast WHERE {empty} LIMIT 1").fetchone()
    if blank or rows + file.before_rows != line_count(file.plain):
        connection.execute(f"DROP TABLE {relation}_fast")
        return None
    connection.execute(
        f"CREATE VIEW {relation} AS SELECT rowid + {file.before_rows + 1} AS row, NULL::VARCHAR AS problem,"
        f" NULL::VARCHAR AS line, {names} FROM {relation}_fast"
    )
    return rows


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Number of rows of a relation."""
    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0


def _load_exact(connection: duckdb.DuckDBPyConnection, opened: Opened, relation: str) -> int:
    """Line by line, so that a damaged record costs itself alone; by the book where the whole file keeps to it."""
    file = opened.content
    assert file is not None
    width = len(file.header)

    def checked() -> Iterator[tuple[int, str | None, str | None, list[str]]]:
        sound = sound_records(file.plain, file.separator, file.skip, width)
        parsed = sound or records(file.plain, file.separator, opened.mapping.needed, file.skip)
        for row, fields, line in islice(parsed, file.named, None):
            if fields is None:
                yield row, "a quote is out of place or never closed; mend it or double it", line, []
            elif not any(cell.strip() for cell in fields):
                continue  # separators alone, as below a table in a spreadsheet
            elif len(fields) != width and any(fields[width:] or [len(fields) < width]):
                problem = f"{len(fields)} values where the header has {width} columns; separator: "
                yield row, problem + SIGNS[file.separator], line, []
            else:
                yield row, None, None, fields

    return _insert(connection, relation, checked(), opened.mapping.needed)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    rows: Iterator[tuple[int, str | None, str | None, list[str]]],
    needed: Sequence[int],
) -> int:
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
