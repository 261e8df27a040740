"""A run is judged by rates that it predicts by: a refit must not do its work."""

from dataclasses import replace

import numpy as np
import pytest

from gainakt.curve_model.fit import Tie, fitted, start
from gainakt.curve_model.predict import log_loss
from gainakt.data.sequences import split_students
from gainakt.simulate import simulate
from gainakt.verdict import equalised as own


@pytest.fixture(scope="module")
def account():
    data = simulate("heterogeneous-truth", 0, students=150)
    split = split_students(data, 0, 0)
    fit = start(len(data.skills), Tie(ability=False))
    fit = fitted(own.of_curve_model(fit, data, split, 200).counts["train"], fit, 15)
    mine = own.of_curve_model(fit, data, split, 200)
    return mine, np.concatenate([log_loss(fit, mine.counts[name]) for name in own.HELD_OUT])


def test_a_fit_carries_what_its_practice_predicts(account):
    mine, actual = account
    assert own.carried(mine, actual) == pytest.approx(1, abs=0.15)


def test_practice_that_the_predictions_do_not_use_is_not_the_runs_own(account):
    mine, actual = account
    faded = {n: replace(part, own=part.own * 1e-3, other=part.other * 1e-3) for n, part in mine.practised.items()}
    constant = np.full_like(actual, np.log(2))
    assert own.carried(replace(mine, practised=faded), constant) < 0.1 < own.carried(mine, actual)
    assert own.carried(mine, actual + 1) < 0
