"""Journals rewritten in tests, numbered and checked as their writer would have; all that a store holds."""

from typing import Any

from gainakt.store import RunFolder, Store
from gainakt.store.lines import as_text, sealed


def rewrite(folder: RunFolder, rows: list[dict[str, Any]]) -> None:
    """Put these rows in place of a run's journal."""
    folder.close()
    folder.journal.write_bytes(b"".join(sealed(as_text(row), place + 1) for place, row in enumerate(rows)))


def content(store: Store, but: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """All rows of all tables in order, without some columns of the runs."""
    left = f"* EXCLUDE ({', '.join(but)})" if but else "*"
    tables = store._rows("SELECT table_name FROM duckdb_tables() WHERE table_name <> 'schema_versions'", {})
    return {
        table: sorted(store._rows(f"SELECT {left if table == 'runs' else '*'} FROM {table}", {}), key=repr)
        for (table,) in tables
    }
