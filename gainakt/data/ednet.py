"""EdNet KT1 as published: one file of chosen answers per student, and questions.csv with the right ones."""

from pathlib import Path

import duckdb

from gainakt.data.files import Source
from gainakt.errors import InputError

_HEADER = "timestamp,solving_id,question_id,user_answer,elapsed_time"
_QUESTIONS = ("questions.csv", "../questions.csv", "../contents/questions.csv", "contents/questions.csv")
_READ = (
    "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', null_padding = true,"
    " strict_mode = false, parallel = false"
)


def is_kt1(sources: list[Source]) -> bool:
    """Whether these are students' files of EdNet KT1."""
    students = [source for source in sources if source.label != "questions"]
    if not students or students[0].path.suffix.lower() != ".csv":
        return False
    with students[0].path.open("rb") as stream:
        return stream.readline(200).decode("utf-8-sig", "replace").strip() == _HEADER


def merged(connection: duckdb.DuckDBPyConnection, sources: list[Source], scratch: Path) -> list[Source]:
    """One Parquet file of all students, with the place of each row; raises InputError without questions.csv."""
    students = [source for source in sources if source.label != "questions"]
    folder = students[0].path.parent
    questions = next((folder / name for name in _QUESTIONS if (folder / name).is_file()), None)
    if questions is None:
        raise InputError(
            f"{folder}: EdNet's students are here, its right answers are not; put questions.csv into this folder"
            " (columns question_id, correct_answer, tags)"
        )
    target = scratch / "ednet.parquet"
    connection.execute(
        f"CREATE TABLE answers AS SELECT *, filename AS file FROM read_csv($students, filename = true, {_READ})",
        {"students": [str(source.path) for source in students]},
    )
    connection.execute(
        f"""COPY (SELECT regexp_extract(file, '([^/\\\\]+)\\.csv$', 1) AS user_id, nullif(tags, '-1') AS tags,
            timestamp, question_id,
            CASE WHEN user_answer = correct_answer THEN '1' WHEN user_answer IN ('a', 'b', 'c', 'd') THEN '0'
            ELSE user_answer END AS correct, file AS file_of_row,
            row_number() OVER (PARTITION BY file ORDER BY answers.rowid) + 1 AS place_of_row
        FROM answers LEFT JOIN read_csv($questions, {_READ}) USING (question_id) ORDER BY file, place_of_row)
        TO '{str(target).replace("'", "''")}' (FORMAT parquet)""",
        {"questions": str(questions)},
    )
    connection.execute("DROP TABLE answers")
    return [Source(target, None, "ednet", folder)]


def place(connection: duckdb.DuckDBPyConnection, file: Path, row: int) -> tuple[str, int]:
    """The student's file and the row there of a row of the merged file."""
    found = connection.execute(
        "SELECT file_of_row, place_of_row FROM read_parquet($file, file_row_number = true)"
        " WHERE file_row_number = $row - 1",
        {"file": str(file), "row": row},
    ).fetchall()
    return str(found[0][0]), int(found[0][1])
