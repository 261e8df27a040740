"""What single cells mean: labels, responses, folds, scores; as DuckDB macros and expressions."""

import duckdb

from gainakt.config import DataConfig
from gainakt.data.files import TRAINING_FOLD, VALIDATION_FOLD
from gainakt.data.interactions import TEST
from gainakt.data.mapping import SCORES, plain
from gainakt.data.readers import Loaded
from gainakt.errors import InputError, quoted

_EMPTY = ("", "na", "n/a", "nan", "null", "none", "#n/a", "<na>", ".", "\\n", "-1.#ind")
_CORRECT = (
    "1", "1.0", "true", "t", "yes", "y", "correct", "right", "ok", "pass", "passed", "accepted", "ac", "success",
    "solved", "wahr", "richtig", "ja", "vrai", "oui", "verdadero", "sí", "si", "sim", "c", "r", "✓", "✔",
)  # fmt: skip
_INCORRECT = (
    "0", "0.0", "false", "f", "no", "n", "incorrect", "wrong", "hint", "bug", "error", "fail", "failed", "rejected",
    "wa", "failure", "unsolved", "wrong answer", "initial_hint", "hint_request", "initial hint", "hint request",
    "falsch", "nein", "faux", "non", "falso", "não", "nao", "i", "✗", "✘",
)  # fmt: skip
_SCORES_FROM = 3
"""The largest value of a response column from which it holds scores, if 1 is rare there."""
_RARE = 0.02
_UNKNOWN = 0.25
"""Unknown words per known one from which a column of one kind of answer is refused."""
_WORDS = 6
"""Most different words of a column of responses; one of more holds something else."""
_STRAY = 0.1
"""Scores above 1, per response of 0 or 1, up to which they are taken for mistakes."""
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
        WHEN ends_with(x, '%') THEN CAST(try_cast(rtrim(x, '%') AS DOUBLE) / 100 AS VARCHAR)
        WHEN contains(x, '/') AND regexp_full_match(trim(x), '[0-9.]+ */ *[0-9.]+')
        THEN CAST(try_cast(split_part(x, '/', 1) AS DOUBLE) / try_cast(split_part(x, '/', 2) AS DOUBLE) AS VARCHAR)
        ELSE x END AS DOUBLE)""")
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
    mapping = loaded.opened.mapping
    column = f"c{mapping.columns['response'][0]}"
    if mapping.most is not None:
        notes.append(
            f"{loaded.opened.source.path}: {mapping.named('response')!r} is divided by {mapping.header[mapping.most]!r}"
            " of the same row; all of it is correct, none is incorrect, what is between is partial credit"
        )
        column = _share(column, f"c{mapping.most}")
    full = config.full_credit or _full_credit(connection, loaded, config, column, notes)
    _refuse_one_side(connection, loaded, column)
    if full == 1:
        return column
    # A percentage, or a score such as 3 / 4, says itself what full credit is.
    score = f"isfinite(numeral({column})) AND NOT ends_with({column}, '%') AND NOT contains({column}, '/')"
    return f"CASE WHEN {score} THEN CAST(numeral({column}) / {full} AS VARCHAR) ELSE {column} END"


def _share(column: str, most: str) -> str:
    """A score as a share of the largest possible one; nothing where that is not given."""
    return (
        f"CASE WHEN numeral({column}) IS NULL THEN {column} WHEN numeral({column}) = 0 THEN '0'"
        f" WHEN numeral({most}) > 0 THEN CAST(least(numeral({column}) / numeral({most}), 1) AS VARCHAR) END"
    )


def _refuse_one_side(connection: duckdb.DuckDBPyConnection, loaded: Loaded, column: str) -> None:
    """Raise InputError where words that are not known stand for all that is correct, or for all that is not."""
    found = connection.execute(
        f"""SELECT trim({column}), count(*), any_value(answered({column}, NULL)) FROM {loaded.relation}
        WHERE label({column}) IS NOT NULL AND numeral({column}) IS NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"""
    ).fetchall()
    unknown = sum(count for _, count, answer in found if answer is None)
    known = sum(count for _, count, answer in found if answer is not None)
    if unknown <= _UNKNOWN * known or len(found) > _WORDS or {answer for *_, answer in found} >= {0, 1}:
        return
    numbers = connection.execute(
        f"SELECT count(*) FROM {loaded.relation} WHERE numeral({column}) BETWEEN 0 AND 1"
    ).fetchall()[0][0]
    name = loaded.opened.mapping.named("response")
    # a header may stand again
    words = [f"{quoted(word)} ({count:,})" for word, count, _ in found if word != name]
    if words and not numbers:
        raise InputError(
            f"{loaded.opened.source.path}, column {name}: holds {', '.join(words)}; which of them is correct is not"
            " known; write 1 for correct and 0 for incorrect"
        )


def _full_credit(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig, column: str, notes: list[str]
) -> float:
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
    if ones and not none and loaded.opened.mapping.most is None:
        _refuse_other_pairs(connection, loaded, numbers)
    scores = plain(loaded.opened.mapping.named("response")) in SCORES
    stray = not scores or over < _STRAY * (ones + none) or ones + none + over < _MANY
    if largest is None or ((largest < _SCORES_FROM or ones > _RARE * over) and stray):
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
