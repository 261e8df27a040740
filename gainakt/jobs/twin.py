"""The unsteered twin: what a steered run would have been if nobody had touched it, and what the steering did.

The twin goes on from the state before the first mark. With more seeds the whole experiment is repeated, steered and
unsteered, so that the effect has an interval.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from gainakt.config import Config
from gainakt.errors import InputError, RunFailed
from gainakt.jobs import lineage
from gainakt.jobs.lineage import Beginning
from gainakt.jobs.service import execute
from gainakt.store import Run, RunFolder, Store
from gainakt.store.facts import results_of
from gainakt.verdict.progress import Progress

MEASURES = {"gain_std": "test", "encoder1_auc": "test", "encoder2_auc": "test", "response_gain_ratio": "test",
            "skill_gain_cv": "test", "rate_cv": "run"}  # fmt: skip
"""Measure whose change is told -> the split that it is read from."""
LEVEL = 0.95


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

    Raises InputError where the run was never steered, RunFailed where one of the trainings does not end well.
    """
    if not [mark for _, mark in lineage.marks_of(_journal(root, run)) if mark["kind"] == "set"]:
        raise InputError(f"run {run.run_id} was not steered, so it is its own twin")
    with Store.open(":memory:", runs=root) as store:
        store.take_in()
        pairs = []
        units = 2 * seeds - 1
        for number in range(seeds):
            seed = int(run.seed or 0) + number
            done = max(0, 2 * number - 1)
            steered = run
            if number:
                progress(done / units, f"seed {seed}: the steered run again")
                steered = _known(store, run, seed, True) or _trained(store, root, _steered(root, run, seed))
                done += 1
            progress(done / units, f"seed {seed}: the unsteered twin")
            unsteered = _known(store, run, seed, False) or _trained(store, root, _unsteered(root, run, seed))
            pairs.append(Pair(seed, steered.run_id, unsteered.run_id))
        return pairs, list(effects(store, pairs))


def effects(store: Store, pairs: list[Pair]) -> Iterator[Effect]:
    """What the steering did to each measure, from runs that have ended."""
    results = results_of(store, [run_id for pair in pairs for run_id in (pair.steered, pair.unsteered)])
    for name, split in MEASURES.items():
        values = [
            [results.get(run_id, {}).get(split, {}).get(name) for run_id in (pair.steered, pair.unsteered)]
            for pair in pairs
        ]
        known = np.array([pair for pair in values if None not in pair], dtype=np.float64).reshape(-1, 2)
        yield _effect(name, known)


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
    return {"run_id": run.run_id, "pairs": [asdict(pair) for pair in pairs],
            "effects": {effect.measure: asdict(effect) for effect in found}}  # fmt: skip


def pairs_of(store: Store, run: Run) -> list[Pair]:
    """The pairs of a run that have ended, by seed."""
    kin: dict[int, dict[bool, str]] = {int(run.seed or 0): {True: run.run_id}}
    for one in store.kin(run.run_id):
        if one.status in ("finished", "stopped") and "twin" in one.lineage:
            kin.setdefault(int(one.seed or 0), {})[bool(one.lineage.get("steered"))] = one.run_id
    return [Pair(seed, ids[True], ids[False]) for seed, ids in sorted(kin.items()) if len(ids) == 2]


def _known(store: Store, run: Run, seed: int, steered: bool) -> Run | None:
    for one in store.kin(run.run_id):
        fits = one.lineage.get("twin") == run.run_id and one.seed == seed
        if fits and bool(one.lineage.get("steered")) == steered and one.status in ("finished", "stopped"):
            return one
    return None


def _steered(root: Path, run: Run, seed: int) -> tuple[RunFolder, Config, Beginning]:
    purpose = {"twin": run.run_id, "steered": True}
    return lineage.replay(root, run, seed=seed, name=f"{run.name}, seed {seed}", purpose=purpose)


def _unsteered(root: Path, run: Run, seed: int) -> tuple[RunFolder, Config, Beginning]:
    """From the state before the first mark where it is kept; else from the start, which gives the same bits."""
    purpose, name = {"twin": run.run_id, "steered": False}, f"{run.name}, unsteered"
    if seed != (run.seed or 0):
        return lineage.replay(root, run, marks=False, seed=seed, name=f"{name}, seed {seed}", purpose=purpose)
    first = min(step for step, mark in lineage.marks_of(_journal(root, run)) if mark["kind"] == "set")
    try:
        return lineage.branch(root, run, first - 1, {}, name, purpose)
    except InputError:  # its states are gone
        return lineage.replay(root, run, marks=False, name=name, purpose=purpose)


def _trained(store: Store, root: Path, made: tuple[RunFolder, Config, Beginning]) -> Run:
    folder, config, begin = made
    last = execute(folder, config, begin=begin)
    store.take_in()
    if last["kind"] != "finished":
        raise RunFailed(f"run {folder.run_id} did not finish: {last.get('error') or last['kind']}")
    return store.run(folder.run_id)


def _journal(root: Path, run: Run) -> list[dict[str, Any]]:
    return lineage.journal(RunFolder(root, run.run_id))
