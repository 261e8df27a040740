"""The first rows of files and the columns guessed for them, before they are read."""

import tempfile
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import duckdb
import pandas as pd

from gainakt.config import DataConfig
from gainakt.data import ednet, files, text
from gainakt.data.mapping import Mapping, found, guess, skill_models
from gainakt.data.readers import container, first_line, literal
from gainakt.errors import InputError

FILES_SHOWN = 50


@dataclass(frozen=True)
class Preview:
    """One file: its header and first rows as text, the columns of each role, and what is wrong.

    `columns` holds per role that has any their places in the header, `names` what to call them.
    """

    path: Path
    format: str
    encoding: str
    separator: str
    header: list[str]
    columns: dict[str, tuple[int, ...]]
    names: dict[str, str]
    skill_models: list[str]
    rows: pd.DataFrame
    problem: str


def preview(path: str | Path, config: DataConfig, rows: int = 20) -> list[Preview]:
    """A preview of each of the first FILES_SHOWN files; a missing column is its `problem`.

    Raises InputError for a file that cannot be read.
    """
    sources, _ = files.find(path, config.test_path)
    with tempfile.TemporaryDirectory(prefix="gainakt-") as scratch:
        shown = [_one(source.path, config, rows, Path(scratch)) for source in sources[:FILES_SHOWN]]
    if ednet.is_kt1(sources):  # its columns are joined from two files when it is read
        shown = [replace(one, format="EdNet KT1", columns={}, names={}, problem="") for one in shown]
    return shown


def _one(path: Path, config: DataConfig, rows: int, scratch: Path) -> Preview:
    opened = container(path, config, scratch)
    if isinstance(opened, text.Text):
        first = list(islice(text.records(opened.plain, opened.separator), rows + 1))
        if opened.is_lines(config.format):
            shown = pd.DataFrame({"line": [line[:200] for _, _, line in first]})
            return Preview(path, "lines", opened.encoding, "", [], {}, {}, [], shown, "")
        width = len(opened.header)
        cells = [((fields or [line]) + [""] * width)[:width] for _, fields, line in first[1:]]
        return _mapped(path, config, opened.header, cells, (opened.encoding, text.SEPARATORS[opened.separator]))
    header = [name for name, _ in opened]
    with duckdb.connect(":memory:") as connection:
        try:
            query = "SELECT * FROM read_parquet($path) LIMIT $rows"
            first_rows = connection.execute(query, {"path": literal(path), "rows": rows}).fetchall()
        except duckdb.Error as error:
            raise InputError(f"{path}: cannot be read as Parquet: {first_line(error)}") from None
    return _mapped(path, config, header, [["" if v is None else str(v) for v in row] for row in first_rows], ("", ""))


def _mapped(
    path: Path, config: DataConfig, header: list[str], cells: list[list[str]], kind: tuple[str, str]
) -> Preview:
    mapping: Mapping | None = None
    problem = ""
    try:
        mapping = found(path, header, config)
        guess(path, header, config)
    except InputError as error:
        problem = str(error)
    numbered = [name if header.count(name) == 1 else f"{name} [{i + 1}]" for i, name in enumerate(header)]
    return Preview(
        path=path,
        format="sequences" if mapping and mapping.sequences else "table",
        encoding=kind[0],
        separator=kind[1],
        header=header,
        columns=mapping.columns if mapping else {},
        names={role: mapping.named(role) for role in mapping.columns} if mapping else {},
        skill_models=list(skill_models(header)),
        rows=pd.DataFrame(cells, columns=numbered, dtype="str"),
        problem=problem,
    )
