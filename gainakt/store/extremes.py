"""Best and last values of what was evaluated, kept beside the series, so that a list of runs need not read those."""

from collections.abc import Iterable

import duckdb

from gainakt.store.changes import Changes
from gainakt.store.schema import EXTREMES


def renew(connection: duckdb.DuckDBPyConnection, changes: Iterable[tuple[str, Changes]]) -> None:
    """Find them again for the runs that were evaluated, or went back to an earlier step, by what changed (run, how)."""
    ids = [
        run_id
        for run_id, one in changes
        if one.after is not None or any(row[0].startswith("validation.") for row in one.series)
    ]
    if ids:
        chosen = f"run_id IN ({', '.join('?' * len(ids))})"
        connection.execute(f"DELETE FROM extremes WHERE {chosen}", ids)
        connection.execute(f"INSERT INTO extremes {EXTREMES.format(which=f'AND {chosen}')}", ids)
