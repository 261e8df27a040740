"""Rows of one response to a question of several skills -> one row with all of its skills."""

import duckdb

from gainakt.config import DataConfig
from gainakt.data.readers import Loaded

_LOOKED_AT = 200_000
"""Rows in which repeated questions are looked for."""
_FEWEST = 3
"""Such rows that show a habit of the file and no accident."""


def joined(
    connection: duckdb.DuckDBPyConnection, long: str, loaded: Loaded, config: DataConfig, notes: list[str]
) -> str:
    """The relation of good responses, with the rows of one attempt joined where there are such rows.

    Rows share an attempt by their column for it. Without one, rows that repeat the question before them with another
    skill are one response if they always repeat its answer and time as well: steps of a problem would differ.
    """
    columns = loaded.opened.mapping.columns
    source = long
    if "attempt" not in columns:
        if config.attempt_column == "-" or "question" not in columns:
            return long
        repeats = _repeats(connection, long)
        if repeats < _FEWEST:
            if repeats:
                notes.append(
                    f"{loaded.opened.source.path}: {repeats} row(s) repeat the question before them with another skill;"
                    " too few to tell a question of several skills, so they are read as responses of their own"
                )
            return long
        notes.append(
            f"{loaded.opened.source.path}: rows that repeat the question before them with another skill"
            f" ({repeats:,} in the first {_LOOKED_AT:,}) are read as one response to a question of several skills"
            " (data.attempt_column=- reads them apart)"
        )
        connection.execute(f"CREATE VIEW {long}_tried AS {_numbered(long)}")
        source = f"{long}_tried"
    elif not _shared(connection, long):
        return long
    connection.execute(f"CREATE {loaded.kept_as} {long}_joined AS {_together(source)}")
    return f"{long}_joined"


def _neighbours(long: str) -> str:
    """Each row beside the one before it: whether it repeats the question, with another skill, and all else."""
    order = "OVER (PARTITION BY student ORDER BY row, position)"
    return f"""SELECT *, question = lag(question) {order} AND skill <> lag(skill) {order} AS repeats,
        response = lag(response) {order} AND time IS NOT DISTINCT FROM lag(time) {order} AS alike FROM {long}"""


def _repeats(connection: duckdb.DuckDBPyConnection, long: str) -> int:
    """Rows that repeat the question before them with another skill; 0 where some of them answer it otherwise."""
    near = f"(SELECT * FROM {long} WHERE question IS NOT NULL LIMIT {_LOOKED_AT})"
    repeats, alike = connection.execute(
        f"SELECT count(*) FILTER (repeats), count(*) FILTER (repeats AND alike) FROM ({_neighbours(near)})"
    ).fetchall()[0]
    return int(repeats) if repeats == alike else 0


def _numbered(long: str) -> str:
    return f"""SELECT * EXCLUDE (attempt, repeats, alike), CAST(count(*) FILTER (NOT coalesce(repeats AND alike, false))
        OVER (PARTITION BY student ORDER BY row, position) AS VARCHAR) AS attempt FROM ({_neighbours(long)})"""


def _shared(connection: duckdb.DuckDBPyConnection, long: str) -> bool:
    found = connection.execute(
        f"SELECT 1 FROM {long} WHERE attempt IS NOT NULL GROUP BY student, attempt HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    return found is not None


def _together(long: str) -> str:
    """Rows of one attempt as one question with several skills; rows without an attempt stay as they are."""
    return f"""SELECT min(row) AS row, min(position) AS position, student,
        string_agg(skill, '~~' ORDER BY row, position) AS skill, response, min(question) AS question, attempt,
        min(time) AS time, min(fold) AS fold FROM {long} GROUP BY student, coalesce(attempt, concat('row ', row)),
        attempt, response"""
