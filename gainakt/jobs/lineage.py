"""Runs that come from runs: resumed where they were, branched from a kept moment, replayed mark by mark."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gainakt.config import Config, changed
from gainakt.errors import InputError
from gainakt.store import Run, RunFolder
from gainakt.training.moments import Moment as Moment  # for the pages, which may not import training
from gainakt.training.moments import moments

Row = dict[str, Any]
SCHEDULE = "schedule"
"""Who a change comes from that a run's own schedule of weights makes; a replay makes it by itself."""


@dataclass(frozen=True)
class Beginning:
    """From where a training begins: the state after `step` in `source`, from the first step on if there is none.

    `marks` are requests to be made again, each before its step. Requests of the run's control file count from byte
    `control` on.
    """

    source: Path | None = None
    step: int | None = None
    marks: tuple[tuple[int, Row], ...] = ()
    control: int = 0


FRESH = Beginning()
"""From the first step on, asked for nothing but what comes."""


def journal(folder: RunFolder) -> list[Row]:
    """All rows of a run's journal."""
    rows: list[Row] = []
    offset, last = 0, -1
    while offset != last:
        last = offset
        some, offset = folder.rows(offset)
        rows += some
    return rows


def marks_of(rows: Iterable[Row]) -> list[tuple[int, Row]]:
    """What was asked of a run and acted, as (step that it acts from, request); what a resumption took back is left out.

    The last may be a request to stop, before the step that was then not done.
    """
    marks: list[tuple[int, Row]] = []
    for row in rows:
        if row["kind"] == "resumed":
            marks = [(step, mark) for step, mark in marks if step <= row["step"]]
        elif row["kind"] == "changed" and row.get("who") != SCHEDULE:
            mark = {"kind": "set", "field": row["field"], "value": row["new"], "who": row.get("who")}
            marks.append((int(row["step"]), mark))
        elif row["kind"] == "finished" and row.get("status") == "stopped":
            who = str(row.get("reason")).removeprefix("stopped by ")
            marks.append((int(row["step"] or 0) + 1, {"kind": "stop", "who": who}))
    return marks


def kept_moments(root: Path, run: Run) -> list[Moment]:
    """The moments from which a run can be resumed or branched, oldest first."""
    return [] if run.published else moments(RunFolder(root, run.run_id).folder)


def resume(root: Path, run: Run, who: str) -> tuple[RunFolder, Config, Beginning]:
    """Take a paused, stopped, failed or interrupted run up again in this process, from its newest kept state.

    Marks that came after that state are made again at their steps. Raises InputError when there is nothing to go on.
    """
    from gainakt.training import state  # torch

    if run.active:
        raise InputError(f"run {run.run_id} is {run.status}; only a run that has ended can be resumed")
    if run.status == "finished":
        raise InputError(f"run {run.run_id} is finished; branch it to train on: gainakt branch {run.run_id}")
    folder = _folder(root, run)
    kept = state.read(folder.folder)
    marks = [(step, mark) for step, mark in marks_of(journal(folder)) if step > kept.step and mark["kind"] == "set"]
    return folder, kept.config, Beginning(folder.folder, kept.step, tuple(marks), folder.claim(who))


def branch(
    root: Path, run: Run, at: int | None, changes: dict[str, Any], name: str = "", purpose: dict[str, Any] | None = None
) -> tuple[RunFolder, Config, Beginning]:
    """A new run that goes on from a kept state of another one (the newest by default), with some settings changed.

    Raises InputError that names the kept moments, or the settings that a training cannot change on its way.
    """
    from gainakt.training import snapshot, state

    source = _folder(root, run).folder
    kept = state.read(source, at)
    config = changed(kept.config, changes)
    snapshot.check(config, str(kept.about["data_fingerprint"]), kept)
    lineage = {"parent": run.run_id, "step": kept.step, **(purpose or {})}
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
) -> tuple[RunFolder, Config, Beginning]:
    """A new run that does what another one did: the same settings and, with `marks`, the same changes at their steps.

    With another `seed` it is the same experiment on other chance. A branch is replayed from its own first state.
    """  # fmt: skip
    original = _folder(root, run)
    config = Config.model_validate(run.config)
    if seed is not None:
        config = changed(config, {"training.seed": seed})
    again = tuple(marks_of(journal(original))) if marks else ()
    lineage = {"replay": run.run_id, **(purpose or {})}
    title = name or f"{run.name}, replayed"
    folder = RunFolder.create(root, name=title, preset=run.preset or "", config=config.model_dump(), lineage=lineage)
    if "parent" not in run.lineage or seed is not None:
        return folder, config, Beginning(marks=again)
    from gainakt.training import state

    state.keep(folder.folder, state.read(original.folder, int(run.lineage["step"])))
    return folder, config, Beginning(folder.folder, int(run.lineage["step"]), again)


def requests(folder: RunFolder, begin: Beginning, first: int) -> Callable[[], list[Row]]:
    """What `train` is to be asked before each step from `first` on: the marks of the beginning, and what comes live."""
    offset, step = begin.control, first - 1

    def since_last() -> list[Row]:
        nonlocal offset, step
        rows, offset = folder.requests(offset)
        step += 1
        return [mark for at, mark in begin.marks if at == step] + rows

    return since_last


def differences(root: Path, run: Run, other: Run) -> list[str]:
    """In what two runs' results differ: weights of both encoders, recorded series; empty when all bits are the same."""
    first, second = (_compared(journal(_folder(root, one))) for one in (run, other))
    return [f"{what}: {_short(first.get(what))} and {_short(second.get(what))}" for what in sorted(first | second)
            if first.get(what) != second.get(what)]  # fmt: skip


_CLOCK = ("interactions_per_second", "gradient.seconds")


def _compared(rows: Sequence[Row]) -> dict[str, Any]:
    """What has to be the same when a run is repeated, by what it is; later rows of a step replace earlier ones."""
    found: dict[str, Any] = {}
    for row in rows:
        if row["kind"] in ("step", "evaluated"):
            for name, value in row["values"].items():
                if name not in _CLOCK:
                    found[f"{name} at step {row['step']}"] = value
        elif row["kind"] == "checkpointed":
            found[f"weights of {row['encoder']}"] = row["sha256"]
        elif row["kind"] == "finished":
            found["results"] = row["results"]
    return found


def _short(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) < 40 else f"{text[:37]}..."


def _folder(root: Path, run: Run) -> RunFolder:
    if run.published:
        raise InputError(f"run {run.run_id} is a published record; train its preset instead")
    folder = RunFolder(root, run.run_id)
    if not folder.folder.is_dir():
        raise InputError(f"the folder of run {run.run_id} is gone from {root}")
    return folder
