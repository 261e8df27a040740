"""What a data set shows of learning: fits made once for a state of the files, kept for pages, in turns with trainings.

`study` fits AFM, BKT and the learning-curve model; `examine` compares KC models and looks for what does not fit.
"""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from gainakt.analysis.compare import predictions
from gainakt.analysis.learning import curves, items, mastery, practice, skill_models, splits, students
from gainakt.analysis.learning.afm import Afm, chances, fitted
from gainakt.analysis.learning.curves import Thresholds
from gainakt.analysis.learning.mastery import Chain
from gainakt.analysis.learning.observations import Array, Observations, observations, response_of
from gainakt.analysis.learning.report import Findings
from gainakt.config import DataConfig
from gainakt.data.interactions import Interactions
from gainakt.datasets.load import load
from gainakt.datasets.report import stamp
from gainakt.errors import InputError
from gainakt.store import Run, RunFolder
from gainakt.verdict.progress import Progress

if TYPE_CHECKING:
    from gainakt.curve_model.counts import Practice
    from gainakt.curve_model.fit import Fit

FITS = {"afm": "AFM", "bkt": "BKT", "curve": "Learning-curve model"}
_KEPT = 4
LARGEST = 4000
"""Students to whom the learning-curve model is fitted, of whom there may be many more: it takes most of the time."""
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Study:
    """A data set and its fits: `seen` and `afm`; BKT as `chain` with P(known) before each interaction (N,); the
    learning-curve model's rates (S,); and `chances` of a correct response by fit (N,), NaN where it has none."""

    key: str
    data: Interactions
    seen: Observations
    afm: Afm
    chain: Chain
    known: Array
    rate: Array
    chances: dict[str, Array]


@dataclass(frozen=True)
class Examined:
    """The KC models compared; items, splits and mergers of the one that is read, None where the data do not allow it,
    for the reason in `missing`."""

    models: pd.DataFrame
    items: pd.DataFrame | None
    splits: pd.DataFrame | None
    merges: pd.DataFrame | None
    missing: str


_studies: OrderedDict[str, Study] = OrderedDict()
_examined: OrderedDict[str, Examined] = OrderedDict()
_lock = Lock()


def key_of(config: DataConfig) -> str:
    """What tells these data, in this state of their files and read so, from others; raises InputError."""
    # the window and the split of a training change nothing here
    read_as = config.model_copy(update={"window": DataConfig().window, "split": "given"})
    return hashlib.sha256(f"{read_as.model_dump_json()}{stamp(config)}".encode()).hexdigest()[:16]


def found(config: DataConfig) -> Study | None:
    """The study of these data, if it has been made."""
    with _lock:
        return _studies.get(key_of(config))


def found_examined(config: DataConfig) -> Examined | None:
    """What `examine` found of these data, if it has been asked."""
    with _lock:
        return _examined.get(key_of(config))


def study(config: DataConfig, progress: Progress) -> Study:
    """Read the data and fit the models; raises InputError."""
    if done := found(config):
        return done
    key = key_of(config)
    progress(0.0, "Reading the data")
    data = load(config)
    progress(0.1, f"Fitting AFM to {len(data):,} interactions")
    seen = observations(data)
    afm = fitted(seen)
    made = {"afm": chances(afm, seen)[response_of(data)]}
    bkt, rate = _of_curves(data, made, progress)
    known, chain = bkt
    made_study = Study(key, data, seen, afm, chain, known, rate, made)
    _keep(_studies, key, made_study)
    return made_study


def _of_curves(data: Interactions, made: dict[str, Array], progress: Progress) -> tuple[tuple[Array, Chain], Array]:
    """BKT and the learning-curve model over whole sequences: P(known) with BKT's numbers, and the rates.

    Students with one interaction are not fitted: what is known of them is what is known of a skill at first.
    """
    from gainakt.curve_model.bkt import fitted_bkt, known_bkt
    from gainakt.curve_model.counts import practice_of
    from gainakt.curve_model.predict import predicted

    longest = max(2, int(np.bincount(data.student, minlength=1).max()))
    whole, skills = practice_of(data, np.arange(len(data.students)), longest), len(data.skills)
    progress(0.25, "Fitting BKT")
    bkt = fitted_bkt(whole, skills)
    chain = Chain(bkt.known, bkt.learn, bkt.guess, bkt.slip)
    known = chain.known[data.skill]
    known[whole.place] = known_bkt(bkt, whole)
    made["bkt"] = known * (1 - chain.slip[data.skill]) + (1 - known) * chain.guess[data.skill]
    some = practice_of(data, np.arange(0, len(data.students), -(-len(data.students) // LARGEST)), longest)
    curve = _curve(some, skills, progress)
    made["curve"] = np.full(len(data), np.nan)
    made["curve"][whole.place] = predicted(curve, whole).chance
    return (known, chain), curve.rate


def _curve(practice: "Practice", skills: int, progress: Progress) -> "Fit":
    """The learning-curve model of these responses; says how long it takes at most."""
    from gainakt.curve_model.fit import Tie, fitting, start

    fit, most, begun = start(skills, Tie()), 60, time.monotonic()
    for step in fitting(practice, fit, most):
        fit = step
        left = (time.monotonic() - begun) / fit.iterations * (most - fit.iterations)
        done = 0.45 + 0.5 * fit.iterations / most
        progress(done, f"Fitting the learning-curve model: at most {left:,.0f} s left")
    return fit


def findings(of: Study, examined: Examined | None, threshold: float, thresholds: Thresholds) -> Findings:
    """All that a report says of a study, at a threshold of mastery and with the thresholds of the categories."""
    table = curves.curves(of.data, of.chances)
    waits = mastery.waiting(of.chain, threshold)
    pairs = mastery.courses(of.data, of.chain, of.known, waits)
    kinds = curves.categories(table, of.afm.slope, thresholds)
    parts = ("models", "items", "splits", "merges")
    return Findings(
        name=of.data.name,
        summary=of.data.summary(),
        notes=of.data.warnings,
        threshold=threshold,
        skills=skill_table(of, table).assign(kind=kinds),
        students=students.students(of.data, pairs, of.afm),
        practice=practice.practice(of.data.skills, of.chain, waits, pairs),
        **({name: getattr(examined, name) for name in parts} if examined else {}),
    )


def skill_table(of: Study, table: pd.DataFrame) -> pd.DataFrame:
    """A row per skill: what its curve says (of `curves.curves`), and the rates of all fits."""
    return curves.skills(of.data, table, of.afm).assign(learn=of.chain.learn, rate=of.rate)


def encoder2(run: Run, root: Path, data: Interactions) -> Array:
    """Encoder 2's probability of a correct response (N,), NaN except for the run's test students.

    Raises InputError where the run has other data, or has kept no predictions of Encoder 2.
    """
    if run.data_fingerprint != data.fingerprint:
        raise InputError(f"run {run.run_id} was trained on other data, or on these data read otherwise")
    kept = predictions.read(RunFolder(root, run.run_id).folder)
    if "encoder2" not in kept:
        raise InputError(f"run {run.run_id} has kept no predictions of Encoder 2")
    chance = np.full(len(data), np.nan)
    chance[kept["position"]] = kept["encoder2"]
    return chance


def examine(config: DataConfig, progress: Progress) -> Examined:
    """Compare the file's KC models, and look at the items and skills of the one that is read; raises InputError."""
    if done := found_examined(config):
        return done
    of = study(config, lambda done, says: progress(done / 3, says))
    names = [str(one["name"]) for one in of.data.skill_models] or [""]
    rows = []
    for number, name in enumerate(names):
        progress(0.35 + 0.4 * number / len(names), f"KC model {number + 1} of {len(names)}")
        seen = observations(load(config.model_copy(update={"skill_model": name}))) if len(names) > 1 else of.seen
        rows.append(skill_models.compared(name or "as read", seen))
    progress(0.75, "Looking for items that do not fit")
    made = _candidates(of, skill_models.comparison(rows), progress)
    _keep(_examined, of.key, made)
    return made


def _candidates(of: Study, models: pd.DataFrame, progress: Progress) -> Examined:
    data, missing = of.data, ""
    if data.group is not None:
        missing = (
            "questions are read with a row for each of their skills; read them with several skills joined to see which"
            " items and skills do not fit"
        )
        return Examined(models, None, None, None, missing)
    progress(0.85, "Looking for skills to merge")
    merges = splits.merges(data, of.seen, of.afm)
    if data.question is None:
        missing = (
            "the data name no questions, so items cannot be told apart; name their column on the page Data"
            " (data.question_column)"
        )
        return Examined(models, None, None, merges, missing)
    return Examined(models, items.misfits(data, of.seen, of.afm), splits.splits(data, of.seen, of.afm), merges, missing)


def _keep(where: OrderedDict[str, _Made], key: str, made: _Made) -> None:
    with _lock:
        where[key] = made
        while len(where) > _KEPT:
            where.popitem(last=False)
