"""Responses drawn from a stand-in: on fixed sequences, or under the rule by which the data stop."""

from dataclasses import replace

import numpy as np
import pytest

from gainakt.curve_model.counts import Practice, practice_of
from gainakt.curve_model.draw import drawn, stopping
from gainakt.curve_model.fit import Fit, Tie, fitted, start
from gainakt.simulate import simulate


def practice(**changes: object) -> Practice:
    return practice_of(simulate("demo", 0, students=300, **changes), np.arange(300), 200)


def model(seen: Practice) -> Fit:
    return fitted(seen, start(12, Tie(skills=True)), 8)


@pytest.mark.parametrize(("rule", "stops"), [("blocked", False), ("interleaved", False), ("until_correct", True)])
def test_a_stopping_rule_is_seen(rule: str, stops: bool) -> None:
    assert stopping(practice(sequencing=rule)).stops == stops


def test_on_fixed_sequences_only_responses_change() -> None:
    seen = practice()
    new = drawn(model(seen), seen, np.random.default_rng(0))
    assert (new.skill == seen.skill).all() and (new.window == seen.window).all() and (new.place == seen.place).all()
    assert 0.2 < (new.response != seen.response).mean() < 0.6
    assert new.response.mean() == pytest.approx(seen.response.mean(), abs=0.03)
    assert new.own.sum() == seen.own.sum() and (new.own != seen.own).any()


def test_runs_get_the_lengths_that_the_rule_gives_them() -> None:
    seen = practice(sequencing="until_correct", most_attempts=8)
    new = drawn(model(seen), seen, np.random.default_rng(0))
    rule = stopping(new)
    assert rule.share > 0.95 and len(new) == pytest.approx(len(seen), rel=0.15)
    assert (new.skill[new.start] == seen.skill[seen.start]).all()
    again = drawn(model(seen), seen, np.random.default_rng(0))
    assert (again.response == new.response).all() and not np.array_equal(new.skill, seen.skill)


def test_rows_of_one_question_are_answered_alike() -> None:
    seen = practice()
    since = np.where((np.arange(len(seen)) % 2 == 1) & seen.scored, np.arange(len(seen)) - 1, np.arange(len(seen)))
    new = drawn(model(seen), replace(seen, since=since), np.random.default_rng(0))
    assert (new.response == new.response[since]).all()
