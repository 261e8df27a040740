"""The verb `verdict`: do a run's skills differ, does the response matter, which criteria does it meet."""

from typing import Annotated

import typer

from gainakt.cli.options import JsonFlag, RunArgument, StoreOption, assigned
from gainakt.cli.output import show, take_in, verdict_of
from gainakt.cli.progress import share_bar
from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError
from gainakt.store import open_for_reading, runs_root

# What --with takes -> the name of the tests in journals and JSON; the last is the former name of the first.
TESTS_WITH = {"curve-model": "stand-in", "preset": "preset", "stand-in": "stand-in"}


def verdict(
    run: RunArgument,
    tests_with: Annotated[
        str,
        typer.Option(
            "--with",
            help="Run the tests first: curve-model refits the learning-curve model (minutes), preset trains the run's"
            " own preset again and again (minutes to hours). Without it the saved tests are used.",
        ),
    ] = "",
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="The target of a criterion, such as gain_std=0.1; repeatable.")
    ] = None,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run: the six criteria, whether its skills differ, whether the response matters, and on what evidence."""
    from gainakt.store.facts import tests_of
    from gainakt.verdict.criteria import targets_of
    from gainakt.verdict.judge import run_tests

    targets = targets_of(assigned(assign, "gain_std=0.1"))
    if tests_with and tests_with not in TESTS_WITH:
        raise InputError(f"--with {tests_with!r}: choose curve-model (also called stand-in) or preset")
    with open_for_reading(store) as reading:
        record = reading.run(run)
        saved_tests = tests_of(reading, record)
    if tests_with:
        with share_bar() as report:
            run_tests(record, runs_root(store), TESTS_WITH[tests_with], report, saved_tests)
        take_in(store)
    show({"run_id": record.run_id, **verdict_of(store, record.run_id, targets)}, as_json)
