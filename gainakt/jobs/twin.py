"""The unsteered twin: what a steered run would have been if nobody had touched it, and what the steering did.

The twin goes on from the state before the first mark. With more seeds the whole experiment is repeated, steered and
unsteered, so that the effect has an interval.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from gainakt.config import SCHEDULE, changed
from gainakt.errors import InputError, RunFailed
from gainakt.jobs import lineage
from gainakt.jobs.lineage import Prepared
from gainakt.jobs.service import execute
from gainakt.jobs.turns import Cancelled
from gainakt.measures.registry import MEASURES as REGISTERED
from gainakt.store import Run, RunFolder, Store
from gainakt.store.facts import Results, results_of
from gainakt.verdict.progress import Progress

MEASURES = (
    "gain_std",
    "encoder1_auc",
    "encoder2_auc",
    "response_gain_ratio",
    "skill_gain_cv",
    "mastery_correlation",
    "beta_std",
    "rate_cv",
)
"""What the steering may have changed: both AUCs, what the six criteria ask for, and the effect size of the rates."""
LEVEL = 0.95
_WITH_RESULTS = ("finished", "stopped")


@dataclass(frozen=True)
class Effect:
    """Steered minus unsteered of one measure: the mean over seeds, and its 95 % interval from two on."""

    measure: str
    steered: float | None
    unsteered: float | None
    difference: float | None
    low: float | None
    high: float | None
    seeds: int


@dataclass(frozen=True)
class Pair:
    """The run ids of one seed's steered and unsteered run."""

    seed: int
    steered: str
    unsteered: str


def twins(root: Path, run: Run, seeds: int, progress: Progress) -> tuple[list[Pair], list[Effect]]:
    """Train the twins that are missing, one per seed (the run's own first), and compare.

    `progress` may raise Cancelled: at the beginning of a training, or in it, which then stops. What is done stays.
    Raises InputError where the run was never steered or has no results, RunFailed where a training does not end well.
    """
    check(root, run)
    with Store.open(":memory:", runs=root) as store:
        store.take_in()
        pairs = []
        for number in range(seeds):
            seed, done = int(run.seed or 0) + number, max(0, 2 * number - 1)
            steered = run
            if number:
                step = partial(progress, done / (2 * seeds - 1), f"seed {seed}: the steered run again")
                steered = _one(store, run, seed, step, True)
                done += 1
            step = partial(progress, done / (2 * seeds - 1), f"seed {seed}: the unsteered twin")
            pairs.append(Pair(seed, steered.run_id, _one(store, run, seed, step, False).run_id))
        return pairs, list(effects(store, pairs))


def check(root: Path, run: Run) -> None:
    """Raise InputError where a run can have no twin: it was never steered, or has not ended with results."""
    if run.status not in _WITH_RESULTS:
        raise InputError(f"run {run.run_id} is {run.status}; a twin is compared with a run that is finished or stopped")
    if not _moves(root, run):
        raise InputError(f"run {run.run_id} was not steered, so it is its own twin")


def effects(store: Store, pairs: list[Pair]) -> Iterator[Effect]:
    """What the steering did to each measure, from runs that have ended."""
    results = results_of(store, [run_id for pair in pairs for run_id in (pair.steered, pair.unsteered)])
    for name in MEASURES:
        of_run = REGISTERED[name].of == "run"
        values = [
            [_result(results.get(run_id, {}), name, of_run) for run_id in (pair.steered, pair.unsteered)]
            for pair in pairs
        ]
        yield _effect(name, np.array([pair for pair in values if None not in pair], dtype=np.float64).reshape(-1, 2))


def _result(results: Results, name: str, of_run: bool) -> float | None:
    """Of the test students; of the validation students where there are none."""
    split = "run" if of_run else "test" if results.get("test") else "validation"
    return results.get(split, {}).get(name)


def _effect(name: str, values: np.ndarray) -> Effect:
    count = len(values)
    if not count:
        return Effect(name, None, None, None, None, None, 0)
    difference = values[:, 0] - values[:, 1]
    mean, low, high = float(difference.mean()), None, None
    if count > 1:
        reach = float(t.ppf((1 + LEVEL) / 2, count - 1) * difference.std(ddof=1) / count**0.5)
        low, high = mean - reach, mean + reach
    return Effect(name, float(values[:, 0].mean()), float(values[:, 1].mean()), mean, low, high, count)


def as_json(run: Run, pairs: list[Pair], found: list[Effect]) -> dict[str, Any]:
    """Pairs and effects as plain values."""
    return {
        "run_id": run.run_id,
        "pairs": [asdict(pair) for pair in pairs],
        "effects": {effect.measure: asdict(effect) for effect in found},
    }


def pairs_of(store: Store, run: Run) -> list[Pair]:
    """The pairs of a run that have ended, by seed."""
    kin = store.kin(run.run_id)
    seeds = sorted({int(run.seed or 0), *(int(one.seed or 0) for one in kin)})
    pairs = []
    for seed in seeds:
        steered = run if seed == int(run.seed or 0) else _there(kin, run, seed, True)
        unsteered = _there(kin, run, seed, False)
        if steered and unsteered:
            pairs.append(Pair(seed, steered.run_id, unsteered.run_id))
    return pairs


def _there(kin: list[Run], run: Run, seed: int, steered: bool) -> Run | None:
    """The newest twin of a seed that ended as it should: with its last epoch, or stopped where the run was."""
    for one in reversed(kin):
        fits = one.lineage.get("twin") == run.run_id and int(one.seed or 0) == seed
        stopped_alike = one.status == run.status == "stopped" and one.step == run.step
        if fits and bool(one.lineage.get("steered")) == steered and (one.status == "finished" or stopped_alike):
            return one
    return None


def _one(store: Store, run: Run, seed: int, progress: Callable[[], None], steered: bool) -> Run:
    """The twin of a seed: the one that is there, or a new one, trained here."""
    progress()
    there = _there(store.kin(run.run_id), run, seed, steered)
    if there is not None:
        return there
    root = store.runs_root
    assert root is not None
    return _trained(store, _steered(root, run, seed) if steered else _unsteered(root, run, seed), progress)


def _steered(root: Path, run: Run, seed: int) -> Prepared:
    purpose = {"twin": run.run_id, "steered": True}
    return lineage.replay(root, run, seed=seed, name=f"{run.name}, seed {seed}", purpose=purpose)


def _unsteered(root: Path, run: Run, seed: int) -> Prepared:
    """From the state before the first mark where it is kept; else from the start, which gives the same bits."""
    purpose, name = {"twin": run.run_id, "steered": False}, f"{run.name}, unsteered"
    if seed != int(run.seed or 0):
        name += f", seed {seed}"
    elif (step := _untouched(root, run)) is not None:
        return _stopping_alike(root, run, lineage.branch(root, run, step, {}, name, purpose))
    return lineage.replay(root, run, marks=False, seed=seed, name=name, purpose=purpose)


def _untouched(root: Path, run: Run) -> int | None:
    """The step of the state before the first mark, where it is kept and holds nothing of the marks."""
    from gainakt.training import state  # torch

    moves = _moves(root, run)
    step = int(moves[0]["step"]) - 1
    try:
        config = state.read(RunFolder(root, run.run_id).folder, step).config
    except InputError:
        return None
    before = {move["field"]: move["old"] for move in reversed(moves) if move["step"] == step + 1}
    return step if changed(config, before) == config else None


def _stopping_alike(root: Path, run: Run, made: Prepared) -> Prepared:
    folder, config, begin = made
    stops = [mark for mark in lineage.marks_of(_journal(root, run)) if mark[1]["kind"] == "stop"]
    lineage.plan(folder, stops)
    return folder, config, replace(begin, marks=tuple(stops))


def _trained(store: Store, made: Prepared, progress: Callable[[], None]) -> Run:
    folder, config, begin = made

    def stop_when_cancelled(_row: dict[str, Any]) -> None:
        try:
            progress()
        except Cancelled:
            folder.request_stop("user")

    last = execute(folder, config, stop_when_cancelled, begin)
    store.take_in()
    progress()  # a job that was cancelled ends here
    if last["kind"] != "finished":
        raise RunFailed(f"run {folder.run_id} did not finish: {last.get('error') or last['kind']}")
    run, planned = store.run(folder.run_id), [step for step, mark in begin.marks if mark["kind"] == "stop"]
    if run.status == "stopped" and run.step not in [step - 1 for step in planned]:
        raise RunFailed(f"the twin was not compared: run {run.run_id} was {run.reason}; start it again to go on")
    return run


def _moves(root: Path, run: Run) -> list[dict[str, Any]]:
    """The journal's rows of what was steered and still counts, in order."""
    rows = _journal(root, run)
    marks = [(step, mark["field"]) for step, mark in lineage.marks_of(rows) if mark["kind"] == "set"]
    return [
        row
        for row in rows
        if row["kind"] == "changed" and row.get("who") != SCHEDULE and (row["step"], row["field"]) in marks
    ]


def _journal(root: Path, run: Run) -> list[dict[str, Any]]:
    return lineage.journal(RunFolder(root, run.run_id))
