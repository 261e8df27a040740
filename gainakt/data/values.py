"""What single cells mean: labels, responses, folds, scores; as DuckDB macros and expressions."""

import duckdb

from gainakt.config import DataConfig
from gainakt.data.files import TRAINING_FOLD, VALIDATION_FOLD
from gainakt.data.interactions import TEST
from gainakt.data.readers import Loaded
from gainakt.errors import InputError

_EMPTY = ("", "na", "n/a", "nan", "null", ".", "\\n", "-1.#ind")
_CORRECT = (
    "1", "1.0", "true", "t", "yes", "y", "correct", "right", "ok", "pass", "passed", "accepted", "ac", "success",
    "solved", "wahr", "richtig", "vrai", "verdadero", "✓", "✔",
)  # fmt: skip
_INCORRECT = (
    "0", "0.0", "false", "f", "no", "n", "incorrect", "wrong", "hint", "bug", "error", "fail", "failed", "rejected",
    "wa", "failure", "unsolved", "wrong answer", "initial_hint", "hint_request", "initial hint", "hint request",
    "falsch", "faux", "falso", "✗", "✘",
)  # fmt: skip
_SCORES_FROM = 3
"""The largest value of a response column from which it holds scores, if 1 is rare there."""
_RARE = 0.02
_MANY = 20
"""Responses from which a column is judged as a whole; of fewer, each that is left out is seen."""


def _listed(words: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def define(connection: duckdb.DuckDBPyConnection) -> None:
    """Macros that all files share."""
    connection.execute(
        f"CREATE MACRO label(x) AS CASE WHEN lower(trim(x)) IN {_listed(_EMPTY)} THEN NULL ELSE trim(x) END"
    )
    connection.execute("""CREATE MACRO numeral(x) AS try_cast(CASE
        WHEN contains(x, ',') AND regexp_full_match(trim(x), '-?[0-9]+,[0-9]+') THEN replace(x, ',', '.')
        WHEN ends_with(x, '%') THEN CAST(try_cast(rtrim(x, '%') AS DOUBLE) / 100 AS VARCHAR) ELSE x END AS DOUBLE)""")
    connection.execute(f"""CREATE MACRO answered(x, partial) AS CASE
        WHEN x = '1' THEN 1::TINYINT WHEN x = '0' THEN 0::TINYINT
        WHEN lower(trim(x)) IN {_listed(_CORRECT)} THEN 1::TINYINT
        WHEN lower(trim(x)) IN {_listed(_INCORRECT)} THEN 0::TINYINT
        WHEN numeral(x) = 1 THEN 1::TINYINT WHEN numeral(x) = 0 THEN 0::TINYINT
        WHEN numeral(x) > 0 AND numeral(x) < 1 THEN partial END""")
    connection.execute(f"""CREATE MACRO in_fold(x) AS CASE
        WHEN lower(trim(x)) IN {_listed(("test", "testing"))} THEN {TEST}::SMALLINT
        WHEN lower(trim(x)) IN {_listed(("valid", "validation", "val", "dev"))} THEN {VALIDATION_FOLD}::SMALLINT
        WHEN lower(trim(x)) IN {_listed(("train", "training"))} THEN {TRAINING_FOLD}::SMALLINT
        WHEN regexp_full_match(trim(x), '-?[0-9]+(\\.0+)?') AND try_cast(x AS DOUBLE) BETWEEN -1 AND 30000
        THEN CAST(CAST(x AS DOUBLE) AS SMALLINT) END""")


def whole(connection: duckdb.DuckDBPyConnection, relation: str, column: str) -> str:
    """The label of a cell; 47.0 is 47 in a column of whole numbers, which pandas writes so beside a gap."""
    found = connection.execute(f"SELECT bool_or(ends_with({column}, '.0')) FROM {relation}").fetchone()
    if not found or not found[0]:
        return f"label({column})"
    numbers = connection.execute(
        f"SELECT bool_and(regexp_full_match(label({column}), '-?[0-9]+(\\.0)?')) FROM {relation}"
    ).fetchone()
    return f"regexp_replace(label({column}), '\\.0$', '')" if numbers and numbers[0] else f"label({column})"


def credit(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig, notes: list[str]) -> str:
    """The response column's cells, scores divided by the full credit; raises InputError where that is not known."""
    column = f"c{loaded.opened.mapping.columns['response'][0]}"
    full = config.full_credit or _full_credit(connection, loaded, config, notes)
    if full == 1:
        return column
    # A percentage says itself what full credit is.
    score = f"isfinite(numeral({column})) AND NOT ends_with({column}, '%')"
    return f"CASE WHEN {score} THEN CAST(numeral({column}) / {full} AS VARCHAR) ELSE {column} END"


def _full_credit(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig, notes: list[str]) -> float:
    column = f"c{loaded.opened.mapping.columns['response'][0]}"
    place = f"{loaded.opened.source.path}, column {loaded.opened.mapping.named('response')}"
    numbers = f"(SELECT numeral({column}) AS n FROM {loaded.relation}) WHERE isfinite(n)"
    largest, over, ones, none, partial = connection.execute(
        "SELECT max(n), count(*) FILTER (n > 1), count(*) FILTER (n = 1), count(*) FILTER (n = 0),"
        f" count(*) FILTER (n > 0 AND n < 1) FROM {numbers}"
    ).fetchall()[0]
    if config.partial_credit == "reject" and partial > max(_MANY / 2, ones + none + over):
        raise InputError(
            f"{place}: {partial:,} responses, more than all others, are partial credit, between 0 and 1; set"
            " data.partial_credit to incorrect, so that full credit alone is correct, or to correct"
        )
    if ones and not none:
        _refuse_other_pairs(connection, loaded, numbers)
    if largest is None or largest < _SCORES_FROM or ones > _RARE * over:
        return 1.0
    between = connection.execute(f"SELECT count(*) FROM {numbers} AND n NOT IN (0, {largest})").fetchall()[0][0]
    if none and not between:
        notes.append(f"{place}: holds 0 and {largest:g} alone; {largest:g} is read as correct (data.full_credit)")
        return float(largest)
    raise InputError(
        f"{place}: scores up to {largest:g}, where a response is 0 or 1; set data.full_credit to the score of a correct"
        f" response, such as {largest:g}; data.partial_credit says how those below it count"
    )


def _refuse_other_pairs(connection: duckdb.DuckDBPyConnection, loaded: Loaded, numbers: str) -> None:
    """Raise InputError where 1 stands beside 2 or -1 alone: which of the two is correct, no one can know."""
    found = [row[0] for row in connection.execute(f"SELECT DISTINCT n FROM {numbers} LIMIT 3").fetchall()]
    if set(found) not in ({1, 2}, {-1, 1}):
        return
    least, largest = sorted(found)
    twice = " (or, if 2 is correct, set data.full_credit=2 and data.partial_credit=incorrect)" if largest == 2 else ""
    place = f"{loaded.opened.source.path}, column {loaded.opened.mapping.named('response')}"
    raise InputError(
        f"{place}: holds {least:g} and {largest:g} alone, where 1 is a correct response and 0 another; write 0 for an"
        f" incorrect response{twice}"
    )
