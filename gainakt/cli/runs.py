"""The verbs that read saved runs: `runs`, `skills`, `report`."""

import contextlib
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gainakt import reference
from gainakt.cli.options import JsonFlag, RunArgument, StoreOption
from gainakt.cli.output import show, show_json, table_text
from gainakt.config import DEFAULT_STORE
from gainakt.store import open_for_reading, runs_root


def runs(
    search: Annotated[str, typer.Argument(help="List only runs with this text in name, preset, id or status.")] = "",
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """List the runs, newest first, and the published records of the original study."""
    with contextlib.suppress(OSError):  # listing what is there needs no room
        if runs_root(store).exists():
            reference.place(runs_root(store))
    with open_for_reading(store) as reading:
        table, published = reading.runs(search), reading.runs(search, published=True)
    if as_json:
        show_json(runs=table, published=published)
        return
    none = f"no run matches {search!r}" if search else "no runs; start one with: python -m gainakt train"
    created = pd.to_datetime(table["created"], unit="s", utc=True).dt.strftime("%Y-%m-%d %H:%M UTC")
    print(table_text(table.assign(created=created), none))
    if len(published):
        print(f"\npublished records, read-only:\n{table_text(published.dropna(axis=1, how='all'))}")


def skills(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Print what a run learned about each skill: effective rate, gains and parameters of the learning curve."""
    with open_for_reading(store) as reading:
        record = reading.run(run)
        table = reading.skills(record.run_id)
    if as_json:
        show_json(run_id=record.run_id, skills=table)
    else:
        print(table_text(table, f"run {record.run_id} is {record.status}: no skills yet"))


def report(
    run: RunArgument,
    baseline: Annotated[str, typer.Option(help="Compare with this run.")] = "",
    beside: Annotated[
        Path | None, typer.Option(help="A Markdown analysis to compare with, section by section.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the analysis of a run as Markdown and as one HTML file with figures."""
    from gainakt.analysis.report import save, write

    with open_for_reading(store) as reading:
        record = reading.run(run)
        written = write(reading, record.run_id, baseline and reading.run(baseline).run_id)
    show({"run_id": record.run_id, **save(written, out, f"analysis-{record.run_id}", beside)}, as_json)
