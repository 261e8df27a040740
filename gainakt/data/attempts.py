"""Files with a row per attempt, such as DataShop transaction exports: the first at each step or question counts."""

import duckdb

from gainakt.data.mapping import Mapping, plain

_NUMBER = "attemptatstep"
_VIEW = "problemview"
"""Where it is empty, DataShop's student-step exports count the first view."""


def keep_first(connection: duckdb.DuckDBPyConnection, relation: str, mapping: Mapping) -> str:
    """Make `relation`_first: of each student, problem, view and step the attempt with the lowest number, else row.

    Rows without a step stay as they are, as do damaged ones. Outside of DataShop, rows of the same number all stay: a
    question that is met again, or one of several skills.
    """
    step = ", ".join(
        f"coalesce(nullif(trim(c{index}), ''), '1')" if plain(mapping.header[index]) == _VIEW else f"c{index}"
        for index in (*mapping.columns["student"], *mapping.step)
    )
    last = f"nullif(trim(c{mapping.step[-1]}), '.')"
    nth = f"try_cast(c{mapping.nth} AS DOUBLE)" if mapping.nth is not None else "NULL"
    datashop = mapping.nth is None or plain(mapping.header[mapping.nth]) == _NUMBER
    row, numbered = (", row", "") if datashop else ("", f" OR {nth} IS NULL")
    connection.execute(
        f"CREATE VIEW {relation}_first AS SELECT * EXCLUDE (place) FROM (SELECT *,"
        f" rank() OVER (PARTITION BY {step} ORDER BY {nth} NULLS LAST{row}) AS place FROM {relation})"
        f" WHERE place = 1 OR problem IS NOT NULL OR coalesce({last}, '') = ''{numbered}"
    )
    return f"{relation}_first"
