"""The verb `sweep`: many runs over a space of settings and seeds."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gainakt.cli.interrupts import asking
from gainakt.cli.options import JsonFlag, StoreOption
from gainakt.cli.output import command, show_json, table_text, take_in
from gainakt.cli.progress import share_bar
from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError, quoted
from gainakt.store import open_for_reading

if TYPE_CHECKING:
    from gainakt.jobs.sweep.folder import SweepFolder


def sweep(
    space: Annotated[
        str,
        typer.Argument(help="A TOML file (docs/sweep.md), a sweep that was begun, or one that is ready: variance."),
    ],
    seeds: Annotated[int | None, typer.Option(min=1, help="Runs of each point, each with its own seed.")] = None,
    engine: Annotated[str, typer.Option(help="Where trials train: local, ray or slurm.")] = "local",
    address: Annotated[str, typer.Option(help="Of a running Ray cluster; without it Ray starts here alone.")] = "",
    processes: Annotated[
        int, typer.Option(min=0, help="Trials at the same time; 0: one per core, or as many as the cluster takes.")
    ] = 0,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train a space of settings times seeds as ordinary runs; started again, it goes on and repeats nothing.

    Ctrl-C pauses what trains.
    """
    from gainakt.jobs.sweep.engines import engine_of
    from gainakt.jobs.sweep.runner import Sweep

    folder = _planned(space, seeds, store)
    with share_bar() as report:
        sweeping = Sweep(folder, engine_of(engine, folder.path, address, processes), report)
        with asking(folder.request_stop, "pausing what trains"):
            try:
                sweeping.carry_out()
            finally:
                take_in(store)
    if sweeping.stopping:
        workers = [f"--processes={processes}"] if processes else []
        elsewhere = [f"--{name}={value}" for name, value in (("engine", engine), ("address", address)) if value]
        again = command("sweep", folder.name, *(elsewhere if engine != "local" else []), *workers, store=store)
        print(f"Paused, with what was trained kept. To go on: {again}", file=sys.stderr)
    _show(folder, store, sweeping.again, as_json)


def _planned(space: str, seeds: int | None, store: Path) -> "SweepFolder":
    """The sweep's folder with its plan written."""
    from gainakt.jobs.sweep.folder import SweepFolder, sweeps
    from gainakt.jobs.sweep.space import ready, with_seeds

    file = Path(space)
    if file.suffix == ".toml":
        if not file.is_file():
            raise InputError(f"{space}: there is no such file")
        folder = SweepFolder(store, file.stem.lower())
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InputError(f"{space}: cannot be read: {error}") from None
    elif space in sweeps(store):
        folder = SweepFolder(store, space)
        text = folder.text
    elif space in ready():
        folder, text = SweepFolder(store, space), ready()[space]
    else:
        known = ", ".join(dict.fromkeys([*sweeps(store), *ready()]))
        raise InputError(f"{quoted(space)} is neither a .toml file nor a known sweep; known: {known}")
    if folder.owner() is None:
        folder.save(text if seeds is None else with_seeds(text, seeds))
    return folder


def _show(folder: "SweepFolder", store: Path, again: int, as_json: bool) -> None:
    from gainakt.jobs.sweep.table import Standing, summary, table

    space = folder.space()
    with open_for_reading(store) as reading:
        rows = table(reading, folder.name, space)
    standing = Standing.of(rows, space)
    done = {"sweep": folder.name, "trials": standing.total, "ended": standing.ended, "not_repeated": again}
    if as_json:
        show_json(**done, runs=rows, summary=summary(rows, space))
        return
    print(table_text(summary(rows, space), "No trial has ended yet."))
    print(f"{standing.ended} of {standing.total} trials have ended; {again} of them before this start.")
