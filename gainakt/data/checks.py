"""Relations of text columns -> one interaction per row, or a row that is left out with its reason; SQL only."""

from dataclasses import dataclass

import duckdb

from gainakt.config import DataConfig
from gainakt.data.readers import Loaded
from gainakt.data.text import REPLACED

_EMPTY = "('', 'na', 'n/a', 'nan', 'null', '.', '\\n', '-1.#ind')"
_CORRECT = "('1', '1.0', 'true', 't', 'yes', 'y', 'correct', 'right', 'ok')"
_INCORRECT = "('0', '0.0', 'false', 'f', 'no', 'n', 'incorrect', 'wrong', 'hint', 'bug', 'error')"
_PADDING = "'(,\\s*-1\\s*)+$'"
_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_MONTH_FIRST, _DAY_FIRST = ("%m/%d/%Y", "%m/%d/%y"), ("%d/%m/%Y", "%d/%m/%y")
_INTEGERS = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT")
_MATERIALISED = 20_000_000
"""Rows up to which the good responses are a table; larger files are checked anew at each pass, out of core."""

REASONS = {
    "line": "{problem}",
    "encoding": "bytes that are not valid in the file's encoding; set data.encoding",
    "student": "the student id is empty; give every row one",
    "skill": "a skill is empty; give every response one, or choose another skill column or model",
    "response": "a response is neither 0 nor 1; also allowed: true, false, correct, incorrect, hint, yes, no",
    "partial": "partial credit is neither 0 nor 1; data.partial_credit can say what it counts as",
    "time": "not a time or number like most of this column; set data.time_column to - for the file's own order",
    "fold": "not a whole number; allowed: 0, 1, ... for folds, -1 for test",
    "lengths": "{responses} responses for {skills} skills; all lists of a row must be equally long",
}


@dataclass(frozen=True)
class Checked:
    """Names of a file's relations: `rows` (bad ones too, with `bad`) and `long` (one row per good response)."""

    loaded: Loaded
    rows: str
    long: str


def settings(connection: duckdb.DuckDBPyConnection) -> None:
    """Macros that all files share."""
    connection.execute(f"CREATE MACRO label(x) AS CASE WHEN lower(trim(x)) IN {_EMPTY} THEN NULL ELSE trim(x) END")
    connection.execute(f"""CREATE MACRO answered(x, partial) AS CASE
        WHEN x = '1' THEN 1::TINYINT WHEN x = '0' THEN 0::TINYINT
        WHEN lower(trim(x)) IN {_CORRECT} THEN 1::TINYINT WHEN lower(trim(x)) IN {_INCORRECT} THEN 0::TINYINT
        WHEN try_cast(x AS DOUBLE) = 1 THEN 1::TINYINT WHEN try_cast(x AS DOUBLE) = 0 THEN 0::TINYINT
        WHEN try_cast(x AS DOUBLE) > 0 AND try_cast(x AS DOUBLE) < 1 THEN partial END""")
    connection.execute("""CREATE MACRO in_fold(x) AS CASE
        WHEN regexp_full_match(trim(x), '-?[0-9]+(\\.0+)?') AND try_cast(x AS DOUBLE) BETWEEN -1 AND 30000
        THEN CAST(CAST(x AS DOUBLE) AS SMALLINT) END""")


def check(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig) -> Checked:
    """Make the relations `rows_N` and `long_N` of a loaded file."""
    kind = "TABLE" if loaded.rows <= _MATERIALISED else "VIEW"
    build = _sequences if loaded.opened.mapping.sequences else _table
    rows = f"rows_{loaded.number}"
    long = f"long_{loaded.number}"
    if loaded.opened.mapping.sequences:
        connection.execute(f"CREATE TABLE {rows} AS {build(connection, loaded, config)}")
        connection.execute(f"CREATE {kind} {long} AS {_unnested(loaded)}")
    else:
        connection.execute(f"CREATE VIEW {rows} AS {build(connection, loaded, config)}")
        columns = "row, position, student, skill, response, question, attempt, time, fold"
        connection.execute(f"CREATE {kind} {long} AS SELECT {columns} FROM {rows} WHERE bad IS NULL")
    if "attempt" in loaded.opened.mapping.columns and _has_siblings(connection, long):
        connection.execute(f"CREATE {kind} {long}_joined AS {_siblings_joined(long)}")
        long += "_joined"
    return Checked(loaded, rows, long)


def _columns(loaded: Loaded, role: str) -> list[str]:
    return [f"c{index}" for index in loaded.opened.mapping.columns.get(role, ())]


def _one(loaded: Loaded, role: str) -> str:
    found = _columns(loaded, role)
    return found[0] if found else "NULL::VARCHAR"


def _fold(loaded: Loaded) -> str:
    given = loaded.opened.source.fold
    if given is not None:
        return f"{given}::SMALLINT"
    return f"in_fold({_one(loaded, 'fold')})" if _columns(loaded, "fold") else "NULL::SMALLINT"


def _text(loaded: Loaded, role: str, join: str) -> str:
    parts = [f"label({column})" for column in _columns(loaded, role)]
    if not parts:
        return "NULL::VARCHAR"
    return parts[0] if len(parts) == 1 else f"nullif(concat_ws('{join}', {', '.join(parts)}), '')"


def _bad_line(loaded: Loaded, *labels: str) -> str:
    lossy = loaded.opened.content is not None and loaded.opened.content.lossy
    encoding = f" WHEN contains(concat({', '.join(labels)}), '{REPLACED}') THEN 'encoding'" if lossy else ""
    return f"CASE WHEN problem IS NOT NULL THEN 'line'{encoding} WHEN student IS NULL THEN 'student'"


def _partial(config: DataConfig) -> str:
    return {"reject": "NULL", "correct": "1", "incorrect": "0"}[config.partial_credit] + "::TINYINT"


def _table(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig) -> str:
    """One response per row."""
    value, fold = _one(loaded, "response"), _one(loaded, "fold")
    time = _one(loaded, "time")
    checks = ""
    if _columns(loaded, "time"):
        checks += " WHEN time IS NULL THEN 'time'"
    if _columns(loaded, "fold") and loaded.opened.source.fold is None:
        checks += " WHEN fold IS NULL THEN 'fold'"
    return f"""SELECT row, 0 AS position, student, skill, response, question, attempt, time, fold, problem, bad,
        CASE bad WHEN 'line' THEN line WHEN 'student' THEN given_student WHEN 'skill' THEN given_skill
            WHEN 'response' THEN given WHEN 'partial' THEN given WHEN 'time' THEN given_time
            WHEN 'fold' THEN given_fold WHEN 'encoding' THEN concat_ws(', ', student, skill) END AS value,
        1 AS skills, 1 AS responses
        FROM (SELECT *, {_bad_line(loaded, "student", "skill")} WHEN skill IS NULL THEN 'skill'
            WHEN response IS NULL AND try_cast(given AS DOUBLE) > 0 AND try_cast(given AS DOUBLE) < 1 THEN 'partial'
            WHEN response IS NULL THEN 'response'{checks} END AS bad
        FROM (SELECT row, problem, line, {_one(loaded, "student")} AS given_student, label(given_student) AS student,
            {_one(loaded, "skill")} AS given_skill, {_text(loaded, "skill", "~~")} AS skill,
            {value} AS given, answered({value}, {_partial(config)}) AS response,
            {_text(loaded, "question", " / ")} AS question, {_text(loaded, "attempt", " / ")} AS attempt,
            {time} AS given_time, {_time(connection, loaded)} AS time, {fold} AS given_fold, {_fold(loaded)} AS fold
        FROM {loaded.relation}))"""


def _sequences(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig) -> str:
    """One student per row with lists; one bad element costs the row, which says how many responses it held."""
    fold, asked = _one(loaded, "fold"), _one(loaded, "question")
    checks = " WHEN fold IS NULL THEN 'fold'" if _columns(loaded, "fold") and loaded.opened.source.fold is None else ""
    split = "string_split(regexp_replace({}, " + _PADDING + ", ''), ',')"
    equal = "".join(
        f" OR len({name}) <> len(responses)"
        for name, role in (("questions", "question"), ("repeats", "attempt"))
        if _columns(loaded, role)
    )
    return f"""SELECT row, student, fold, problem, bad, skills_list, correct, questions, repeats,
        CASE bad WHEN 'line' THEN line WHEN 'student' THEN given_student WHEN 'skill' THEN given_skills
            WHEN 'response' THEN given
            WHEN 'lengths' THEN given WHEN 'fold' THEN given_fold WHEN 'encoding' THEN student END AS value,
        len(skills_list) AS skills, len(responses) AS responses
        FROM (SELECT *, list_transform(responses, lambda x: answered(x, {_partial(config)})) AS correct,
            {_bad_line(loaded, "student", "given_skills")}{checks}
            WHEN label(given_skills) IS NULL OR list_contains(list_transform(skills_list, lambda x: label(x) IS NULL),
                true) THEN 'skill'
            WHEN label(given) IS NULL OR list_contains(list_transform(correct, lambda x: x IS NULL), true)
                THEN 'response'
            WHEN len(skills_list) <> len(responses){equal} THEN 'lengths' END AS bad
        FROM (SELECT row, problem, line, {_one(loaded, "student")} AS given_student,
            label(given_student) AS student, {fold} AS given_fold,
            {_fold(loaded)} AS fold, {_one(loaded, "skill")} AS given_skills, {_one(loaded, "response")} AS given,
            {split.format("given_skills")} AS skills_list, {split.format("given")} AS responses,
            nullif({split.format(asked)}, ['']) AS questions,
            {split.format(_one(loaded, "attempt"))} AS repeats
        FROM {loaded.relation}))"""


def _unnested(loaded: Loaded) -> str:
    """Sequence rows, one response per row; a repeat belongs to the attempt before it."""
    attempt = "NULL::VARCHAR"
    if _columns(loaded, "attempt"):
        attempt = (
            "concat(row, ' ', count(*) FILTER (WHERE coalesce(repeat, '0') <> '1')"
            " OVER (PARTITION BY row ORDER BY position))"
        )
    return f"""SELECT row, position, student, skill, response, question, {attempt} AS attempt,
        NULL::DOUBLE AS time, fold FROM (
        SELECT row, student, fold, unnest(range(len(correct))) AS position, trim(unnest(skills_list)) AS skill,
            unnest(correct) AS response, label(unnest(questions)) AS question, trim(unnest(repeats)) AS repeat
        FROM rows_{loaded.number} WHERE bad IS NULL)"""


def _has_siblings(connection: duckdb.DuckDBPyConnection, long: str) -> bool:
    found = connection.execute(
        f"SELECT 1 FROM {long} WHERE attempt IS NOT NULL GROUP BY student, attempt HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    return found is not None


def _siblings_joined(long: str) -> str:
    """Rows of one attempt as one question with several skills; rows without an attempt stay as they are."""
    return f"""SELECT min(row) AS row, min(position) AS position, student,
        string_agg(skill, '~~' ORDER BY row, position) AS skill, response, min(question) AS question, attempt,
        min(time) AS time, min(fold) AS fold FROM {long} GROUP BY student, coalesce(attempt, concat('row ', row)),
        attempt, response"""


def _time(connection: duckdb.DuckDBPyConnection, loaded: Loaded) -> str:
    """An expression for the order of rows: the column's numbers as they are, or its dates as microseconds."""
    columns = _columns(loaded, "time")
    if not columns:
        return "NULL::DOUBLE"
    value = columns[0]
    number = f"try_cast({value} AS DOUBLE)"
    kind = loaded.opened.types.get(loaded.opened.mapping.columns["time"][0], "")
    if kind.startswith(("TIMESTAMP", "DATE", *_INTEGERS)):
        return f"try_cast({value} AS BIGINT)"
    rows, numbers, largest = connection.execute(
        f"""SELECT count(*), count({number}), coalesce(max(abs({number})) FILTER (WHERE isfinite({number})), 0)
        FROM {loaded.relation} WHERE {value} IS NOT NULL"""
    ).fetchall()[0]
    if numbers and (numbers == rows or 2 * numbers >= _filled(connection, loaded, value)):
        exact = f"try_cast({value} AS BIGINT)" if 2**53 <= largest < 2**63 else number
        return f"CASE WHEN isfinite({number}) THEN {exact} END"
    first, second = connection.execute(
        f"""SELECT coalesce(max(try_cast(split_part({value}, '/', 1) AS INTEGER)), 0),
            coalesce(max(try_cast(split_part({value}, '/', 2) AS INTEGER)), 0)
        FROM {loaded.relation} WHERE contains({value}, '/')"""
    ).fetchall()[0]
    value = f"trim({value})"
    slashed = _DAY_FIRST if 12 < first <= 31 and second <= 12 else _MONTH_FIRST
    formats = [f"{day} {clock}" for day in (*slashed, "%d.%m.%Y") for clock in _CLOCKS] + [*slashed, "%d.%m.%Y"]
    listed = ", ".join(f"'{one}'" for one in formats)
    parsed = f"coalesce(try_cast({value} AS TIMESTAMPTZ), try_strptime({value}, [{listed}])::TIMESTAMPTZ)"
    return f"CASE WHEN {number} IS NULL AND isfinite({parsed}) THEN epoch_us({parsed}) END"


def _filled(connection: duckdb.DuckDBPyConnection, loaded: Loaded, column: str) -> int:
    return int(connection.execute(f"SELECT count(label({column})) FROM {loaded.relation}").fetchall()[0][0])


def rejected_sql(checked: Checked) -> str:
    """Bad rows of a file; parameters: none."""
    return (
        f"SELECT {checked.loaded.number} AS file, row, bad, problem, left(value, 200) AS value, skills, responses"
        f" FROM {checked.rows} WHERE bad IS NOT NULL"
    )


def long_sql(checked: Checked) -> str:
    """Good responses of a file in the columns that all files share."""
    side = int(checked.loaded.opened.source.is_test)
    return (
        f"SELECT {checked.loaded.number}::SMALLINT AS file, {side}::TINYINT AS side, row, position, student, skill,"
        f" response, question, time, fold FROM {checked.long}"
    )
