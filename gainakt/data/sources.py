"""Files of responses -> canonical interactions, by DuckDB SQL; a bad row is left out and reported, never in silence.

The way: files.find (which files) -> opening.open_file (format, encoding, columns) -> readers.load (a relation of text)
-> checks.check (good and bad rows) -> labels (students, skills) -> one sorted pass into arrays.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import DTypeLike

from gainakt.config import DataConfig
from gainakt.data import checks, doubts, ednet, files, labels, opening, readers, skill_models, text, values
from gainakt.data.checks import Checked
from gainakt.data.interactions import REJECTED_COLUMNS, REJECTED_SHOWN, Interactions
from gainakt.data.mapping import repeated
from gainakt.errors import InputError

MEMORY_LIMIT = "1500MB"
"""What DuckDB may hold; beyond it, it works in a temporary folder."""

IN_MEMORY = 20_000_000
"""Interactions up to which the columns are held in memory; of more, they lie in temporary files."""

_HIDDEN = "(hidden)"
_ARROW_ROWS = 1 << 20


def read(path: str | Path, config: DataConfig | None = None) -> Interactions:
    """Interactions of a file, a folder or several (separated by ;), by the choices of the configuration.

    Raises InputError that names file, row, column, value, what is allowed and what to do.
    """
    config = config or DataConfig()
    found, warnings = files.find(path, config.test_path)
    with tempfile.TemporaryDirectory(prefix="gainakt-") as scratch, _connection(Path(scratch), path) as connection:
        if ednet.is_kt1(found):
            found = ednet.merged(connection, found, Path(scratch))
        opened = [opening.open_file(source, config, Path(scratch)) for source in found]
        values.define(connection)
        loaded = [readers.load(connection, one, number) for number, one in enumerate(opened)]
        loaded, models = skill_models.chosen(connection, loaded, config, warnings)
        checked = []
        for one in loaded:
            warnings += _said_of_file(one)
            checked.append(checks.check(connection, one, config))
            warnings += checked[-1].notes
        data = _canonical(connection, checked, str(path), config, warnings)
        return replace(data, skill_models=models, later_attempts=sum(one.later for one in loaded))


def _said_of_file(loaded: readers.Loaded) -> Iterator[str]:
    """What the report says of how a file was read, before its rows are looked at."""
    one = loaded.opened
    path = one.source.path
    yield from one.notes
    for name in repeated(one.mapping):
        yield f"{path}: column {name!r} stands more than once; the first is read"
    if one.content and one.content.encoding in text.GUESSED:
        yield f"{path}: not UTF-8, read as {one.content.encoding} (data.encoding)"
    if one.content and one.content.lossy:
        yield f"{path}: some bytes are not valid {one.content.encoding}"
    datashop = one.mapping.named("response").lower() == "outcome"
    if one.mapping.step and (datashop or loaded.later):
        kind = "a transaction export" if datashop else f"{one.mapping.header[one.mapping.nth or 0]!r} counts attempts"
        yield (
            f"{path}: {kind}; the first attempt of each student at each {'step' if datashop else 'question'} counts,"
            f" {loaded.later:,} later one(s) do not (data.attempts=all reads them)"
        )


@contextmanager
def _connection(scratch: Path, path: str | Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills into a folder; what DuckDB finds wrong with the input is an InputError."""
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET memory_limit = $limit", {"limit": MEMORY_LIMIT})
        connection.execute("SET temp_directory = $folder", {"folder": str(scratch / "spill")})
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET autoinstall_known_extensions = false")
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise InputError(
            f"{path}: too large for this machine's temporary folder {scratch.parent}; set TMPDIR to a roomier one"
            f" ({opening.first_line(error)})"
        ) from None
    except duckdb.Error as error:
        raise InputError(f"{path}: cannot be read: {opening.first_line(error)}") from None
    finally:
        connection.close()


def _canonical(
    connection: duckdb.DuckDBPyConnection, checked: list[Checked], path: str, config: DataConfig, warnings: list[str]
) -> Interactions:
    connection.execute("CREATE VIEW long AS " + " UNION ALL ".join(checks.long_sql(one) for one in checked))
    met = connection.execute(
        "SELECT student AS id, side, min(fold) AS fold, min(fold) <> max(fold) AS folds, count(*) AS n,"
        " min(file * (1::BIGINT << 40) + row) AS first FROM long GROUP BY student, side"
    ).df()
    rows = sum(one.loaded.rows for one in checked)
    tables = not any(one.loaded.opened.mapping.sequences for one in checked)
    rejected, rejected_rows = pd.DataFrame(columns=REJECTED_COLUMNS), 0
    if not (tables and int(met["n"].sum()) == rows):  # then no row is missing
        rejected, rejected_rows = _rejected(connection, checked, config)
    if rejected_rows and config.bad_rows == "stop":
        raise InputError(f"{_first(rejected)}; {rejected_rows} such row(s); data.bad_rows report leaves them out")
    people = labels.students(met, config)
    texts = connection.execute("SELECT skill, count(*) AS n FROM long GROUP BY skill ORDER BY skill").fetchall()
    mappings = [one.loaded.opened.mapping for one in checked]
    numbers = any(mapping.numbered_lists for mapping in mappings)
    names = any(mapping.joined_names for mapping in mappings)
    topics = labels.skills(dict(texts), numbers, names, config)
    if not rows:
        raise InputError(f"{path}: there are names of columns and no rows; give one row or more")
    if not topics.expanded:
        raise InputError(f"{path}: no valid interaction; {rejected_rows} row(s) were left out: {_first(rejected)}")
    columns, questions = _columns(connection, checked, people, topics, config)
    warnings += doubts.about(connection, checked)
    if rejected_rows:
        warnings.append(f"{rejected_rows} row(s) left out; the first: {_first(rejected)}")
    warnings += _said(people, topics, config)
    warnings += labels.doubtful(topics.labels, list(dict.fromkeys(met["id"])), config)
    first = checked[0].loaded.opened.source.path
    return Interactions(
        name=Path(path).stem if ";" not in path else first.parent.name,
        source=path,
        students=people.labels,
        skills=topics.labels,
        fold=people.fold,
        questions=questions,
        rejected=rejected,
        rejected_rows=rejected_rows,
        rows=rows,
        read_as=tuple(one.loaded.opened.described for one in checked),
        warnings=tuple(warnings),
        overlapping_students=people.overlapping,
        **columns,
    )


def _said(people: labels.Students, topics: labels.Skills, config: DataConfig) -> Iterator[str]:
    if people.overlapping:
        rule = {
            "local": "they count as different people, ids being local to a file; data.overlap same says otherwise",
            "same": "they count as the same people, who only test",
        }[config.overlap]
        yield f"{people.overlapping} student id(s) stand in both the training and the test files: {rule}"
    if people.several_folds:  # the lowest may be -1, test
        yield f"{people.several_folds} student id(s) stand in more than one fold; each counts in the lowest alone"
    if topics.several:
        rule = {
            "joined": "the combination counts as one skill",
            "first": "the first counts, the others are ignored",
            "expanded": "one interaction per skill, to be scored as one question",
        }[config.several_skills]
        yield f"{topics.several} response(s) to questions of several skills: {rule} (data.several_skills)"


def _columns(
    connection: duckdb.DuckDBPyConnection,
    checked: list[Checked],
    people: labels.Students,
    topics: labels.Skills,
    config: DataConfig,
) -> tuple[dict[str, Any], list[str]]:
    """The sorted arrays by name, and the labels of the questions."""
    connection.register("people_frame", people.table)
    connection.register("topics_frame", topics.table)
    connection.execute("CREATE TABLE people AS SELECT id, side, student::INTEGER AS student FROM people_frame")
    connection.execute("CREATE TABLE topics AS SELECT * FROM topics_frame")
    wanted = ["people.student", "topics.skill", "response"]
    joins = (
        "JOIN people ON long.student = people.id AND long.side = people.side JOIN topics ON long.skill = topics.text"
    )
    questions: list[str] = []
    if any("question" in one.loaded.opened.mapping.columns for one in checked):
        connection.execute(
            "CREATE TABLE asked AS SELECT question, (row_number() OVER (ORDER BY question) - 1)::INTEGER AS number"
            " FROM (SELECT DISTINCT question FROM long WHERE question IS NOT NULL)"
        )
        questions = [row[0] for row in connection.execute("SELECT question FROM asked ORDER BY number").fetchall()]
    if questions:
        wanted.append("coalesce(asked.number, -1)::INTEGER AS question")
        joins += " LEFT JOIN asked ON long.question = asked.question"
    if topics.several and config.several_skills == "expanded":
        wanted.append("part")
    timed = any("time" in one.loaded.opened.mapping.columns for one in checked)
    keys = ["people.student", *(["time"] if timed else []), "file", "row", "position", "part"]
    query = f"SELECT {', '.join(wanted)} FROM long {joins} ORDER BY {', '.join(keys)}"
    reader: Any = connection.sql(query).to_arrow_reader(_ARROW_ROWS)
    kinds = {"student": np.int32, "skill": np.int32, "response": np.int8, "question": np.int32, "part": np.int32}
    columns = {name: _column(topics.expanded, kinds[name]) for name in reader.schema.names}
    at = 0
    for batch in reader:
        for name, column in columns.items():
            column[at : at + len(batch)] = batch.column(name).to_numpy(zero_copy_only=False)
        at += len(batch)
    if "part" in columns:
        first = columns.pop("part") == 0
        columns["group"] = np.cumsum(first, dtype=np.int32, out=_column(len(first), np.int32))
        columns["group"] -= 1
    return columns, questions


def _column(rows: int, kind: DTypeLike) -> np.ndarray:
    """An array to be filled: in memory, or, of very many rows, in a temporary file that is read as it is needed.

    The file has no name any more and goes with the array. Raises InputError where the disk has no room for it.
    """
    if rows <= IN_MEMORY:
        return np.empty(rows, kind)
    size = rows * np.dtype(kind).itemsize
    with tempfile.TemporaryFile(prefix="gainakt-") as file:
        try:
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later would end the process
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise InputError(
                f"the temporary folder {tempfile.gettempdir()} has no {size / 1e9:.1f} GB for the responses; set TMPDIR"
                f" to a roomier one ({error.strerror})"
            ) from None
        return np.memmap(file, kind, "w+", shape=(rows,))


def _rejected(
    connection: duckdb.DuckDBPyConnection, checked: list[Checked], config: DataConfig
) -> tuple[pd.DataFrame, int]:
    """The first rows left out, with their reasons, and how many there are."""
    connection.execute("CREATE VIEW bad AS " + " UNION ALL ".join(checks.rejected_sql(one) for one in checked))
    counted = connection.execute("SELECT count(*) FROM bad").fetchone()
    rows = []
    for number, row, bad, problem, value, skills, responses in connection.execute(
        f"SELECT * FROM bad ORDER BY file, row LIMIT {REJECTED_SHOWN}"
    ).fetchall():
        opened = checked[number].loaded.opened
        role = {"partial": "response", "lengths": "response", "encoding": "student"}.get(bad, bad)
        reason = checks.REASONS[bad].format(problem=problem, responses=responses, skills=skills)
        hidden = config.pseudonymise and value is not None and bad in ("line", "student", "encoding")
        file = str(opened.source.path)
        if opened.source.origin:
            file, row = ednet.place(connection, opened.source.path, row)
        rows.append(
            {
                "file": file,
                "row": row,
                "column": opened.mapping.named(role),
                "value": _HIDDEN if hidden else value,
                "reason": reason,
                "interactions": responses or 0,
            }
        )
    return pd.DataFrame(rows, columns=REJECTED_COLUMNS), int(counted[0]) if counted else 0


def _first(rejected: pd.DataFrame) -> str:
    if rejected.empty:
        return "none"
    row = rejected.iloc[0]
    column = f", column {row['column']}" if row["column"] else ""
    return f"{row['file']}, row {row['row']}{column}, value {row['value']!r}: {row['reason']}"
