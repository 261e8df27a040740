"""Relations of text columns -> one interaction per row, or a row that is left out with its reason; SQL only."""

from dataclasses import dataclass

import duckdb

from gainakt.config import DataConfig
from gainakt.data import siblings, times, values, wide
from gainakt.data.interactions import JOIN
from gainakt.data.opening import NO_HEADER
from gainakt.data.readers import Loaded
from gainakt.data.text import REPLACED

_PADDING = "'(,\\s*-1\\s*)+$'"

REASONS = {
    "line": "{problem}",
    "header": "the header again, as where files were joined",
    "encoding": "bytes that are not valid in the file's encoding; set data.encoding",
    "student": "the student id is empty; give every row one (in a spreadsheet, fill merged cells down)",
    "skill": "a skill is empty; give every response one, or choose another skill column or model",
    "response": "a response is neither 0 nor 1; also allowed: true, false, correct, incorrect, hint, yes, no",
    "partial": "partial credit is neither 0 nor 1; data.partial_credit can say what it counts as",
    "time": "not a time or number like most of this column; set data.time_column to - for the file's own order",
    "fold": "no fold; allowed: 0, 1, ..., -1 for test, or train, valid, test; data.fold_column - leaves it aside",
    "lengths": "{responses} responses for {skills} skills; all lists of a row must be equally long",
}


@dataclass(frozen=True)
class Checked:
    """Names of a file's relations: `rows` (bad ones too, with `bad`) and `long` (one row per good response).

    `notes` say what was taken for granted.
    """

    loaded: Loaded
    rows: str
    long: str
    notes: tuple[str, ...] = ()


def check(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig) -> Checked:
    """Make the relations `rows_N` and `long_N` of a loaded file."""
    kind = loaded.kept_as
    rows, long = f"rows_{loaded.number}", f"long_{loaded.number}"
    notes: list[str] = []
    if loaded.opened.mapping.sequences:
        connection.execute(f"CREATE TABLE {rows} AS {_sequences(loaded, config)}")
        connection.execute(f"CREATE {kind} {long} AS {_unnested(loaded)}")
    else:
        connection.execute(f"CREATE VIEW {rows} AS {_table(connection, loaded, config, notes)}")
        columns = "row, position, student, skill, response, question, attempt, time, fold"
        connection.execute(f"CREATE {kind} {long} AS SELECT {columns} FROM {rows} WHERE bad IS NULL")
    return Checked(loaded, rows, siblings.joined(connection, long, loaded, config, notes), tuple(notes))


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


def _text(connection: duckdb.DuckDBPyConnection, loaded: Loaded, role: str, join: str = JOIN) -> str:
    parts = [values.whole(connection, loaded.relation, column) for column in _columns(loaded, role)]
    if not parts:
        return "NULL::VARCHAR"
    return parts[0] if len(parts) == 1 else f"nullif(concat_ws('{join}', {', '.join(parts)}), '')"


def _repeats_header(loaded: Loaded) -> str:
    """Whether a row holds the names of its columns; nothing where it cannot."""
    content = loaded.opened.content
    if content is None or not content.named or loaded.opened.format in (*NO_HEADER, "wide"):
        return ""
    names = [
        f"trim(c{index}) = '{content.header[index].replace(chr(39), chr(39) * 2)}'"
        for role in ("student", "skill", "response")
        for index in loaded.opened.mapping.columns[role][:1]
    ]
    return " AND ".join(names)


def _bad_line(loaded: Loaded, *labels: str) -> str:
    lossy = loaded.opened.content is not None and loaded.opened.content.lossy
    encoding = f" WHEN contains(concat({', '.join(labels)}), '{REPLACED}') THEN 'encoding'" if lossy else ""
    again = " WHEN again THEN 'header'" if _repeats_header(loaded) else ""
    return f"CASE WHEN problem IS NOT NULL THEN 'line'{again}{encoding} WHEN student IS NULL THEN 'student'"


def _partial(config: DataConfig) -> str:
    return {"reject": "NULL", "correct": "1", "incorrect": "0"}[config.partial_credit] + "::TINYINT"


def _table(connection: duckdb.DuckDBPyConnection, loaded: Loaded, config: DataConfig, notes: list[str]) -> str:
    """One response per row."""
    fold, time = _one(loaded, "fold"), _one(loaded, "time")
    value = values.credit(connection, loaded, config, notes)
    position = f"CAST(c{wide.POSITION} AS INTEGER)" if loaded.opened.format == "wide" else "0"
    checks = ""
    if _columns(loaded, "time"):
        checks += " WHEN time IS NULL THEN 'time'"
    if _columns(loaded, "fold") and loaded.opened.source.fold is None:
        checks += " WHEN fold IS NULL THEN 'fold'"
    return f"""SELECT row, position, student, skill, response, question, attempt, time, fold, problem, bad,
        CASE bad WHEN 'line' THEN line WHEN 'student' THEN given_student WHEN 'skill' THEN given_skill
            WHEN 'header' THEN given_student
            WHEN 'response' THEN given WHEN 'partial' THEN given WHEN 'time' THEN given_time
            WHEN 'fold' THEN given_fold WHEN 'encoding' THEN concat_ws(', ', student, skill) END AS value,
        1 AS skills, 1 AS responses
        FROM (SELECT *, {_bad_line(loaded, "student", "skill")} WHEN skill IS NULL THEN 'skill'
            WHEN response IS NULL AND numeral(scored) > 0 AND numeral(scored) < 1 THEN 'partial'
            WHEN response IS NULL THEN 'response'{checks} END AS bad
        FROM (SELECT row, problem, line, {position} AS position, {_repeats_header(loaded) or "false"} AS again,
            {_one(loaded, "student")} AS given_student, {_text(connection, loaded, "student")} AS student,
            {_one(loaded, "skill")} AS given_skill, {_text(connection, loaded, "skill")} AS skill,
            {_one(loaded, "response")} AS given, {value} AS scored, answered({value}, {_partial(config)}) AS response,
            {_text(connection, loaded, "question", " / ")} AS question,
            {_text(connection, loaded, "attempt", " / ")} AS attempt, {time} AS given_time,
            {times.expression(connection, loaded, config, notes)} AS time, {fold} AS given_fold,
            {_fold(loaded)} AS fold
        FROM {loaded.relation}))"""


def _sequences(loaded: Loaded, config: DataConfig) -> str:
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
            WHEN 'header' THEN given_student WHEN 'response' THEN given
            WHEN 'lengths' THEN given WHEN 'fold' THEN given_fold WHEN 'encoding' THEN student END AS value,
        len(skills_list) AS skills, len(responses) AS responses
        FROM (SELECT *, list_transform(responses, lambda x: answered(x, {_partial(config)})) AS correct,
            {_bad_line(loaded, "student", "given_skills")}{checks}
            WHEN label(given_skills) IS NULL OR list_contains(list_transform(skills_list, lambda x: label(x) IS NULL),
                true) THEN 'skill'
            WHEN label(given) IS NULL OR list_contains(list_transform(correct, lambda x: x IS NULL), true)
                THEN 'response'
            WHEN len(skills_list) <> len(responses){equal} THEN 'lengths' END AS bad
        FROM (SELECT row, problem, line, {_repeats_header(loaded) or "false"} AS again,
            {_one(loaded, "student")} AS given_student, label(given_student) AS student, {fold} AS given_fold,
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
