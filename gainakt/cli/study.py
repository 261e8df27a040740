"""The verb `study` of the command line."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gainakt.cli.verdict import progress
from gainakt.config import DEFAULT_STORE
from gainakt.store import runs_root


def study(
    students: Annotated[str, typer.Option(help="Students per class, with commas between.")] = "500,1000,2000,4000",
    cv: Annotated[str, typer.Option(help="True CVs of the rates; 0 measures false alarms.")] = "0,0.2,0.44",
    stop: Annotated[
        str, typer.Option(help="Stopping rules: blocked, interleaved, until_correct, adaptive.")
    ] = "blocked",
    preset: Annotated[str, typer.Option(help="Presets, with commas between.")] = "parametric",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds per cell: classes, splits and start values.")] = 5,
    scenario: Annotated[str, typer.Option(help="The simulated class that is varied.")] = "heterogeneous-truth",
    tests: Annotated[bool, typer.Option(help="Test each run for differentiation, with the stand-in.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")] = False,
    store: Annotated[
        Path, typer.Option("--store", help="The store's DuckDB file.", envvar="GAINAKT_STORE")
    ] = DEFAULT_STORE,
) -> None:
    """Sweep simulated classes: how well rates are recovered, and how often a difference is seen where none is.

    Every cell is a run in the store; what has finished is not repeated.
    """
    from gainakt.jobs import study as work

    plan = work.Plan(
        students=tuple(work.whole_numbers(students)), cvs=tuple(work.numbers(cv)),
        sequencings=_names(stop), presets=_names(preset), seeds=seeds, scenario=scenario, tests=tests,
    )  # fmt: skip
    plan.cells()
    with progress() as report:
        rows = work.carry_out(plan, runs_root(store), report)
    found = work.summary(rows)
    if as_json:
        tables = {"cells": rows, "summary": found}
        print(json.dumps({name: json.loads(part.to_json(orient="records")) for name, part in tables.items()}))
    else:
        print(found.to_string(index=False))


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))
