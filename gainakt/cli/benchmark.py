"""The verb `benchmark`: yardsticks on the splits that trainings use."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gainakt.cli.options import JsonFlag, StoreOption, assigned, listed
from gainakt.cli.output import show_json, table_text, take_in
from gainakt.cli.progress import share_bar
from gainakt.config import DEFAULT_STORE, Config, changed
from gainakt.store import Store, runs_root


def benchmark(
    path: Annotated[str, typer.Argument(metavar="DATA", help="A file or folder of responses, or several with ;.")],
    protocol: Annotated[
        str,
        typer.Option(help="pykt: the folds and test students that the data name. students80: 80/20 of all students."),
    ] = "pykt",
    models: Annotated[str, typer.Option(help="Yardsticks with commas between; else all.")] = "",
    folds: Annotated[str, typer.Option(help="Folds with commas between.")] = "0",
    curve: Annotated[
        bool,
        typer.Option(help="Train accuracy against interpretability instead: Encoder 2 from gains alone to Encoder 1."),
    ] = False,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="A setting data.NAME=VALUE; may be repeated.")
    ] = None,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Fit yardsticks, from the skills' means to DKT; print their test AUC and more beside the store's trainings.

    Every yardstick and fold is a run in the store; a benchmark that is started again runs only what is missing.
    """
    from gainakt.analysis.benchmark import YARDSTICKS, by_fold, comparable, configurations, rests_on, summary
    from gainakt.jobs.benchmark import Plan, carry_out
    from gainakt.jobs.study import read, whole_numbers

    data = changed(Config(), {**assigned(assign, "data.several_skills=first"), "data.path": path}).data
    plan = Plan(data, protocol, listed(models) or tuple(YARDSTICKS), read("--folds", whole_numbers, folds))
    if curve:
        _curve(plan.config(plan.folds[0]), store, as_json)
        return
    for text in plan.missing.values():
        print(f"left out: {text}", file=sys.stderr)
    with share_bar() as report:
        ids = carry_out(plan, runs_root(store), report)
    take_in(store)
    with Store.open(":memory:", runs=runs_root(store)) as reading:
        reading.take_in()
        runs = [reading.run(run_id) for run_id in ids]
        for run in runs:
            if run.status == "failed":
                print(f"failed: {run.name}: {run.error}", file=sys.stderr)
        some = [run for run in runs if run.status == "finished"]
        rows = by_fold(reading, some, configurations(comparable(reading, some)))
    tested_on, few = rests_on(rows)
    if few:
        print(f"warning: {tested_on}", file=sys.stderr)
    if as_json:
        show_json(folds=rows, models=summary(rows), left_out=plan.missing)
    else:
        print(table_text(summary(rows).drop(columns=["about", "kind"]), "No yardstick has finished."))
        if not few:
            print(tested_on)


def _curve(data: Config, store: Path, as_json: bool) -> None:
    """Train the points of the curve that are missing, and print them."""
    from gainakt.jobs.freedoms import carry_out

    with share_bar() as report:
        points = carry_out(data, runs_root(store), report)
    take_in(store)
    if as_json:
        show_json(points=points)
    else:
        print(table_text(points))
