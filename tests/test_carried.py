"""Information used: a run is judged by rates that it predicts by, and refitting its practice must not do its work."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gainakt.curve_model.fit import Tie, fitted, start
from gainakt.curve_model.predict import log_loss
from gainakt.data.sequences import Windows, split_students
from gainakt.measures.metrics import column, log_losses
from gainakt.simulate import simulate
from gainakt.training import checkpoints
from gainakt.training.evaluate import predict
from gainakt.training.loop import train
from gainakt.training.setup import build
from gainakt.verdict.run_practice import (
    HELD_OUT,
    SPLITS,
    information_used,
    losses_without_practice,
    of_curve_model,
    of_model,
)


@pytest.fixture(scope="module")
def fitted_run():
    """What a fitted learning-curve model counts as practice, and the log-loss of its own held-out predictions."""
    data = simulate("heterogeneous-truth", 0, students=150)
    split = split_students(data, 0, 0)
    fit = start(len(data.skills), Tie(level="none"))
    fit = fitted(of_curve_model(fit, data, split, 200).counts["train"], fit, 15)
    practice = of_curve_model(fit, data, split, 200)
    return practice, np.concatenate([log_loss(fit, practice.counts[name]) for name in HELD_OUT])


def test_a_fit_uses_the_information_in_its_practice(fitted_run):
    practice, actual = fitted_run
    assert information_used(practice, actual) == pytest.approx(1, abs=0.15)


def test_practice_that_the_predictions_do_not_use_is_not_counted(fitted_run):
    practice, actual = fitted_run
    faded = {n: replace(part, own=part.own * 1e-3, other=part.other * 1e-3) for n, part in practice.practised.items()}
    constant = np.full_like(actual, np.log(2))
    assert information_used(replace(practice, practised=faded), constant) < 0.1 < information_used(practice, actual)
    assert information_used(practice, actual + 1) < 0


def test_of_a_run_with_a_level_only_what_its_practice_adds_counts(tiny, tmp_path):
    config = tiny({"data.window": 60, "training.max_epochs": 12, "training.learning_rate": 0.01}, "corrected")
    data = simulate("heterogeneous-truth", 0, students=150, skills=12)
    events = list(train(config, data, list, tmp_path))
    split = split_students(data, config.training.fold, config.training.seed)
    model = build(config, len(data.skills), len(split.train), torch.device("cpu"))
    model.encoder2.load_state_dict(checkpoints.load(tmp_path, "encoder2"))
    windows = {n: Windows(data, getattr(split, n), 60, n == "train", torch.device("cpu")) for n in SPLITS}
    rate = column(events[-1].skills, "effective_rate")

    def used() -> float:
        run = of_model(model, data, split, windows, rate)
        predictions = [predict(model, windows[name]) for name in HELD_OUT]
        actual = np.concatenate([log_losses(part.target, part.p2) for part in predictions])
        return information_used(run, actual, losses_without_practice(model, run, windows))

    assert used() > 0.5
    with torch.no_grad():
        model.encoder2.gains.skill_logits().fill_(-12.0)
    assert used() < 0.2
