"""The tests with a run's own preset: it is trained again, free and tied, on halves, and on data without a difference.

Encoder 2 trains alone, in all arms alike: Encoder 1 shares nothing with it and would double the time. Data without the
difference are drawn from the stand-in that is fitted with it tied away.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.config import Config, changed
from gainakt.data.interactions import NO_FOLD, TEST, Interactions
from gainakt.data.sequences import Split, Windows, split_students
from gainakt.differentiation import evidence, standin
from gainakt.differentiation.evidence import QUESTIONS, Evidence, Interval, Null, Question
from gainakt.parametric.counts import Practice, practice_of
from gainakt.parametric.draw import drawn
from gainakt.parametric.fit import fitted, start
from gainakt.parametric.predict import log_loss
from gainakt.parametric.run import restored
from gainakt.training import checkpoints
from gainakt.training.evaluate import predict
from gainakt.training.events import Finished
from gainakt.training.loop import train
from gainakt.training.setup import build, pick_device

Array = NDArray[np.floating]
Done = Callable[[str], None]
REPLICATES = 20
ARMS: dict[Question, tuple[dict[str, Any], dict[str, Any]]] = {
    "skills": ({}, {"model.hidden": "skill"}),
    "response": ({"model.ability": True}, {"model.ability": True, "model.hidden": "response"}),
}
"""What differs from the preset in the free and in the tied arm; for the response both know an ability besides."""


@dataclass(frozen=True)
class Trained:
    """One training: log-loss of each scored test interaction and its student, rates (S,), statistic per question."""

    loss: Array
    student: NDArray[np.integer]
    rate: Array
    statistic: dict[Question, float]


def tests(config: Config, data: Interactions, report: Callable[[float, str], None]) -> dict[Question, Evidence]:
    """All three tests of both questions; `report` hears how far they are."""
    done = standin.counter(report, 6 + 2 * REPLICATES)
    config = alone(config)
    split = split_students(data, config.training.fold, config.training.seed)
    found: dict[Question, Evidence] = {}
    for name, (free_changes, tied_changes) in ARMS.items():
        done(f"{name}: training the free arm")
        free = trained(changed(config, free_changes), data)
        done(f"{name}: training the tied arm")
        tied = trained(changed(config, tied_changes), data)
        gained, again = evidence.by_student(tied.loss - free.loss, free.student), changed(config, free_changes)
        found[name] = Evidence(
            question=name,
            free_minus_tied=gained,
            halves=_halves(config, data, split, done) if name == "skills" else None,
            bootstrap=_bootstrap(again, data, name, free.statistic[name], done) if evidence.above(gained) else None,
            size=free.statistic[name],
        )
    return found


def alone(config: Config) -> Config:
    """The configuration with Encoder 2 trained alone, where nothing of Encoder 1 reaches it."""
    if config.model.kind == "parametric" or config.model.sharing != "apart" or config.weights.distillation:
        return config
    return changed(config, {"regime.alone_epochs": 1000, "regime.alone_from": 1, "regime.encoder1": "removed"})


def trained(config: Config, data: Interactions) -> Trained:
    """Train once and score the test students at Encoder 2's best epoch."""
    with tempfile.TemporaryDirectory(prefix="gainakt-test-") as folder:
        *_, last = train(config, data, folder=Path(folder))
        assert isinstance(last, Finished)
        tensors = checkpoints.load(Path(folder), "encoder2")
    split = split_students(data, config.training.fold, config.training.seed)
    rate = np.array([np.nan if row["effective_rate"] is None else row["effective_rate"] for row in last.skills])
    ratio = last.results["test"]["response_gain_ratio"] or 1.0
    statistic: dict[Question, float] = {
        "skills": last.results["run"]["rate_cv"] or 0.0, "response": abs(float(np.log(max(ratio, 1e-9)))),
    }  # fmt: skip
    if config.model.kind == "parametric":
        seen = practice_of(data, split.test, config.data.window)
        return Trained(log_loss(restored(tensors, config), seen), seen.student[seen.scored], rate, statistic)
    device = pick_device(config.training.device)
    model = build(config, len(data.skills), len(split.train), device)
    model.encoder2.load_state_dict(tensors)
    told = predict(model, Windows(data, split.test, config.data.window, False, device))
    chance = np.clip(told.p2.astype(np.float64), 1e-7, 1 - 1e-7)
    return Trained(-np.log(np.where(told.target > 0, chance, 1 - chance)), told.student, rate, statistic)


def _halves(config: Config, data: Interactions, split: Split, done: Done) -> Interval:
    """Rank agreement of the rates learned from disjoint halves of the training students, with different seeds."""
    first = standin.halved(len(split.train), config.training.seed)
    rates = []
    for number, mine in enumerate((first, ~first)):
        done("skills: training on half of the students")
        seed = config.training.seed + 1000 + number
        half = changed(config, {"training.seed": seed, "training.fold": 0})
        rates.append(trained(half, only(data, replace(split, train=split.train[mine]))).rate)
    return evidence.rank_agreement(*rates)


def only(data: Interactions, split: Split) -> Interactions:
    """The data of these students alone, with the split as given folds: 0 validates, 1 trains."""
    fold = np.full(len(data.students), NO_FOLD, data.fold.dtype)
    fold[split.train], fold[split.validation], fold[split.test] = 1, 0, TEST
    return _rows(replace(data, fold=fold), (fold != NO_FOLD)[data.student])


def _rows(data: Interactions, kept: NDArray[np.bool_]) -> Interactions:
    columns = ("student", "skill", "response", "question", "group")
    some: dict[str, Any] = {name: None if (values := getattr(data, name)) is None else values[kept] for name in columns}
    return replace(data, **some, truth={})


def _bootstrap(config: Config, data: Interactions, question: Question, observed: float, done: Done) -> Null:
    """The statistic beside those of the same configuration, trained on data that were drawn without the difference."""
    seen = practice_of(data, np.arange(len(data.students)), config.data.window)
    tied = fitted(seen, start(len(data.skills), standin.TIES[question]))
    rng = np.random.default_rng([config.training.seed, 4, QUESTIONS.index(question)])
    null: list[float] = []
    while len(null) < REPLICATES and not evidence.hopeless(observed, null, REPLICATES):
        done(f"{question}: training on data simulated without the difference")
        null.append(trained(config, redrawn(data, seen, drawn(tied, seen, rng))).statistic[question])
    return evidence.against(observed, null)


def redrawn(data: Interactions, seen: Practice, new: Practice) -> Interactions:
    """The data with the responses of `new`; where its runs have new lengths, with its interactions alone."""
    if np.array_equal(new.place, seen.place):
        response = data.response.copy()
        response[seen.place] = new.response
        return replace(data, response=response, truth={})
    order = np.argsort(seen.place[seen.start][new.window], kind="stable")  # windows as they stand in the data
    columns = {name: getattr(new, name)[order] for name in ("student", "skill", "response")}
    return replace(data, **columns, question=None, questions=[], truth={})
