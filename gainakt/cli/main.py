"""The command line: `python -m gainakt VERB`, the same library calls as the pages make.

Exit status: 0 finished or stopped, 1 failed, 2 bad input; the last line of stderr says why.
"""

import json
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from tqdm import tqdm

from gainakt import config as settings
from gainakt import reference
from gainakt.cli import verdict as judged
from gainakt.cli.progress import Progress
from gainakt.cli.study import study
from gainakt.config import DEFAULT_STORE
from gainakt.config.presets import PRESETS, find
from gainakt.errors import InputError, StoreBusy
from gainakt.store import Run, RunFolder, Store, open_for_reading, runs_root

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a box would end a usage error, whose last line says why
    help=__doc__,
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
StoreOption = Annotated[Path, typer.Option("--store", help="The store's DuckDB file.", envvar="GAINAKT_STORE")]
RunArgument = Annotated[str, typer.Argument(help="A run's id, or a beginning of it that is unique.")]


@app.command()
def data(
    path: Annotated[str, typer.Argument(help="A file, a folder, or several separated by ; of responses.")],
    test: Annotated[str, typer.Option(help="Files whose students test, beside those named test.")] = "",
    assign: Annotated[list[str] | None, typer.Option("--set", help="data.field=value, repeatable.")] = None,
    rejected: Annotated[Path | None, typer.Option(help="Write the rows left out, with reasons, to this CSV.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Read a data set and say what is in it, what was left out and what will hurt training."""
    from gainakt.datasets.describe import problems, write_rejected
    from gainakt.datasets.load import load

    changes = {"data.test_path": test, **_assigned(assign or [], "data.several_skills=first"), "data.path": path}
    config = settings.changed(settings.Config(), changes).data
    found = load(config)
    if rejected:
        write_rejected(found, rejected)
    for warning in found.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for problem in problems(found, config.window):
        print(f"note: {problem.count} {problem.text}", file=sys.stderr)
    _show(found.summary(), as_json)


@app.command()
def simulate(
    name: Annotated[str, typer.Argument(help="A scenario, such as demo; a wrong name lists them.")],
    out: Annotated[Path, typer.Option(help="The file to write; its ending names the format: .parquet, .csv, .tsv.")],
    seed: Annotated[int, typer.Option(min=0, help="The same scenario and seed give the same bytes.")] = 0,
    assign: Annotated[list[str] | None, typer.Option("--set", help="field=value of the scenario, repeatable.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a class of simulated students, with its true parameters beside it (FILE.truth.json)."""
    from gainakt.simulate import scenario, write

    chosen = scenario(name, _assigned(assign or [], "students=500"))
    with tqdm(total=chosen.students, unit="student", file=sys.stderr, disable=None) as bar:
        written = write(name, chosen, seed, out, report=bar.update)
    _show({"scenario": name, "seed": seed, **written.summary()}, as_json)


@app.command()
def train(
    preset: Annotated[str, typer.Option(help=f"{', '.join(PRESETS)}; or v3-phase1+IDEA.")] = "corrected",
    data: Annotated[str, typer.Option("--data", help="A file or folder of responses.")] = "",
    simulate: Annotated[str, typer.Option(help="A simulated scenario instead of --data; demo by default.")] = "",
    assign: Annotated[list[str] | None, typer.Option("--set", help="field=value, repeatable, dotted names.")] = None,
    name: Annotated[str, typer.Option(help="A name for the run.")] = "",
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train in this process; the run appears in the store at once, and in an open dashboard live."""
    from gainakt.jobs.service import execute, queue_run

    config = _configured(preset, data, simulate, assign or [])
    folder = queue_run(runs_root(store), config, name=name or preset, preset=preset)
    print(f"run {folder.run_id}", file=sys.stderr)
    with Progress() as progress, _stop_on_interrupt(folder):
        last = execute(folder, config, progress.take)
    _take_in(store)
    if last["kind"] == "failed":
        if as_json:
            print(json.dumps({"run_id": folder.run_id, "status": "failed", "error": last["error"]}))
        _leave(last["error"], 2 if last["bad_input"] else 1)
    told = judged.known(store, folder.run_id)
    _show({"run_id": folder.run_id, **outcome(last), **told}, as_json)


@app.command()
def evaluate(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Compute a saved run's metrics anew from its checkpoints and data."""
    with open_for_reading(store) as reading:
        record = reading.run(run)
    from gainakt.training.saved import reevaluate  # torch, once the run is known

    results = reevaluate(record, runs_root(store))
    told = judged.known(store, record.run_id)
    _show({"run_id": record.run_id, **_recorded(record), **results, **told}, as_json)


@app.command()
def runs(
    search: Annotated[str, typer.Argument(help="Text in name, preset, id, status or data.")] = "",
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """List the runs, newest first, and the published records."""
    if runs_root(store).exists():
        reference.place(runs_root(store))
    with open_for_reading(store) as reading:
        table, published = reading.runs(search), reading.runs(search, published=True)
    if as_json:
        listed = {"runs": table, "published": published}
        print(json.dumps({name: json.loads(part.to_json(orient="records")) for name, part in listed.items()}))
    else:
        print(table.to_string(index=False) if len(table) else "no runs; start one with: python -m gainakt train")
        if len(published):
            print("\npublished records, read-only:\n" + published.dropna(axis=1, how="all").to_string(index=False))


@app.command()
def skills(run: RunArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Show what a run learned of each skill."""
    with open_for_reading(store) as reading:
        record = reading.run(run)
        table = reading.skills(record.run_id)
    if as_json:
        print(json.dumps({"run_id": record.run_id, "skills": json.loads(table.to_json(orient="records"))}))
    else:
        print(table.to_string(index=False) if len(table) else f"run {record.run_id} is {record.status}: no skills yet")


@app.command()
def verdict(
    run: RunArgument,
    arm: Annotated[
        str, typer.Option("--with", help="Run the tests first, with the stand-in (seconds) or the preset (minutes).")
    ] = "",
    assign: Annotated[list[str] | None, typer.Option("--set", help="criterion=target, repeatable.")] = None,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Judge a run: the six criteria, whether its skills differ and the response matters, and by which evidence."""
    from gainakt.store.facts import tests_of
    from gainakt.verdict.criteria import targets_of
    from gainakt.verdict.judge import ARMS, run_tests

    targets = targets_of(_assigned(assign or [], "gain_std=0.1"))
    if arm and arm not in ARMS:
        raise InputError(f"--with {arm!r}: choose {' or '.join(ARMS)}")
    with open_for_reading(store) as reading:
        record = reading.run(run)
        tested = tests_of(reading, record)
    if arm:
        with judged.progress() as report:
            run_tests(record, runs_root(store), arm, report, tested)
        _take_in(store)
    _show({"run_id": record.run_id, **judged.known(store, record.run_id, targets)}, as_json)


@app.command()
def report(
    run: RunArgument,
    baseline: Annotated[str, typer.Option(help="A run to compare with.")] = "",
    beside: Annotated[Path | None, typer.Option(help="A Markdown file to lay beside it, section by section.")] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the analysis of a run: Markdown, and one self-contained HTML file with figures."""
    from gainakt.analysis.report import save, write

    with open_for_reading(store) as reading:
        record = reading.run(run)
        written = write(reading, record.run_id, baseline and reading.run(baseline).run_id)
    _show({"run_id": record.run_id, **save(written, out, f"analysis-{record.run_id}", beside)}, as_json)


app.command()(study)


def outcome(row: dict[str, Any]) -> dict[str, Any]:
    """What `train --json` says of a run, from its journal's `finished` row."""
    kept = ("status", "reason", "epochs", "best_epoch", "seconds", "train_interactions_per_second")
    known: dict[str, Any] = {name: row[name] for name in kept} | {"test": {}}
    return {**known, **row["results"]}


def _recorded(run: Run) -> dict[str, Any]:
    return {
        "status": run.status, "epochs": run.epochs,
        "best_epoch": {"encoder1": run.best_encoder1, "encoder2": run.best_encoder2},
        "seconds": run.seconds, "train_interactions_per_second": run.interactions_per_second,
    }  # fmt: skip


def _configured(preset: str, data: str, simulate: str, assign: list[str]) -> settings.Config:
    if data and simulate:
        raise InputError("--data and --simulate exclude each other; give one")
    changes: dict[str, Any] = {}
    if data:
        changes["data.path"] = data
    if simulate:
        changes["data.simulate"] = simulate
    changes |= _assigned(assign, "training.max_epochs=5")
    return settings.changed(find(preset).config, changes)


def _assigned(items: list[str], example: str) -> dict[str, Any]:
    """The fields and values of `--set field=value`."""
    changes = {}
    for item in items:
        field, equals, value = item.partition("=")
        if not equals:
            raise InputError(f"--set {item!r}: expected field=value, such as {example}")
        changes[field.strip()] = value.strip()
    return changes


@contextmanager
def _stop_on_interrupt(folder: RunFolder):  # type: ignore[no-untyped-def]
    """Ctrl-C and SIGTERM end the training after its current step; a second one ends it at once."""

    def ask(number: int, _frame: object) -> None:
        folder.request_stop("terminal")
        print("\nstopping after this step; once more to abort", file=sys.stderr)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _take_in(store: Path) -> None:
    """Take the run into the store if nobody holds it; else its holder does, or the next to open it."""
    try:
        with Store.open(store, wait=1) as opened:
            opened.take_in()
    except StoreBusy:
        return


def _show(values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(values))
        return
    values, findings = judged.apart(values)
    for name, value in values.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for inner, number in value.items():
                print(f"  {inner:40} {_number(number)}")
        else:
            print(f"{name:42} {_number(value)}")
    for name, status, value, text in findings:
        print(f"{name:24} {status:16} {_number(value):>10}  {text}")


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)


def _leave(why: str, status: int) -> NoReturn:
    print(f"error: {why}", file=sys.stderr)
    raise SystemExit(status)


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="python -m gainakt")
    except InputError as error:
        _leave(str(error), 2)
    except StoreBusy as error:
        _leave(str(error), 1)
