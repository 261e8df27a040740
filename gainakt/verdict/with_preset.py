"""The tests with a run's own preset: it is trained again, free and tied, and on data without a difference.

All students are scored, each by trainings that have not seen them. Encoder 2 trains alone, in all arms alike: Encoder 1
shares nothing with it and would double the time. Data without the difference are drawn from the stand-in that is fitted
with it tied away; to save time they train on half of the students, and so does what they are compared with.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.config import Config, changed
from gainakt.curve_model.bkt import fitted_bkt, predicted_bkt
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.curve_model.draw import drawn
from gainakt.curve_model.fit import fitted, start
from gainakt.curve_model.predict import log_loss, loss_of
from gainakt.curve_model.stored import restored
from gainakt.data.interactions import NO_FOLD, TEST, Interactions
from gainakt.data.sequences import Windows, split_students
from gainakt.errors import InputError
from gainakt.training import checkpoints
from gainakt.training.evaluate import predict
from gainakt.training.events import Finished
from gainakt.training.loop import train
from gainakt.training.setup import build, pick_device
from gainakt.verdict import evidence
from gainakt.verdict import with_curve_model as standin
from gainakt.verdict.evidence import QUESTIONS, Evidence, Interval, Null, Question

Array = NDArray[np.floating]
Done = standin.Steps
FOLDS = 5
REPLICATES = 20
ARMS: dict[Question, tuple[dict[str, Any], dict[str, Any]]] = {
    "skills": ({"model.counts": True}, {"model.counts": True, "model.hidden": "skill"}),
    "response": ({"model.ability": True}, {"model.ability": True, "model.hidden": "response"}),
}
"""What differs from the preset in the free and in the tied arm.

What stands in for the hidden in the tied arm the free one is told as well: counts of the skill's responses, an ability.
"""


@dataclass(frozen=True)
class Trained:
    """One training: log-loss of each scored test interaction and its student, rates (S,), statistic per question."""

    loss: Array
    student: NDArray[np.integer]
    rate: Array
    statistic: dict[Question, float]


def tests(config: Config, data: Interactions, report: Callable[[float, str], None]) -> dict[Question, Evidence]:
    """All three tests of both questions; `report` hears how far they are.

    Raises InputError where the encoders share parameters.
    """
    done = standin.Steps(report, 4 * FOLDS + 2 + 2 * (1 + REPLICATES))
    config, folds = alone(config), dealt(data, FOLDS, config.training.seed)
    halves = dealt(data, 2, config.training.seed)
    found: dict[Question, Evidence] = {}
    for name, (free_changes, tied_changes) in ARMS.items():
        mine, free, tied = changed(config, free_changes), [], []
        for fold in folds:
            done(f"{name}: training the free arm")
            free.append(trained(mine, fold, done.go_on))
            done(f"{name}: training the tied arm")
            tied.append(trained(changed(config, tied_changes), fold, done.go_on))
        gained = _compared([run.loss for run in tied], free)
        found[name] = Evidence(
            question=name,
            free_minus_tied=gained,
            halves=_agreement(mine, halves, done) if name == "skills" else None,
            bootstrap=_bootstrap(mine, halves[0], name, done) if evidence.above(gained) else None,
            rival_minus_free=_beyond_rival(mine, folds, free) if name == "response" else None,
            size=float(np.mean([run.statistic[name] for run in free])),
        )
    return found


def dealt(data: Interactions, parts: int, seed: int) -> list[Interactions]:
    """The data so many times, each with another part of the students as given test students."""
    part = np.random.default_rng([seed, 2]).permutation(len(data.students)) % parts
    return [
        replace(data, fold=np.where(part == number, TEST, NO_FOLD).astype(data.fold.dtype)) for number in range(parts)
    ]


def _compared(lost: Sequence[Array], free: Sequence[Trained]) -> Interval:
    """Log-loss of others minus that of the free arms, over all students."""
    ours, student = (np.concatenate([getattr(run, name) for run in free]) for name in ("loss", "student"))
    return evidence.by_student(np.concatenate(lost) - ours, student)


def _beyond_rival(config: Config, folds: Sequence[Interactions], free: Sequence[Trained]) -> Interval:
    """The same of knowledge tracing with a hidden state."""
    lost = []
    for data in folds:
        learned, tested = (
            practice_of(data, np.nonzero(data.fold == part)[0], config.data.window) for part in (NO_FOLD, TEST)
        )
        lost.append(loss_of(predicted_bkt(fitted_bkt(learned, len(data.skills)), tested), tested))
    return _compared(lost, free)


def alone(config: Config) -> Config:
    """The configuration with Encoder 2 trained alone, where nothing of Encoder 1 reaches it."""
    if config.model.kind == "parametric":
        return config
    if config.model.sharing != "apart":
        raise InputError(
            f"model.sharing: {config.model.sharing}: what these tests hide from Encoder 2 a shared encoder would still"
            " see; test this run with the stand-in, or one with model.sharing=apart"
        )
    if config.weights.distillation:
        return config
    return changed(config, {"regime.alone_epochs": 1000, "regime.alone_from": 1, "regime.encoder1": "removed"})


def trained(config: Config, data: Interactions, requests: Callable[[], list[Any]] = list) -> Trained:
    """Train once and score the test students at Encoder 2's best epoch; `requests` is called at each step."""
    with tempfile.TemporaryDirectory(prefix="gainakt-test-") as folder:
        *_, last = train(config, data, requests, Path(folder))
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


def _agreement(config: Config, halves: Sequence[Interactions], done: Done) -> Interval:
    """Rank agreement of the rates learned from disjoint halves of the students, with different seeds."""
    rates = []
    for number, half in enumerate(halves):
        done("skills: training on half of the students")
        rates.append(trained(changed(config, {"training.seed": config.training.seed + number}), half, done.go_on).rate)
    return evidence.rank_agreement(*rates)


def _bootstrap(config: Config, data: Interactions, question: Question, done: Done) -> Null:
    """The statistic beside those of the same configuration, trained on data that were drawn without the difference."""
    done(f"{question}: training on half of the students")
    observed = trained(config, data, done.go_on).statistic[question]
    seen = practice_of(data, np.arange(len(data.students)), config.data.window)
    tied = fitted(seen, start(len(data.skills), standin.TIES[question]))
    rng = np.random.default_rng([config.training.seed, 4, QUESTIONS.index(question)])
    null: list[float] = []
    while len(null) < REPLICATES and not evidence.hopeless(observed, null, REPLICATES):
        done(f"{question}: training on data simulated without the difference")
        new = redrawn(data, seen, drawn(tied, seen, rng))
        null.append(trained(config, new, done.go_on).statistic[question])
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
