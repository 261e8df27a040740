"""The store's tables as numbered, forward-only migrations; times are unix seconds, texts named JSON hold JSON."""

import time

import duckdb

from gainakt.errors import InputError

_FIRST = """
CREATE TABLE runs (
    run_id VARCHAR PRIMARY KEY, name VARCHAR, preset VARCHAR, status VARCHAR,
    created DOUBLE, started DOUBLE, ended DOUBLE, heartbeat DOUBLE,
    host VARCHAR, pid BIGINT, pid_started DOUBLE, device VARCHAR, seed BIGINT,
    config VARCHAR, versions VARCHAR, data VARCHAR, data_name VARCHAR, data_fingerprint VARCHAR, skill_labels VARCHAR,
    steps_per_epoch BIGINT, max_epochs BIGINT, parameters BIGINT, step BIGINT, epoch BIGINT, epochs BIGINT,
    best_encoder1 BIGINT, best_encoder2 BIGINT, seconds DOUBLE, interactions_per_second DOUBLE,
    reason VARCHAR, error VARCHAR, traceback VARCHAR,
    journal_offset BIGINT DEFAULT 0, rows_taken BIGINT DEFAULT 0, damaged_rows BIGINT DEFAULT 0,
    event_rows BIGINT DEFAULT 0
);
CREATE TABLE series (
    run_id VARCHAR, name VARCHAR, step BIGINT, epoch BIGINT, time DOUBLE, value DOUBLE
);
CREATE TABLE events (
    run_id VARCHAR, seq BIGINT, time DOUBLE, step BIGINT, epoch BIGINT, kind VARCHAR,
    field VARCHAR, old VARCHAR, new VARCHAR, who VARCHAR, text VARCHAR
);
CREATE TABLE histograms (
    run_id VARCHAR, split VARCHAR, step BIGINT, epoch BIGINT, skill BIGINT, counts BIGINT[]
);
CREATE TABLE parameters (
    run_id VARCHAR, name VARCHAR, step BIGINT, epoch BIGINT, mean DOUBLE, std DOUBLE, quantiles DOUBLE[]
);
CREATE TABLE metrics (run_id VARCHAR, split VARCHAR, name VARCHAR, value DOUBLE);
CREATE TABLE skills (
    run_id VARCHAR, position BIGINT, skill VARCHAR, interactions BIGINT, effective_rate DOUBLE, mean_gain DOUBLE,
    m_sat DOUBLE, beta DOUBLE, threshold DOUBLE, "offset" DOUBLE, extra VARCHAR
);
CREATE TABLE datasets (
    fingerprint VARCHAR PRIMARY KEY, name VARCHAR, source VARCHAR, first_seen DOUBLE, summary VARCHAR
);
"""

_LINEAGE = "ALTER TABLE runs ADD COLUMN lineage VARCHAR"

EXTREMES = """
SELECT run_id, name, min(value), arg_min(epoch, value ORDER BY step), max(value), arg_max(epoch, value ORDER BY step),
    arg_max(value, step), max(epoch)
FROM series WHERE starts_with(name, 'validation.') AND value IS NOT NULL {which} GROUP BY run_id, name
"""
"""What the table `extremes` holds of the runs that `which` chooses: no list of runs has to read their series."""

_ANNOTATIONS = f"""
ALTER TABLE runs ADD COLUMN tags VARCHAR;
ALTER TABLE runs ADD COLUMN notes VARCHAR;
ALTER TABLE runs ADD COLUMN favourite BOOLEAN DEFAULT FALSE;
ALTER TABLE runs ADD COLUMN archived BOOLEAN DEFAULT FALSE;
CREATE TABLE extremes (
    run_id VARCHAR, name VARCHAR, low DOUBLE, low_epoch BIGINT, high DOUBLE, high_epoch BIGINT, last DOUBLE,
    last_epoch BIGINT
);
INSERT INTO extremes {EXTREMES.format(which="")};
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _LINEAGE, _ANNOTATIONS)
"""Script n-1 leads from version n-1 to version n; a released one is never edited."""


def version(connection: duckdb.DuckDBPyConnection) -> int:
    """The file's schema version, 0 for an empty file; raises InputError for a database that is not a store."""
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        return 0
    if "schema_versions" not in tables:
        raise InputError("is a DuckDB database, but not a GainAKT store; choose another file")
    row = connection.execute("SELECT max(version) FROM schema_versions").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def check_readable(stored: int) -> None:
    """Raise InputError when version `stored` is newer than this program knows."""
    if stored > len(MIGRATIONS):
        raise InputError(
            f"has schema version {stored}, written by a newer GainAKT; this one knows up to {len(MIGRATIONS)}."
            " Update this installation, or choose another store"
        )


def migrate(connection: duckdb.DuckDBPyConnection, stored: int) -> None:
    """Run the migrations after version `stored` in one transaction: a file is of the old version or of the newest."""
    connection.execute("BEGIN")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER, applied DOUBLE)")
        for number in range(stored + 1, len(MIGRATIONS) + 1):
            connection.execute(MIGRATIONS[number - 1])
            connection.execute("INSERT INTO schema_versions VALUES (?, ?)", [number, time.time()])
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
