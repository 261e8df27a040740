"""Raw files -> canonical interactions, by DuckDB SQL; a bad row is left out and reported, never dropped in silence."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from gainakt.data.interactions import NO_FOLD, REJECTED_COLUMNS, TEST, Interactions
from gainakt.errors import InputError

PYKT_COLUMNS = ("fold", "uid", "concepts", "responses")

_CHECKED = """
    SELECT file, row, uid, fold, concepts, responses,
        string_split(concepts, ',') AS skill, string_split(responses, ',') AS response,
        CASE
            WHEN coalesce(trim(uid), '') = '' THEN 'uid'
            WHEN NOT regexp_full_match(coalesce(trim(fold), ''), '(-1|[0-9]{1,4})([.]0+)?') THEN 'fold'
            WHEN coalesce(concepts, '') = '' OR list_contains(list_transform(skill, lambda x: trim(x)), '') THEN 'concepts'
            WHEN responses IS NULL
                OR len(list_filter(response, lambda x: trim(x) NOT IN ('0', '1'))) > 0 THEN 'responses'
            WHEN len(skill) <> len(response) THEN 'lengths'
        END AS bad
    FROM raw
"""

_REASONS = {
    "uid": ("uid", "the student id is empty; give every row one"),
    "fold": ("fold", "not a whole number; allowed: 0, 1, ... for folds, -1 for test"),
    "concepts": ("concepts", "a skill is empty; allowed: comma-separated labels, one per response"),
    "responses": ("responses", "a response is neither 0 nor 1"),
    "lengths": ("responses", "{r} responses for {s} skills; both lists must be equally long"),
}


@dataclass(frozen=True)
class _File:
    path: Path
    is_test: bool


def read(path: str | Path) -> Interactions:
    """Interactions of a pyKT sequence file, or of a folder with train_valid.csv and test.csv.

    Raises InputError that names the file and what is allowed.
    """
    place = Path(path)
    files = _files(place)
    connection = duckdb.connect(":memory:")
    try:
        raw = [_load(connection, file) for file in files]
        connection.execute("CREATE TABLE raw AS " + " UNION ALL ".join(f"SELECT * FROM {name}" for name in raw))
        connection.execute(f"CREATE TABLE checked AS {_CHECKED}")
        rejected = _rejected(connection)
        return _canonical(connection, place, rejected)
    finally:
        connection.close()


def _files(place: Path) -> list[_File]:
    if place.is_file():
        return [_File(place, place.stem == "test")]
    if not place.is_dir():
        raise InputError(f"{place}: no such file or folder; give a pyKT sequence file or a folder that holds one")
    files = [_File(found, found.stem == "test") for found in sorted(place.glob("*.csv"))]
    if not files:
        raise InputError(f"{place}: no .csv file here; expected train_valid.csv and, if there is one, test.csv")
    return files


def _load(connection: duckdb.DuckDBPyConnection, file: _File) -> str:
    name = f"raw_{'test' if file.is_test else file.path.stem.encode().hex()}"
    try:
        relation = connection.read_csv(
            str(file.path),
            header=True,
            all_varchar=True,
            delimiter=",",
            quotechar='"',
            escapechar='"',
            null_padding=True,
            strict_mode=False,
            parallel=False,
        )
    except duckdb.Error as error:
        raise InputError(f"{file.path}: cannot be read as CSV: {str(error).splitlines()[0]}") from None
    missing = [column for column in PYKT_COLUMNS if column not in relation.columns]
    if missing:
        raise InputError(
            f"{file.path}, row 1: missing column(s) {', '.join(missing)}; a pyKT sequence file has"
            f" {', '.join(PYKT_COLUMNS)}, this one has {', '.join(relation.columns)}"
        )
    fold = str(TEST) if file.is_test else None
    connection.execute(
        f"CREATE TABLE {name} AS SELECT $file AS file, row_number() OVER () + 1 AS row, uid,"
        " coalesce($fold, fold) AS fold, concepts, responses FROM relation",
        {"file": str(file.path), "fold": fold},
    )
    return name


def _rejected(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    bad = connection.execute(
        "SELECT * EXCLUDE (skill, response), len(skill) AS s, len(response) AS r FROM checked"
        " WHERE bad IS NOT NULL ORDER BY file, row"
    ).df()
    rows = []
    for item in bad.to_dict("records"):
        column, reason = _REASONS[item["bad"]]
        value = item[column]
        rows.append(
            {
                "file": item["file"],
                "row": item["row"],
                "column": column,
                "value": None if pd.isna(value) else str(value)[:200],
                "reason": reason.format(s=item["s"], r=item["r"]),
                "interactions": item["r"],
            }
        )
    return pd.DataFrame(rows, columns=REJECTED_COLUMNS)


def _canonical(connection: duckdb.DuckDBPyConnection, place: Path, rejected: pd.DataFrame) -> Interactions:
    connection.execute(
        """CREATE TABLE students AS
        SELECT uid, CAST(min(CAST(fold AS SMALLINT)) AS SMALLINT) AS fold, count(DISTINCT fold) AS folds,
            row_number() OVER (ORDER BY min((file, row))) - 1 AS student
        FROM (SELECT trim(uid) AS uid, fold, file, row FROM checked WHERE bad IS NULL) GROUP BY uid"""
    )
    connection.execute(
        """CREATE TABLE long AS
        SELECT s.student, file, row, unnest(range(len(skill))) AS position, trim(unnest(skill)) AS skill,
            CAST(trim(unnest(response)) AS TINYINT) AS response
        FROM checked JOIN students s ON trim(checked.uid) = s.uid WHERE bad IS NULL"""
    )
    connection.execute(
        """CREATE TABLE skills AS
        SELECT label, row_number() OVER (ORDER BY try_cast(label AS BIGINT) NULLS LAST, label) - 1 AS skill
        FROM (SELECT DISTINCT skill AS label FROM long)"""
    )
    columns = connection.execute(
        """SELECT student, skills.skill, response FROM long JOIN skills ON long.skill = skills.label
        ORDER BY student, file, row, position"""
    ).fetchnumpy()
    students = connection.execute("SELECT uid, fold, folds FROM students ORDER BY student").df()
    skills = connection.execute("SELECT label FROM skills ORDER BY skill").df()
    if not len(columns["student"]):
        raise InputError(f"{place}: no valid interaction; {len(rejected)} row(s) were left out: {_first(rejected)}")
    overlap = int((students["folds"] > 1).sum())
    warnings = []
    if len(rejected):
        warnings.append(f"{len(rejected)} row(s) left out; the first: {_first(rejected)}")
    if overlap:
        warnings.append(f"{overlap} student id(s) stand in more than one fold or file; each counts as one student")
    fold = students["fold"].to_numpy(np.int16)
    return Interactions(
        name=place.stem,
        source=str(place),
        students=students["uid"].tolist(),
        skills=skills["label"].tolist(),
        student=columns["student"].astype(np.int32),
        skill=columns["skill"].astype(np.int32),
        response=columns["response"].astype(np.int8),
        fold=np.where(fold < TEST, NO_FOLD, fold).astype(np.int16),
        rejected=rejected,
        warnings=tuple(warnings),
        overlapping_students=overlap,
    )


def _first(rejected: pd.DataFrame) -> str:
    if rejected.empty:
        return "none"
    row = rejected.iloc[0]
    return f"{row['file']}, row {row['row']}, column {row['column']}, value {row['value']!r}: {row['reason']}"
