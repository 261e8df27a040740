"""The test on the data with a run's own preset: full and restricted models are trained anew, in minutes to hours.

Every student is predicted by trainings that have not seen them. Encoder 2 trains alone: Encoder 1 shares nothing with
it and would double the time. The bootstrap draws its data from the restricted learning-curve model and trains on half
of the students to save time, and so does the training that it is compared with.
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
from gainakt.measures import metrics
from gainakt.training import checkpoints
from gainakt.training.evaluate import predict
from gainakt.training.events import Finished
from gainakt.training.loop import train
from gainakt.training.setup import build, pick_device
from gainakt.verdict.progress import Progress, Steps
from gainakt.verdict.statistics import (
    QUESTIONS,
    Bootstrap,
    DataTest,
    Interval,
    Question,
    above_zero,
    bootstrap_p,
    cannot_pass,
    mean_by_student,
    rank_correlation,
)
from gainakt.verdict.with_curve_model import MOST, TIES

Array = NDArray[np.floating]
FOLDS = 5
REPLICATES = 20
ARMS: dict[Question, tuple[dict[str, Any], dict[str, Any]]] = {
    "skills": ({"model.counts": True}, {"model.counts": True, "model.hidden": "skill"}),
    "response": ({}, {"model.hidden": "response"}),
}
"""What differs from the preset in the full and in the restricted model.

What replaces the hidden input in the restricted model, the full one gets as well: counts of the skill's responses, or
a level of the student (`levelled`), where the preset has none.
"""


@dataclass(frozen=True)
class Trained:
    """One training: log-loss of each scored test interaction and its student, rates (S,), effect size by question."""

    loss: Array
    student: NDArray[np.integer]
    rate: Array
    size: dict[Question, float]


def data_tests(config: Config, data: Interactions, progress: Progress) -> dict[Question, DataTest]:
    """The test on the data for both questions; raises InputError where the encoders share parameters."""
    step = Steps(progress, 4 * FOLDS + 2 + 2 * (1 + REPLICATES))
    config, folds = alone(config), dealt(data, FOLDS, config.training.seed)
    halves = dealt(data, 2, config.training.seed)
    tests: dict[Question, DataTest] = {}
    for question, (full_changes, restricted_changes) in ARMS.items():
        arm = levelled(config) if question == "response" else config
        full_config, restricted_config = changed(arm, full_changes), changed(arm, restricted_changes)
        full, restricted = [], []
        for fold in folds:
            step(f"training the full model ({question})")
            full.append(trained(full_config, fold, step.go_on))
            step(f"training the restricted model ({question})")
            restricted.append(trained(restricted_config, fold, step.go_on))
        rise = _over_full([training.loss for training in restricted], full)
        tests[question] = DataTest(
            question=question,
            free_minus_tied=rise,
            halves=_split_half(full_config, halves, step) if question == "skills" else None,
            bootstrap=_bootstrap(full_config, halves[0], question, step) if above_zero(rise) else None,
            rival_minus_free=_rise_of_bkt(full_config, folds, full) if question == "response" else None,
            size=float(np.mean([training.size[question] for training in full])),
        )
    return tests


def levelled(config: Config) -> Config:
    """The configuration with a level apart from the gains: its own, else one of the student."""
    return config if config.model.level != "none" else changed(config, {"model.level": "student"})


def dealt(data: Interactions, parts: int, seed: int) -> list[Interactions]:
    """The data so many times, each with another part of the students as given test students."""
    part = np.random.default_rng([seed, 2]).permutation(len(data.students)) % parts
    return [
        replace(data, fold=np.where(part == number, TEST, NO_FOLD).astype(data.fold.dtype)) for number in range(parts)
    ]


def _over_full(losses: Sequence[Array], full: Sequence[Trained]) -> Interval:
    """These log-losses minus those of the full models, over all students."""
    of_full, student = (np.concatenate([getattr(one, name) for one in full]) for name in ("loss", "student"))
    return mean_by_student(np.concatenate(losses) - of_full, student)


def _rise_of_bkt(config: Config, folds: Sequence[Interactions], full: Sequence[Trained]) -> Interval:
    """Held-out log-loss of BKT minus that of the full models."""
    losses = []
    for data in folds:
        train, test = (
            practice_of(data, np.nonzero(data.fold == part)[0], config.data.window) for part in (NO_FOLD, TEST)
        )
        losses.append(loss_of(predicted_bkt(fitted_bkt(train, len(data.skills)), test), test))
    return _over_full(losses, full)


def alone(config: Config) -> Config:
    """The configuration with Encoder 2 trained alone, where nothing of Encoder 1 reaches it."""
    if config.model.kind == "parametric":
        return config
    if config.model.sharing != "apart":
        raise InputError(
            f"model.sharing: {config.model.sharing}: encoders that share parameters would see what these tests hide"
            " from Encoder 2; test this run with the learning-curve model (--with curve-model on the command line), or"
            " a run with model.sharing=apart"
        )
    if config.weights.distillation:
        return config
    return changed(config, {"regime.alone_epochs": 1000, "regime.alone_from": 1, "regime.encoder1": "removed"})


def trained(config: Config, data: Interactions, requests: Callable[[], list[Any]] = list) -> Trained:
    """Train once and score the test students at Encoder 2's best epoch; `requests` is called at each step."""
    with tempfile.TemporaryDirectory(prefix="gainakt-test-") as folder:
        *_, last = train(config, data, requests, Path(folder), keep=0)
        assert isinstance(last, Finished)
        tensors = checkpoints.load(Path(folder), "encoder2")
    split = split_students(data, config.training.fold, config.training.seed)
    rate = metrics.column(last.skills, "effective_rate")
    gain_ratio = last.results["test"]["response_gain_ratio"] or 1.0
    size: dict[Question, float] = {
        "skills": last.results["run"]["rate_cv"] or 0.0,
        "response": abs(float(np.log(max(gain_ratio, 1e-9)))),
    }
    if config.model.kind == "parametric":
        practice = practice_of(data, split.test, config.data.window)
        loss = log_loss(restored(tensors, config), practice)
        return Trained(loss, practice.student[practice.scored], rate, size)
    device = pick_device(config.training.device)
    model = build(config, len(data.skills), len(split.train), device)
    model.encoder2.load_state_dict(tensors)
    predictions = predict(model, Windows(data, split.test, config.data.window, False, device))
    return Trained(metrics.log_losses(predictions.target, predictions.p2), predictions.student, rate, size)


def _split_half(config: Config, halves: Sequence[Interactions], step: Steps) -> Interval:
    """Split-half correlation of rates, learned from disjoint halves of the students with different seeds."""
    rates = []
    for number, half in enumerate(halves):
        step("training on half of the students (skills)")
        rates.append(trained(changed(config, {"training.seed": config.training.seed + number}), half, step.go_on).rate)
    return rank_correlation(*rates)


def _bootstrap(config: Config, data: Interactions, question: Question, step: Steps) -> Bootstrap:
    """The effect size beside those of the same configuration, trained on data drawn from the restricted model."""
    step(f"training on half of the students ({question})")
    observed = trained(config, data, step.go_on).size[question]
    practice = practice_of(data, np.arange(len(data.students)), config.data.window)
    tie = replace(TIES[question], level=levelled(config).model.level)
    practice_to_fit = practice.some(MOST[tie.level][0], np.random.default_rng([config.training.seed, 6]))
    restricted = fitted(practice_to_fit, start(len(data.skills), tie))
    rng = np.random.default_rng([config.training.seed, 4, QUESTIONS.index(question)])
    null: list[float] = []
    while len(null) < REPLICATES and not cannot_pass(observed, null, REPLICATES):
        step(f"bootstrap: training on data simulated without the difference ({question})")
        new = redrawn(data, practice, drawn(restricted, practice, rng))
        null.append(trained(config, new, step.go_on).size[question])
    return bootstrap_p(observed, null)


def redrawn(data: Interactions, practice: Practice, new: Practice) -> Interactions:
    """The data with the responses of `new`; where its windows have other lengths, its interactions alone."""
    if np.array_equal(new.place, practice.place):
        response = data.response.copy()
        response[practice.place] = new.response
        return replace(data, response=response, truth={})
    order = np.argsort(practice.place[practice.start][new.window], kind="stable")  # windows as they stand in the data
    columns = {name: getattr(new, name)[order] for name in ("student", "skill", "response")}
    return replace(data, **columns, question=None, questions=[], truth={})
