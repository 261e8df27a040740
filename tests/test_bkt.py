"""Knowledge tracing by EM: it finds what a simulated class was made with, and sees no answer before it is given."""

from dataclasses import replace

import numpy as np
import pytest

from gainakt.curve_model import bkt
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.simulate import simulate

STUDENTS = np.arange(800)


@pytest.fixture(scope="module")
def seen() -> Practice:
    return practice_of(simulate("bkt-truth", 0, students=800, skills=10), STUDENTS, 200)


def test_the_truth_is_found(seen: Practice) -> None:
    truth = simulate("bkt-truth", 0, students=800, skills=10).truth
    found = bkt.fitted_bkt(seen, 10)
    assert np.corrcoef(found.learn, 1 - np.exp(-truth["rate"]))[0, 1] > 0.9
    assert np.corrcoef(found.known, 1 / (1 + np.exp(truth["offset"])))[0, 1] > 0.9
    assert found.guess.mean() == pytest.approx(0.2, abs=0.03) and found.slip.mean() == pytest.approx(0.1, abs=0.03)


def test_no_step_of_em_lowers_the_likelihood(seen: Practice) -> None:
    data = bkt._Sequences.of(seen)
    model, told = bkt.Bkt(*(np.full(10, value) for value in bkt.START)), []
    for _ in range(12):
        model, likelihood = bkt._improved(model, data)
        told.append(likelihood)
    assert (np.diff(told) > -0.5).all() and told[-1] > told[0] + 100


def test_the_likelihood_is_that_of_the_predictions(seen: Practice) -> None:
    model = bkt.Bkt(*(np.random.default_rng(0).uniform(0.1, 0.4, 10) for _ in range(4)))
    _, likelihood = bkt._improved(model, bkt._Sequences.of(seen))
    chance = bkt.predicted_bkt(model, seen)
    assert likelihood == pytest.approx(np.log(np.where(seen.response > 0, chance, 1 - chance)).sum())


def test_an_answer_changes_only_later_predictions_of_its_student_and_skill(seen: Practice) -> None:
    model = bkt.fitted_bkt(seen, 10)
    at = int(seen.start[3]) + 1
    other = seen.response.copy()
    other[at] ^= 1
    moved = np.flatnonzero(bkt.predicted_bkt(model, seen) != bkt.predicted_bkt(model, replace(seen, response=other)))
    assert moved.size and moved.min() > at and (seen.window[moved] == 3).all()
    assert (seen.skill[moved] == seen.skill[at]).all()
