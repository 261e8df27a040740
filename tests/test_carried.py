"""Information used: a run is judged by rates that it predicts by, and refitting its practice must not do its work."""

from dataclasses import replace

import numpy as np
import pytest

from gainakt.curve_model.fit import Tie, fitted, start
from gainakt.curve_model.predict import log_loss
from gainakt.data.sequences import split_students
from gainakt.simulate import simulate
from gainakt.verdict.run_practice import HELD_OUT, information_used, of_curve_model


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
