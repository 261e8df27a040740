"""Runs that come from runs: resumed where they were, branched from a kept moment, replayed mark by mark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gainakt.config import Config, changed, difference, fields, stored
from gainakt.errors import InputError
from gainakt.jobs.marks import Mark, Row, held_along, journal, marks_of, plan, request, to_repeat
from gainakt.jobs.owning import refuse_owned, taking_up
from gainakt.store import Run, RunFolder
from gainakt.training.moments import Moment as Moment  # for the pages, which may not import training
from gainakt.training.moments import moments

if TYPE_CHECKING:
    from gainakt.training.state import State


__all__ = [
    "FRESH",
    "Beginning",
    "Moment",
    "Prepared",
    "branch",
    "common_step",
    "config_at",
    "differences",
    "history",
    "journal",
    "kept_moments",
    "marks_of",
    "plan",
    "replay",
    "requests",
    "resume",
]


@dataclass(frozen=True)
class Beginning:
    """From where a training begins: the state after `step` in `source`, from the first step on if there is none.

    `marks` are requests to be made again, each before its step. Requests of the run's control file count from byte
    `control` on. `restated` are journal rows that the state holds already and that resuming takes back: they are
    written again.
    """

    source: Path | None = None
    step: int | None = None
    marks: tuple[Mark, ...] = ()
    control: int = 0
    restated: tuple[Row, ...] = ()


FRESH = Beginning()
"""From the first step on, asked for nothing but what comes."""
Prepared = tuple[RunFolder, Config, Beginning]
"""What a training is started with."""


def kept_moments(root: Path, run: Run) -> list[Moment]:
    """The moments from which a run can be resumed or branched, oldest first."""
    return [] if run.published else moments(RunFolder(root, run.run_id).folder)


def config_at(run: Run, moment: Moment) -> Config:
    """The settings in effect at a kept moment; raises InputError where another version wrote them."""
    return _in_effect(run, moment.why, stored(moment.config))


def _in_effect(run: Run, why: str, config: Config) -> Config:
    """A state's settings; the state that a branch begins with is its parent's, and its settings are its own."""
    return stored(run.config) if why == "branch" else config


def resume(root: Path, run: Run, who: str) -> Prepared:
    """Take a paused, stopped, failed or interrupted run up again in this process, from its newest kept state.

    A run that kept none begins again. Marks after that state are made again at their steps. Raises InputError where it
    cannot go on, or where a process that lives works on it.
    """
    if run.active:
        raise InputError(f"run {run.run_id} is {run.status}; only a run that has ended can be resumed")
    if run.status == "finished":
        raise InputError(f"run {run.run_id} is finished; branch it to train on: gainakt branch {run.run_id}")
    folder = _folder(root, run)
    with taking_up(folder):
        rows = journal(folder)
        refuse_owned(run.run_id, rows)
        kept = _newest(folder.folder)
        began = any(row["kind"] == "started" for row in rows)
        if kept is None and began:
            folder.append({"kind": "resumed", "step": 0, "epoch": 0})  # all that was recorded will be recorded again
        marks = to_repeat(folder, rows, -1 if kept is None else kept.step)
        control = folder.claim(who)
    folder.close()
    if kept is None:
        return folder, stored(run.config), Beginning(marks=marks, control=control)
    config = _in_effect(run, kept.about["why"], kept.config)
    held = held_along(rows, kept.step)
    again = [request(row["field"], row.get("new", row.get("value")), row) for row in held if "field" in row]
    marks = tuple((step, mark) for step, mark in marks if step > kept.step + 1 or mark not in again)
    return folder, config, Beginning(folder.folder, kept.step, marks, control, tuple(held))


def _newest(folder: Path) -> "State | None":
    """The newest kept state that can be read, None where none was kept; raises InputError where all are damaged."""
    from gainakt.training import state  # torch

    problem: InputError | None = None
    for moment in reversed(state.moments(folder)):
        try:
            return state.read(folder, moment.step)
        except InputError as error:
            problem = problem or error
    if problem is not None:
        raise problem
    return None


def branch(
    root: Path, run: Run, at: int | None, changes: dict[str, Any], name: str = "", purpose: dict[str, Any] | None = None
) -> Prepared:
    """A new run that goes on from a kept state of another one (the newest by default), with some settings changed.

    Raises InputError that names the kept moments, or the settings that a training cannot change on its way.
    """
    from gainakt.training import snapshot, state

    source = _folder(root, run).folder
    kept = state.read(source, at)
    before = _in_effect(run, kept.about["why"], kept.config)
    config = changed(before, changes)
    snapshot.check(config, str(kept.about["data_fingerprint"]), kept)
    if int(kept.about["epoch"]) > config.training.max_epochs:
        raise InputError(
            f"step {kept.step} is the end of {config.training.max_epochs} epochs: a branch from there would train"
            " nothing. Branch from an earlier moment, or raise training.max_epochs"
        )
    lineage: dict[str, Any] = {"parent": run.run_id, "step": kept.step, **(purpose or {})}
    if differing := difference(before, config):
        lineage["changes"] = {setting: new for setting, (_, new) in differing.items()}
        lineage["before"] = {setting: old for setting, (old, _) in differing.items()}
    title = name or f"{run.name}, branched at {kept.step}"
    folder = RunFolder.create(root, name=title, preset=run.preset or "", config=config.model_dump(), lineage=lineage)
    state.keep(folder.folder, replace(kept, about={**kept.about, "why": "branch"}))
    return folder, config, Beginning(folder.folder, kept.step)


def replay(
    root: Path,
    run: Run,
    *,
    marks: bool = True,
    seed: int | None = None,
    name: str = "",
    purpose: dict[str, Any] | None = None,
) -> Prepared:
    """A new run that does what another one did: the same settings and, with `marks`, the same changes at their steps.

    It also stops where the other one was stopped. With another `seed` it is the same experiment on other chance, from
    the first step on; with its own a branch is replayed from its first state.
    """
    if run.active:
        raise InputError(f"run {run.run_id} is {run.status}; it can be replayed once it has ended")
    original = _folder(root, run)
    made = [mark for mark in marks_of(journal(original)) if marks or mark[1]["kind"] == "stop"]
    lineage: dict[str, Any] = {"replay": run.run_id, **(purpose or {})}
    step = run.lineage.get("step")
    config = stored(run.config)
    if seed is not None and seed != run.seed:
        config, before = history(root, run.run_id)
        config, made, step = changed(config, {"training.seed": seed}), [*before, *made], None
    if step is not None:
        lineage["step"] = step
    title = name or f"{run.name}, replayed"
    folder = RunFolder.create(root, name=title, preset=run.preset or "", config=config.model_dump(), lineage=lineage)
    plan(folder, made)
    if step is None:
        return folder, config, Beginning(marks=tuple(made))
    from gainakt.training import state

    kept = state.read(original.folder, int(step))
    state.keep(folder.folder, replace(kept, about={**kept.about, "why": "branch"}))
    return folder, config, Beginning(folder.folder, int(step), tuple(made))


def history(root: Path, run_id: str) -> tuple[Config, list[Mark]]:
    """What a run is from the first step on: a configuration, and the marks before it became this run.

    A branch is its parent until the step it began at, then what it changed. Raises InputError where a parent is gone.
    """
    folder = RunFolder(root, run_id)
    queued = next((row for row in journal(folder) if row["kind"] == "queued"), None)
    if queued is None:
        raise InputError(f"run {run_id} is gone, from which others went on: they cannot be repeated with another seed")
    lineage, config = queued.get("lineage") or {}, stored(queued["config"])
    if "step" not in lineage:
        return config, []
    if "parent" not in lineage:
        return history(root, lineage["replay"])
    parent, step = lineage["parent"], int(lineage["step"])
    config, marks = history(root, parent)
    marks += [mark for mark in marks_of(journal(RunFolder(root, parent))) if mark[0] <= step]
    settings, changes = fields(), lineage.get("changes", {})
    config = changed(config, {name: value for name, value in changes.items() if not settings[name].live})
    live = {name: value for name, value in changes.items() if settings[name].live}
    return config, [*marks, *((step + 1, request(name, new, {"who": "branch"})) for name, new in live.items())]


def requests(folder: RunFolder, begin: Beginning, first: int) -> Callable[[], list[Row]]:
    """What `train` is to be asked before each step from `first` on: the marks of the beginning, and what comes live."""
    offset, step = begin.control, first - 1

    def since_last() -> list[Row]:
        nonlocal offset, step
        rows, offset = folder.requests(offset)
        step += 1
        return [mark for at, mark in begin.marks if at == step] + rows

    return since_last


def common_step(root: Path, run: Run, other: Run) -> int | None:
    """The last step that two runs both recorded; None where both finished, and their results compare too."""
    rows = [journal(_folder(root, one)) for one in (run, other)]
    if all(any(row["kind"] == "finished" for row in part) for part in rows):
        return None
    return min(next((int(row["step"]) for row in reversed(part) if row["kind"] == "step"), 0) for part in rows)


def differences(root: Path, run: Run, other: Run) -> list[str]:
    """In what two runs' results differ: weights of both encoders, recorded series; empty when all bits are the same.

    Where one of them did not finish, only what came until the last step of both counts, without the evaluation at it.
    """
    last = common_step(root, run, other)
    first, second = (_compared(_until(journal(_folder(root, one)), last)) for one in (run, other))
    return [
        f"{what}: {_short(first.get(what))} and {_short(second.get(what))}"
        for what in sorted(first | second)
        if first.get(what) != second.get(what)
    ]


def _until(rows: Sequence[Row], last: int | None) -> list[Row]:
    return [
        row
        for row in rows
        if last is None
        or (row["kind"] == "step" and row["step"] <= last)
        or (row["kind"] in ("evaluated", "checkpointed") and row["step"] < last)
    ]


_CLOCK = ("interactions_per_second", "gradient.seconds", "device.memory", "device.load")


def _compared(rows: Sequence[Row]) -> dict[str, Any]:
    """What has to be the same when a run is repeated, by what it is; later rows of a step replace earlier ones."""
    recorded: dict[str, Any] = {}
    for row in rows:
        if row["kind"] in ("step", "evaluated"):
            for name, value in row["values"].items():
                if name not in _CLOCK:
                    recorded[f"{name} at step {row['step']}"] = value
        elif row["kind"] == "checkpointed":
            recorded[f"weights of {row['encoder']}"] = row["sha256"]
        elif row["kind"] == "finished":
            recorded["results"] = row["results"]
    return recorded


def _short(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) < 40 else f"{text[:37]}..."


def _folder(root: Path, run: Run) -> RunFolder:
    if run.published:
        raise InputError(f"run {run.run_id} is a published record; train its preset instead")
    if run.yardstick:
        raise InputError(f"run {run.run_id} is a yardstick: it keeps no model, only its results and predictions")
    folder = RunFolder(root, run.run_id)
    if not folder.folder.is_dir():
        raise InputError(f"the folder of run {run.run_id} is gone from {root}")
    return folder
