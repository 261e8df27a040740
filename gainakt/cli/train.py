"""The verbs that compute: `train` a run, `evaluate` a saved one."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gainakt.cli.interrupts import asking
from gainakt.cli.options import JsonFlag, RunArgument, StoreOption, assigned
from gainakt.cli.output import command, fail, show, take_in, verdict_of
from gainakt.cli.progress import TrainingBar
from gainakt.config import DEFAULT_STORE, Config, changed
from gainakt.config.file import read
from gainakt.config.presets import PRESETS, find
from gainakt.errors import InputError
from gainakt.measures.registry import shown_in
from gainakt.store import Run, RunFolder, open_for_reading, runs_root

if TYPE_CHECKING:
    from gainakt.jobs.lineage import Beginning


_IN_FULL = ("train", "validation", "run", "recovery")
"""Parts of an outcome that people are not shown at once."""


def train(
    preset: Annotated[
        str, typer.Option(help=f"The settings to start from: {', '.join(PRESETS)}; or v3-phase1+IDEA.")
    ] = "corrected",
    data: Annotated[str, typer.Option("--data", help="A file or folder of responses.")] = "",
    simulate: Annotated[
        str, typer.Option(help="Train on simulated students of this scenario instead; demo without --data.")
    ] = "",
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="A file of settings in TOML, such as a run's page offers, on top of the preset."),
    ] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="A setting NAME=VALUE (docs/settings.md); may be repeated.")
    ] = None,
    name: Annotated[str, typer.Option(help="The run's name in lists and charts; else the preset's.")] = "",
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train a model here; the run is in the store from its first step, and an open dashboard shows it live."""
    from gainakt.jobs.lineage import FRESH
    from gainakt.jobs.service import queue_run

    named, settings = read(config_file) if config_file else ("", {})
    preset = named or preset
    source = _source(data, simulate)
    config = changed(find(preset).config, settings | source | assigned(assign, "training.max_epochs=5"))
    folder = queue_run(runs_root(store), config, name=name or preset, preset=preset)
    run_training(store, folder, config, FRESH, as_json=as_json)


def run_training(store: Path, folder: RunFolder, config: Config, begin: "Beginning", *, as_json: bool) -> None:
    """Train here, with a bar, and print the outcome; a failed run ends the process."""
    from gainakt.jobs.service import execute

    print(f"run {folder.run_id}", file=sys.stderr)
    with TrainingBar() as bar, asking(lambda: folder.request_stop("terminal"), "stopping after this step"):
        last = execute(folder, config, bar.take, begin)
    take_in(store)
    if last["kind"] == "failed":
        fail(last["error"], 2 if last["bad_input"] else 1, run_id=folder.run_id, status="failed")
    if last["kind"] == "paused":
        show({"run_id": folder.run_id, "status": "paused", "step": last["step"]}, as_json)
        return
    values = {"run_id": folder.run_id, **outcome(last), **verdict_of(store, folder.run_id)}
    show(values if as_json else _in_short(values), as_json)
    if not as_json:
        print(f"\nAll measures: {command('evaluate', folder.run_id, store=store)}")


def _in_short(values: dict[str, Any]) -> dict[str, Any]:
    """The outcome without most of its measures: those that lists of runs show, on the test students."""
    some = {name: value for name in shown_in("runs") if (value := values["test"].get(name)) is not None}
    return {name: value for name, value in values.items() if name not in _IN_FULL} | {"test": some}


def evaluate(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Measure a saved run again from its checkpoints and data."""
    with open_for_reading(store) as reading:
        record = reading.run(run)
    from gainakt.training.saved import reevaluate  # torch, once the run is known

    results = reevaluate(record, runs_root(store))
    show({"run_id": record.run_id, **_recorded(record), **results, **verdict_of(store, record.run_id)}, as_json)


def outcome(row: dict[str, Any]) -> dict[str, Any]:
    """What `train --json` says of a run, from its journal's `finished` row."""
    kept = ("status", "reason", "epochs", "best_epoch", "seconds", "train_interactions_per_second")
    return {**{name: row[name] for name in kept}, "test": {}, **row["results"]}


def _recorded(run: Run) -> dict[str, Any]:
    return {
        "status": run.status,
        "epochs": run.epochs,
        "best_epoch": {"encoder1": run.best_encoder1, "encoder2": run.best_encoder2},
        "seconds": run.seconds,
        "train_interactions_per_second": run.interactions_per_second,
    }


def _source(data: str, simulate: str) -> dict[str, Any]:
    if data and simulate:
        raise InputError("--data and --simulate exclude each other; give one")
    return {"data.path": data} if data else {"data.path": "", "data.simulate": simulate} if simulate else {}
