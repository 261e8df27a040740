"""Every table of the store, for chosen runs, as files that other programs read: CSV or Parquet.

The store's own connection reads and writes no files but its own. Rows leave it as Arrow batches, and a DuckDB without
the store writes them.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from gainakt.errors import InputError
from gainakt.store.reader import Reader

FORMATS = {"csv": "(FORMAT csv, HEADER)", "parquet": "(FORMAT parquet, COMPRESSION zstd)"}
_BATCH = 100_000
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"


def export_tables(store: Reader, run_ids: Sequence[str], folder: Path, form: str) -> dict[str, int]:
    """Write `folder`/TABLE.csv or .parquet for every table, the rows of these runs; table -> rows.

    In CSV, text that a spreadsheet would take for a formula begins with an apostrophe; Parquet holds all as it is.
    Raises InputError for another format, and where a file is there already.
    """
    if form not in FORMATS:
        raise InputError(f"unknown format {form!r} of tables; known: {', '.join(FORMATS)}")
    with store.reading() as cursor:
        columns = _columns(cursor)
        there = [name for name in columns if (folder / f"{name}.{form}").exists()]
        if there:
            raise InputError(f"{folder / f'{there[0]}.{form}'} is there already; choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        return {
            table: _write(cursor, _rows(table, names), list(run_ids), folder / f"{table}.{form}", form)
            for table, names in columns.items()
        }


def _columns(cursor: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Table -> its columns; the number of the schema is none of the runs' business."""
    found: dict[str, list[str]] = {}
    rows = cursor.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY 1"
    ).fetchall()
    for table, column in rows:
        if table != "schema_versions":
            found.setdefault(table, []).append(column)
    return found


def _rows(table: str, columns: list[str]) -> str:
    of_runs = "list_contains($runs, run_id)"
    if "run_id" not in columns:  # the data sets of these runs
        of_runs = f"fingerprint IN (SELECT data_fingerprint FROM runs WHERE {of_runs})"
    return f'SELECT * FROM "{table}" WHERE {of_runs}'


def _write(cursor: duckdb.DuckDBPyConnection, query: str, runs: list[str], to: Path, form: str) -> int:
    rows = cursor.sql(query, params={"runs": runs}).to_arrow_reader(_BATCH)
    place = "'" + str(to).replace("'", "''") + "'"
    with duckdb.connect() as writer:
        writer.execute("SET enable_progress_bar = false")
        writer.register("leaving", rows)
        shown = "*" if form == "parquet" else ", ".join(_harmless(field.name, str(field.type)) for field in rows.schema)
        done = writer.execute(f"COPY (SELECT {shown} FROM leaving) TO {place} {FORMATS[form]}").fetchone()
    return int(done[0]) if done else 0


def _harmless(column: str, kind: str) -> str:
    """The column as CSV may hold it: no text that a spreadsheet would compute, numbers as they are."""
    name = f'"{column}"'
    if "string" not in kind:
        return name
    formula = f"regexp_matches({name}, '{_FORMULA}') AND try_cast({name} AS DOUBLE) IS NULL"
    return f"CASE WHEN {formula} THEN '''' || {name} ELSE {name} END AS {name}"
