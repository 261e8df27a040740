"""The verbs that ask something of a run, and those that make a run from another one; and `explain`."""

from typing import Annotated, Any

import typer

from gainakt.cli.options import JsonFlag, RunArgument, StoreOption, assigned
from gainakt.cli.output import show, show_json, table_text, take_in
from gainakt.cli.progress import share_bar
from gainakt.cli.train import run_training
from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError
from gainakt.store import Run, open_for_reading, runs_root

_WHO = "terminal"


def stop(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Ask a run, wherever it trains, to end after its current step, with everything evaluated and saved."""
    from gainakt.jobs.service import stop as ask

    record = _active(run, store)
    ask(runs_root(store), record.run_id, _WHO)
    show({"run_id": record.run_id, "asked": "stop"}, as_json)


def pause(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Ask a run, wherever it trains, to end after its current step, to be resumed there."""
    from gainakt.jobs.service import pause as ask

    record = _active(run, store)
    ask(runs_root(store), record.run_id, _WHO)
    show({"run_id": record.run_id, "asked": "pause"}, as_json)


def resume(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Train a paused, stopped, failed or interrupted run on, to the very result of an unbroken one."""
    from gainakt.jobs.lineage import resume as prepared

    run_training(store, *prepared(runs_root(store), _record(run, store), _WHO), as_json=as_json)


def branch(
    run: RunArgument,
    at: Annotated[
        int | None, typer.Option("--at", min=0, help="The step to go on from; a wrong one lists those kept.")
    ] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="A setting NAME=VALUE for the branch; may be repeated.")
    ] = None,
    name: Annotated[str, typer.Option(help="The branch's name in lists and charts.")] = "",
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train on from a kept moment of a run, with other settings, as a new run; the newest moment without --at."""
    from gainakt.jobs.lineage import branch as prepared

    changes = assigned(assign, "weights.variance=50")
    run_training(store, *prepared(runs_root(store), _record(run, store), at, changes, name), as_json=as_json)


def replay(
    run: RunArgument,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Say whether all numbers agree (of a run that did not finish: until its last step); exit 1 if not.",
        ),
    ] = False,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train a run again, with every steering mark at its step: the same bits on the same machine and threads."""
    from gainakt.jobs.lineage import replay as prepared
    from gainakt.jobs.reproduce import compared

    record = _record(run, store)
    made = prepared(runs_root(store), record)
    run_training(store, *made, as_json=as_json and not check)
    if not check:
        return
    replayed = _record(made[0].run_id, store)
    values = compared(runs_root(store), record, replayed)
    if not as_json:
        values |= {name: "; ".join(values[name]) or "none" for name in ("differences", "reasons")}
    show(values, as_json)
    if not values["identical"]:
        raise SystemExit(1)


def reproduce(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Train a run again as it was, steering included, and say whether all numbers agree; exit 1 and why, if not."""
    replay(run, check=True, as_json=as_json, store=store)


def twin(
    run: RunArgument,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Repeat steered and unsteered runs with more seeds.")] = 1,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train a steered run's unsteered twin and say what the steering did; with --seeds 2 or more, with an interval."""
    import pandas as pd

    from gainakt.jobs.twin import as_json as plain
    from gainakt.jobs.twin import twins

    record = _record(run, store)
    with share_bar() as progress:
        pairs, effects = twins(runs_root(store), record, seeds, progress)
    take_in(store)
    values = plain(record, pairs, effects)
    if as_json:
        show_json(**values)
    else:
        print(table_text(pd.DataFrame(values["effects"].values())))
        print("\n".join(f"seed {pair.seed}: steered {pair.steered}, unsteered {pair.unsteered}" for pair in pairs))


def explain(
    run: RunArgument,
    student: Annotated[str, typer.Option(help="The student's label in the data.")],
    step: Annotated[int, typer.Option(min=1, help="Which of the student's interactions, from 1 on.")],
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Explain one prediction of Encoder 2: which earlier interactions fed the practice that it comes from."""
    from gainakt.jobs.students import students

    record = _record(run, store)
    found = students(record, runs_root(store)).explain(student, step)
    if as_json:
        show_json(run_id=record.run_id, **found.as_json())
        return
    for one in found.contributions:
        print(
            f"interaction {one.interaction:4} {one.skill:24.24} {'correct' if one.response else 'incorrect':9}"
            f" gain {one.gain:.6g} x share {one.share:.6g} = {one.added:.6g}"
            + (f", level {one.level:+.6g}" if found.level else "")
        )
    values: dict[str, Any] = found.as_json()
    del values["contributions"]
    show({"run_id": record.run_id, **values}, False)


def _record(run: str, store: Any) -> Run:
    with open_for_reading(store) as reading:
        return reading.run(run)


def _active(run: str, store: Any) -> Run:
    record = _record(run, store)
    if not record.active:
        raise InputError(f"run {record.run_id} is {record.status}: no process works on it")
    return record
