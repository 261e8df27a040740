"""A column of times or places -> an expression that orders rows, and what is doubtful about it."""

import duckdb

from gainakt.config import DataConfig
from gainakt.data.mapping import plain
from gainakt.data.readers import Loaded

_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_NUMBERED = {
    "month-first": ("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y"),
    "day-first": ("%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y"),
}
_NAMED = (
    "%d.%m.%Y", "%d-%b-%Y", "%d %b %Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d",
)  # fmt: skip
_WHOLE = ("%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S")
_INTEGERS = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT")
_BACKWARD = 0.25  # share of neighbours out of order from which a column called time may be a duration


def expression(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig, notes: list[str]) -> str:
    """The order of rows: the column's numbers as they are, or its dates as microseconds; doubts go to `notes`."""
    columns = loaded.opened.mapping.columns.get("time")
    if not columns:
        return "NULL::DOUBLE"
    value = f"c{columns[0]}"
    number = f"try_cast({value} AS DOUBLE)"
    if loaded.opened.types.get(columns[0], "").startswith(("TIMESTAMP", "DATE", *_INTEGERS)):
        return f"try_cast({value} AS BIGINT)"
    rows, numbers, largest, commas = connection.execute(
        f"""SELECT count(*), count({number}), coalesce(max(abs({number})) FILTER (WHERE isfinite({number})), 0),
            count(*) FILTER (regexp_full_match(trim({value}), '-?[0-9]+,[0-9]+'))
        FROM {loaded.relation} WHERE {value} IS NOT NULL"""
    ).fetchall()[0]
    if commas > numbers:
        return f"numeral({value})"
    if numbers and (numbers == rows or 2 * numbers >= _filled(connection, loaded, value)):
        _doubt_order(connection, loaded, number, notes)
        exact = f"try_cast({value} AS BIGINT)" if 2**53 <= largest < 2**63 else number
        return f"CASE WHEN isfinite({number}) THEN {exact} END"
    days = (*_NUMBERED[_dates(connection, loaded, value, config, notes)], *_NAMED)
    value = f"trim({value})"
    listed = ", ".join(f"'{one}'" for one in (*(f"{day} {clock}" for day in days for clock in _CLOCKS), *days, *_WHOLE))
    parsed = f"coalesce(try_cast({value} AS TIMESTAMPTZ), try_strptime({value}, [{listed}])::TIMESTAMPTZ)"
    return f"CASE WHEN {number} IS NULL AND isfinite({parsed}) THEN epoch_us({parsed}) END"


def _dates(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, value: str, config: DataConfig, notes: list[str]
) -> str:
    """Whether month or day comes first in dates of numbers alone."""
    if config.dates != "auto":
        return config.dates
    first, second, dates = connection.execute(
        f"""SELECT coalesce(max(parts[1]::INTEGER), 0), coalesce(max(parts[2]::INTEGER), 0), count(*)
        FROM (SELECT regexp_extract_all({value}, '[0-9]+') AS parts FROM {loaded.relation}
            WHERE regexp_matches({value}, '^\\s*[0-9]{{1,2}}[/-][0-9]{{1,2}}[/-][0-9]{{2,4}}'))"""
    ).fetchall()[0]
    if dates and first <= 12 and second <= 12:
        notes.append(
            f"{loaded.opened.source.path}: day and month of {loaded.opened.mapping.named('time')} cannot be told apart;"
            " read month first (data.dates day-first reads them the other way)"
        )
    return "day-first" if 12 < first <= 31 and second <= 12 else "month-first"


def _doubt_order(connection: duckdb.DuckDBPyConnection, loaded: Loaded, number: str, notes: list[str]) -> None:
    """Say so where a column called time, of plain numbers, turns the file's order around: it may be a duration."""
    mapping = loaded.opened.mapping
    if plain(mapping.named("time")) != "time" or "student" not in mapping.columns:
        return
    student = f"c{mapping.columns['student'][0]}"
    neighbours, backward = connection.execute(
        f"""SELECT count(*), count(*) FILTER (now < before) FROM (SELECT {number} AS now,
            lag({number}) OVER (PARTITION BY {student} ORDER BY row) AS before FROM {loaded.relation})
        WHERE before IS NOT NULL"""
    ).fetchall()[0]
    if neighbours and backward >= _BACKWARD * neighbours:
        notes.append(
            f"{loaded.opened.source.path}: column {mapping.named('time')!r} turns {backward:,} of {neighbours:,}"
            " neighbouring responses around; if it is a duration, set data.time_column to - for the file's own order"
        )


def _filled(connection: duckdb.DuckDBPyConnection, loaded: Loaded, column: str) -> int:
    return int(connection.execute(f"SELECT count(label({column})) FROM {loaded.relation}").fetchall()[0][0])
