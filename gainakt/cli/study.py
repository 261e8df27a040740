"""The verb `study`: simulated classes, each trained and tested."""

from typing import Annotated

import typer

from gainakt.cli.options import JsonFlag, StoreOption, listed
from gainakt.cli.output import show_json, table_text
from gainakt.cli.progress import share_bar
from gainakt.config import DEFAULT_STORE
from gainakt.store import runs_root


def study(
    students: Annotated[str, typer.Option(help="Numbers of students, with commas between.")] = "500,1000,2000,4000",
    cv: Annotated[
        str, typer.Option(help="True CVs of the skills' rates, with commas between; 0 measures false alarms.")
    ] = "0,0.2,0.44",
    stop: Annotated[
        str,
        typer.Option(help="When practice of a skill stops: blocked, interleaved, until_correct, adaptive."),
    ] = "blocked",
    preset: Annotated[str, typer.Option(help="Presets, with commas between.")] = "parametric",
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions of every combination, each with its own seed.")] = 5,
    scenario: Annotated[str, typer.Option(help="The simulated scenario that is varied.")] = "heterogeneous-truth",
    tests: Annotated[
        bool, typer.Option(help="Test each run for differentiation with the learning-curve model.")
    ] = True,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train and test on many simulated classes: how well rates are recovered, how often a difference is wrongly found.

    Every combination is a run in the store; a study that is started again trains only what is missing.
    """
    from gainakt.jobs.study import Plan, carry_out, numbers, read, summary, whole_numbers

    plan = Plan(
        students=read("--students", whole_numbers, students),
        cvs=read("--cv", numbers, cv),
        sequencings=listed(stop),
        presets=listed(preset),
        seeds=seeds,
        scenario=scenario,
        tests=tests,
    )
    plan.cells()
    with share_bar() as report:
        cells = carry_out(plan, runs_root(store), report)
    if as_json:
        show_json(cells=cells, summary=summary(cells))
    else:
        print(table_text(summary(cells)))
