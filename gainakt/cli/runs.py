"""The verbs that read saved runs: `runs`, `skills`, `report`."""

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gainakt import reference
from gainakt.analysis.runs.fields import named, with_epochs
from gainakt.analysis.runs.seeds import fold
from gainakt.analysis.runs.table import read
from gainakt.analysis.runs.where import Search, holds, names, parse
from gainakt.cli import learning
from gainakt.cli.options import JsonFlag, StoreOption, listed, no_device
from gainakt.cli.output import show, show_json, table_text
from gainakt.config import DEFAULT_STORE
from gainakt.measures.registry import shown_in
from gainakt.store import Store, open_for_reading, runs_root

_COLUMNS = (
    "name", "preset", "status", "created", "data", "epochs", "step", *shown_in("runs"), "seconds", "changes", "tags",
    "favourite", "archived",
)  # fmt: skip


def runs(
    search: Annotated[
        str, typer.Argument(help="List only runs with this text in name, preset, id, data or tags.")
    ] = "",
    where: Annotated[
        str, typer.Option(help="A filter of fields, such as: weights.variance > 10 and data = assist2015.")
    ] = "",
    columns: Annotated[str, typer.Option(help="Settings and measures to list, with commas between.")] = "",
    sort: Annotated[str, typer.Option(help="The field to sort by; -FIELD for the largest first.")] = "",
    seeds: Annotated[
        bool, typer.Option("--seeds", help="Fold runs that differ only in the seed: mean, std, n.")
    ] = False,
    archived: Annotated[bool, typer.Option("--archived", help="List the archived runs, too.")] = False,
    trash: Annotated[bool, typer.Option("--trash", help="List the deleted runs instead.")] = False,
    form: Annotated[
        str, typer.Option("--format", help="Print the runs as latex (booktabs), markdown, html or csv instead.")
    ] = "",
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """List the runs, newest first, and the published records of the original study."""
    with contextlib.suppress(OSError):  # listing what is there needs no room
        if runs_root(store).exists():
            reference.place(runs_root(store))
    with open_for_reading(store) as reading:
        if trash:
            _trash(reading, as_json)
            return
        chosen = with_epochs(named(name).name for name in listed(columns)) or _COLUMNS
        table = read(reading, chosen, where, sort)
    table = table[holds(Search(search.casefold()), table)]
    if not archived and "archived" not in names(parse(where)):
        table = table[~table["archived"]]
    shown = fold(table, chosen) if seeds else table
    folded = [name for name in shown.columns if name not in ("runs", "published")]
    part = folded if seeds else list(dict.fromkeys(["run_id", "name", *chosen]))
    own, published = shown.loc[~shown["published"], part], shown.loc[shown["published"], part]
    if as_json:
        show_json(runs=own, published=published)
        return
    if form:
        from gainakt.analysis.table import table_as

        print(table_as(_readable(own), form))
        return
    narrowed = " and ".join(filter(None, (search, where)))
    none = f"no run matches {narrowed!r}" if narrowed else "no runs; start one with: python -m gainakt train"
    print(table_text(_readable(own), none))
    if len(published):
        print(f"\npublished records, read-only:\n{table_text(_readable(published).dropna(axis=1, how='all'))}")


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Times as dates, lists as texts."""
    shown = table.copy()
    for name in shown.columns:
        if name in ("created", "deleted"):
            shown[name] = pd.to_datetime(shown[name], unit="s", utc=True).dt.strftime("%Y-%m-%d %H:%M UTC")
        elif shown[name].map(lambda value: isinstance(value, list)).any():
            shown[name] = shown[name].map(", ".join)
    return shown


def _trash(reading: Store, as_json: bool) -> None:
    table = pd.DataFrame([{**asdict(one), "days_left": one.days_left} for one in reading.deleted()])
    if as_json:
        show_json(trash=table)
    else:
        print(table_text(_readable(table), "the trash is empty"))


RunOrData = Annotated[
    str,
    typer.Argument(metavar="RUN|DATA", help="A run's id or its first characters, or a file or folder of responses."),
]
DataSettings = Annotated[
    list[str] | None, typer.Option("--set", help="Of a file: a setting data.NAME=VALUE; may be repeated.")
]
Threshold = Annotated[
    float, typer.Option(min=0.5, max=0.999, help="Of a file: the P(known) from which a skill counts as mastered.")
]


def skills(
    run: RunOrData,
    part: Annotated[
        str, typer.Option(help="Of a file: skills, models, items, splits, merges, class or practice.")
    ] = "skills",
    threshold: Threshold = 0.95,
    assign: DataSettings = None,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print what a run learned about each skill, or what data show of learning before any training.

    Of data: learning curves with DataShop's categories, KC models compared, items that do not fit their skill, skills
    to split or merge, the class, tasks until mastery.
    """
    if learning.is_data(run):
        learning.show_skills(run, part, assign, threshold, as_json)
        return
    with open_for_reading(store) as reading:
        record = reading.run(run)
        table = reading.skills(record.run_id)
    if as_json:
        show_json(run_id=record.run_id, skills=table)
    else:
        print(table_text(table, f"run {record.run_id} is {record.status}: no skills yet"))


def report(
    run: RunOrData,
    baseline: Annotated[str, typer.Option(help="Compare with this run.")] = "",
    beside: Annotated[
        Path | None,
        typer.Option(help="A Markdown analysis to compare with, section by section.", callback=no_device),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    threshold: Threshold = 0.95,
    assign: DataSettings = None,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the analysis of a run, or of learning in a data set, as Markdown and as one HTML file with figures.

    Of data, all tables are written as CSV, too.
    """
    if learning.is_data(run):
        learning.write_report(run, out, assign, threshold, as_json)
        return
    from gainakt.analysis.report import save, write

    with open_for_reading(store) as reading:
        record = reading.run(run)
        written = write(reading, record.run_id, baseline and reading.run(baseline).run_id)
    show({"run_id": record.run_id, **save(written, out, f"analysis-{record.run_id}", beside)}, as_json)
