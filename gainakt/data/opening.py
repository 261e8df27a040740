"""A file of any format -> its format, encoding and columns, before its rows are read."""

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import duckdb

from gainakt.config import DataConfig
from gainakt.data import convert, hmm, lines, text, wide
from gainakt.data.files import Source
from gainakt.data.mapping import ROLES, Mapping, complaint, found, guess, missing, plain
from gainakt.data.records import records
from gainakt.errors import InputError

NO_HEADER = ("lines", "hmm-scalable")
"""Formats of lines without names of columns."""

LOOKED_AT = 200
"""Rows by which a form is recognised."""

MOST_TIMES = 20
"""Values of a column that a Parquet file may hold for each of its bytes, and as many again as `ALWAYS`: files of
responses have fewer than one. Few bytes can stand for any number of equal values."""
ALWAYS = 20_000_000
_ANSWERS = ("useranswer", "answer", "answertext", "selectedanswer", "selectedoption", "answervalue", "input")
_QUESTION_TABLE = 5
"""Most columns of what may be a table of questions without their students."""
_SHOWN = 1 << 16
"""Characters of a text that are looked at."""


@dataclass(frozen=True)
class Table:
    """A file of columns with types: Parquet, or what another format was turned into; `format` is the file's own."""

    stored: Path
    format: str
    header: list[str]
    types: list[str]


@dataclass(frozen=True)
class Opened:
    """A file whose format, encoding and columns are known, before its rows are read.

    `stored` holds its columns where it is no text; `notes` are for the reader of the report.
    """

    source: Source
    format: str
    mapping: Mapping
    content: text.Text | None = None
    stored: Path | None = None
    frame: lines.Framing | None = None
    types: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def described(self) -> dict[str, str]:
        """How the file is read, for reports."""
        columns = {role: self.mapping.named(role) for role in self.mapping.columns}
        if self.format in NO_HEADER:
            columns = {}
        encoding = {"encoding": self.content.encoding} if self.content else {}
        return {"file": str(self.source.origin or self.source.path), "format": self.format, **encoding, **columns}


def container(path: Path, config: DataConfig, scratch: Path) -> tuple[text.Text | Table, str]:
    """A text file with its header or a table of typed columns, and a note or nothing; raises InputError."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if magic == b"PAR1":
        return _described(path, path, "parquet"), ""
    head = text.head(path)
    if convert.is_workbook(path, head):
        sheet, note = convert.workbook(path, config, scratch)
        return text.open_text(path, config, scratch, sheet), note
    if kind := convert.kind_of(head):
        return _described(path, convert.as_parquet(path, text.unpacked(path, scratch), kind, scratch), kind), ""
    return text.open_text(path, config, scratch), ""


def _described(path: Path, stored: Path, kind: str) -> Table:
    with duckdb.connect(":memory:") as connection:
        try:
            _check_values(connection, path, stored)
            query = "DESCRIBE SELECT * FROM read_parquet($path)"
            found = connection.execute(query, {"path": literal(stored)}).fetchall()
        except duckdb.Error as error:
            raise InputError(f"{path}: cannot be read as Parquet: {first_line(error)}") from None
    return Table(stored, kind, [str(row[0]) for row in found], [str(row[1]) for row in found])


def _check_values(connection: duckdb.DuckDBPyConnection, path: Path, stored: Path) -> None:
    """Refuse a file of far more values than bytes, by how many the Parquet file itself says that it has."""
    query = "SELECT max(n) FROM (SELECT sum(num_values) AS n FROM parquet_metadata($path) GROUP BY column_id)"
    (most,) = connection.execute(query, {"path": literal(stored)}).fetchall()[0]
    size = path.stat().st_size
    if most and most > ALWAYS + MOST_TIMES * size:
        raise InputError(
            f"{path}: {most:,} values of a column in {size:,} bytes, far more than a table of responses has; save it as"
            " CSV if that is what it holds"
        )


def header_place(path: Path, content: text.Text | Table) -> str:
    """Where the header of a file stands, for errors: a file of typed columns has no row for it."""
    return f"{path}, row {content.skip + 1}" if isinstance(content, text.Text) else str(path)


def first_rows(content: text.Text | Table, count: int) -> list[list[str]]:
    """The cells of the first rows, as many as there are columns; raises InputError for a damaged Parquet file."""
    width = len(content.header)
    if isinstance(content, text.Text):
        found = islice(
            records(content.plain, content.separator, skip=content.skip), content.named, count + content.named
        )
        return [((fields or [line]) + [""] * width)[:width] for _, fields, line in found]
    with duckdb.connect(":memory:") as connection:
        try:
            columns = ", ".join(map(_shortened, content.header, content.types))
            query = f"SELECT {columns} FROM read_parquet($path) LIMIT $rows"
            found_rows = connection.execute(query, {"path": literal(content.stored), "rows": count}).fetchall()
        except duckdb.Error as error:
            raise InputError(f"{content.stored.name}: cannot be read as Parquet: {first_line(error)}") from None
    return [["" if value is None else str(value) for value in row] for row in found_rows]


def _shortened(name: str, kind: str) -> str:
    """A column to look at: a Parquet file holds a text once that stands in many rows, however long it is."""
    quoted = '"' + name.replace('"', '""') + '"'
    return f"left({quoted}, {_SHOWN})" if kind == "VARCHAR" else quoted


def without_header(content: text.Text, config: DataConfig) -> tuple[str, lines.Framing | None]:
    """`lines` with its framing or `hmm-scalable`, where a text file is one of the field's forms without a header."""
    lone = len(content.first) == 1 and content.first[0].isdecimal()
    if config.format == "lines" or (config.format == "auto" and lone):
        return "lines", (None if lone else lines.framing_of_pairs(content.plain)) or lines.framing(content.plain)
    if config.format != "auto" or config.header == "yes":
        return "", None
    if len(content.first) == 2 and content.first[1].isdecimal():
        frame = lines.framing_of_pairs(content.plain)
        return ("lines", frame) if frame else ("", None)
    asked = any(getattr(config, f"{role}_column") not in ("", "-") for role in ROLES)
    if not content.named and not asked and hmm.is_hmm(first_rows(content, LOOKED_AT), content.separator):
        return "hmm-scalable", None
    return "", None


def open_file(source: Source, config: DataConfig, scratch: Path) -> Opened:
    """Find format and columns; raises InputError."""
    content, note = container(source.path, config, scratch)
    notes = [note] if note else []
    if isinstance(content, text.Text):
        kind, frame = without_header(content, config)
        if kind == "lines":
            assert frame is not None
            columns: dict[str, tuple[int, ...]] = {"student": (0,), "skill": (1,), "response": (2,)}
            columns |= {"question": (3,)} if frame.questions else {}
            mapping = Mapping(lines.HEADER, True, columns)
            return Opened(source, kind, mapping, content, frame=frame)
        if kind:
            if unknown := hmm.unknown(content.plain):
                notes.append(f"{source.path}: {unknown:,} row(s) whose response was not observed (.) are not read")
            return Opened(source, kind, Mapping(hmm.HEADER, False, hmm.COLUMNS), content, notes=tuple(notes))
    return _open_columns(source, content, config, notes)


def _open_columns(source: Source, content: text.Text | Table, config: DataConfig, notes: list[str]) -> Opened:
    """A file of columns: a table, sequences or a matrix."""
    place = header_place(source.path, content)
    mapping = found(place, content.header, config)
    if config.format == "wide":
        mapping, more = wide.mapped(source.path, first_rows(content, LOOKED_AT), mapping)
        notes += more
        kind = "wide"
    else:
        if hint := missing(mapping) and advice(content, mapping):
            raise InputError(f"{complaint(place, mapping)}; {hint}")
        mapping = guess(place, content.header, config)
        kind = "sequences" if mapping.sequences else "table"
    if isinstance(content, text.Text):
        if not content.named:
            notes.append(f"{source.path}: no header; its columns are called column 1, column 2, ... (data.header)")
        return Opened(source, kind, mapping, content, notes=tuple(notes))
    kind = {"table": content.format, "sequences": f"{content.format} sequences"}.get(kind, kind)
    types = dict(enumerate(content.types))
    return Opened(source, kind, mapping, None, content.stored, None, types, tuple(notes))


def advice(content: text.Text | Table, mapping: Mapping) -> str:
    """What to do about a file without the needed columns, by its first rows."""
    if offer := wide.offer(first_rows(content, LOOKED_AT), mapping):
        return offer
    if isinstance(content, text.Text) and not content.named:
        return (
            "the first row looks like data and not like names, so the columns are numbered: set"
            " data.student_column='column 1' and so on, or data.header=yes"
        )
    names = {plain(name): name for name in mapping.header}
    answers = next((names[name] for name in _ANSWERS if name in names), None)
    if "response" in missing(mapping) and "student" in mapping.columns and answers:
        return (
            f"{answers!r} seems to say what was answered: add a column that says by 1 and 0 whether it was correct, or"
            f" set data.response_column='{answers}' if it does"
        )
    subject = plain(mapping.named("student")) == "subjectid"  # Eedi's name of a skill
    if (
        len(names) <= _QUESTION_TABLE
        and "question" in mapping.columns
        and "response" in missing(mapping)
        and (subject or "student" in missing(mapping))
    ):
        return "it looks like a table of questions, not of responses: name the files of responses themselves"
    if "skill" in missing(mapping) and {"student", "question"} <= set(mapping.columns):
        name = mapping.header[mapping.columns["question"][0]]
        return (
            f"questions are named and their skills are not: add a column of skills from your table of questions, or"
            f" take each question as a skill of its own by data.skill_column='{name}'"
        )
    return ""


def first_line(error: Exception) -> str:
    """The first line of a library's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def literal(path: Path) -> str:
    """A path that DuckDB takes as it is, whatever *, ? or [ stand in it."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
