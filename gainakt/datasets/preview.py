"""The first rows of files and the columns guessed for them, before they are read."""

import tempfile
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pandas as pd

from gainakt.config import DataConfig
from gainakt.data import ednet, files, opening, text, wide
from gainakt.data.header import SIGNS
from gainakt.data.mapping import Mapping, found, guess, missing, skill_models
from gainakt.data.records import records
from gainakt.errors import InputError

FILES_SHOWN = 50


@dataclass(frozen=True)
class Preview:
    """One file: its header and first rows as text, the columns of each role, and what is wrong.

    `columns` holds per role that has any their places in the header, `names` what to call them; `advice` says what
    to do about a file without the columns that are needed.
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
    advice: str


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
    content, _ = opening.container(path, config, scratch)
    if not isinstance(content, text.Text):
        return _mapped(path, config, content, rows)
    kind, _ = opening.without_header(content, config)
    if kind:
        first = islice(records(content.plain, content.separator), rows)
        shown = pd.DataFrame({"line": [line[:200] for _, _, line in first]})
        return Preview(path, kind, content.encoding, "", [], {}, {}, [], shown, "", "")
    return _mapped(path, config, content, rows)


def _mapped(path: Path, config: DataConfig, content: text.Text | opening.Table, rows: int) -> Preview:
    header, cells = content.header, opening.first_rows(content, max(rows, opening.LOOKED_AT))
    place = opening.header_place(path, content)
    mapping: Mapping | None = None
    problem, kind = "", "table"
    try:
        mapping = found(place, header, config)
        kind = "sequences" if mapping.sequences else kind
        if config.format == "wide":
            mapping, kind = wide.mapped(path, cells, mapping)[0], "wide"
        else:
            guess(place, header, config)
    except InputError as error:
        problem = str(error)
    numbered = [name if header.count(name) == 1 else f"{name} [{i + 1}]" for i, name in enumerate(header)]
    of_text = (content.encoding, SIGNS[content.separator]) if isinstance(content, text.Text) else ("", "")
    return Preview(
        path=path,
        format=kind,
        encoding=of_text[0],
        separator=of_text[1],
        header=header,
        columns=mapping.columns if mapping else {},
        names={role: mapping.named(role) for role in mapping.columns} if mapping else {},
        skill_models=list(skill_models(header)),
        rows=pd.DataFrame(cells[:rows], columns=numbered, dtype="str"),
        problem=problem,
        advice=opening.advice(content, mapping) if problem and mapping and missing(mapping) else "",
    )
