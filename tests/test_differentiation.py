"""The tests of differentiation: statistics, decision rule, the test on data with and without differences, on a run."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gainakt.config import Config, changed
from gainakt.config.presets import preset
from gainakt.curve_model.counts import practice_of
from gainakt.curve_model.fit import Tie, fitted, start
from gainakt.data.interactions import NO_FOLD, TEST, Interactions
from gainakt.data.sequences import Windows, split_students
from gainakt.datasets.load import load
from gainakt.errors import InputError
from gainakt.jobs.service import execute, queue_run
from gainakt.model import arms
from gainakt.simulate import simulate
from gainakt.store import Store
from gainakt.training.setup import build
from gainakt.verdict import run_practice, statistics, with_curve_model, with_preset
from gainakt.verdict.run_practice import RunPractice
from gainakt.verdict.statistics import UNKNOWN, Bootstrap, DataTest, Interval
from gainakt.verdict.testing import both_tests

UP, ZERO, DOWN = Interval(2.0, 1.0, 3.0), Interval(0.5, -1.0, 2.0), Interval(-2.0, -3.0, -1.0)
RARE, COMMON = Bootstrap(1 / 21, 20, 1.0, []), Bootstrap(0.5, 20, 1.0, [])


def quiet(done: float, says: str) -> None:
    assert 0 <= done <= 1 and says


@pytest.mark.parametrize(
    ("question", "tied", "halves", "bootstrap", "decision"),
    [
        ("skills", UP, UP, RARE, "pass"),
        ("skills", ZERO, UP, RARE, "noise"),
        ("skills", DOWN, UP, RARE, "noise"),
        ("skills", UP, ZERO, RARE, "noise"),
        ("skills", UP, UP, COMMON, "noise"),
        ("skills", UP, None, RARE, "untested"),
        ("skills", ZERO, None, RARE, "untested"),
        ("skills", UP, UP, None, "untested"),
        ("skills", ZERO, UP, None, "noise"),
        ("response", ZERO, None, None, "noise"),
        ("skills", UP, UNKNOWN, RARE, "noise"),
        ("response", UP, None, RARE, "pass"),
        ("response", UP, None, COMMON, "noise"),
        ("response", ZERO, None, RARE, "noise"),
    ],
)
def test_the_decision_rule(question, tied, halves, bootstrap, decision):
    found = DataTest(question, tied, halves, bootstrap)
    assert found.decision == decision
    told = json.loads(json.dumps(found.as_json()))
    assert told["decision"] == decision and set(told["free_minus_tied"]) == {"value", "low", "high"}
    assert halves is None or set(told["halves"]) >= {"r", "low", "high"}
    assert bootstrap is None or set(told["bootstrap"]) >= {"p", "n", "statistic"}


def test_the_response_has_to_beat_the_rival():
    assert DataTest("response", UP, None, RARE, UP).decision == "pass"
    assert DataTest("response", UP, None, RARE, ZERO).decision == "noise"
    assert DataTest("response", UP, None, None, DOWN).decision == "noise"


def test_a_hidden_state_is_not_taken_for_an_effect_of_the_response(quick: None):
    """Under BKT responses tell of a state and bring nothing; the tied model cannot follow, its rival does."""
    found = with_curve_model.data_tests(simulate("bkt-truth", 0, students=300, skills=15), 200, 0, quiet)["response"]
    assert found.free_minus_tied.low > 0 and found.decision == "noise"


def test_the_interval_resamples_students_not_interactions():
    rng = np.random.default_rng(0)
    student = np.repeat(np.arange(100), 50)
    shared = rng.standard_normal(100)[student]  # all of a student's interactions say the same
    found = statistics.mean_by_student(shared, student)
    assert found.value == pytest.approx(shared.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * shared.std() / 10, rel=0.15)


def test_rank_agreement_and_what_has_no_order():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(50)
    found = statistics.rank_correlation(x, x + 0.5 * rng.standard_normal(50))
    assert 0.6 < found.low < found.value < found.high < 1
    flat = statistics.rank_correlation(np.full(50, 0.3), x)
    assert flat.value == 0 and flat.low < 0
    assert statistics.rank_correlation(x, np.full(50, np.nan)).value is None


def test_p_counts_the_null_values_as_large():
    assert statistics.bootstrap_p(2.0, [1.0] * 19 + [3.0]).p == pytest.approx(2 / 21)
    assert statistics.bootstrap_p(2.0, [1.0] * 20).p < statistics.LEVEL
    assert statistics.cannot_pass(2.0, [3.0], 20) and not statistics.cannot_pass(2.0, [1.0] * 19, 20)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch):
    """The bootstrap on few students."""
    monkeypatch.setitem(with_curve_model.MOST, "student", (10**9, 3000))


def test_a_difference_is_found_and_noise_is_not(quick: None):
    found = {
        cv: with_curve_model.data_tests(
            simulate("heterogeneous-truth", 0, students=240, skills=15, rate_cv=cv), 200, 0, quiet
        )
        for cv in (0.6, 0.0)
    }
    assert found[0.6]["skills"].decision == "pass" and found[0.0]["skills"].decision == "noise"
    assert found[0.6]["response"].decision == found[0.0]["response"].decision == "pass"


def test_ability_is_not_taken_for_an_effect_of_the_response(quick: None):
    found = with_curve_model.data_tests(simulate("ability-only", 0, students=240, skills=15), 200, 0, quiet)
    assert found["response"].decision == found["skills"].decision == "noise"


def fitted_practice(cv: float) -> RunPractice:
    data = simulate("heterogeneous-truth", 1, students=500, skills=15, rate_cv=cv)
    split = split_students(data, 0, 0)
    counts = practice_of(data, split.train, 200)
    return run_practice.of_curve_model(fitted(counts, start(15, Tie())), data, split, 200)


def test_a_run_that_learned_a_difference_loses_by_being_made_equal():
    different, alike = (run_practice.log_loss_rise(fitted_practice(cv)) for cv in (0.6, 0.0))
    assert different["skills"].low > 0 and different["response"].low > 0
    assert alike["skills"].value < 0.1 * different["skills"].value and alike["response"].low > 0


def test_sizes_are_those_of_the_truth_and_of_known_skills_alone():
    found = run_practice.own_sizes(fitted_practice(0.6))
    assert found["skills"] == pytest.approx(0.6, abs=0.15) and found["response"] == pytest.approx(
        np.log(1.3 / 0.7), abs=0.2
    )
    seen = replace(fitted_practice(0.0).counts["train"], skill=np.array([0, 0, 1, 2]), response=np.array([0, 1, 1, 1]))
    rate, gain = np.array([1.0, 3.0, np.nan]), np.array([[0.2, 0.4], [np.nan, 0.4], [np.nan, np.nan]])
    told = statistics.effect_sizes(rate, gain, seen)
    assert told == {"skills": pytest.approx(0.5), "response": pytest.approx(np.log(2))}
    assert statistics.effect_sizes(np.full(3, np.nan), np.full((3, 2), np.nan), seen) == {
        "skills": None,
        "response": None,
    }


@pytest.mark.parametrize("known", [0, 1])
def test_where_no_rates_are_known_nothing_can_be_made_equal(known: int):
    """Warnings are errors here: the mean of no rates must not be taken, and the answer is unknown."""
    practice = fitted_practice(0.6)
    rate = np.where(np.arange(15) < known, practice.rate, np.nan)
    rise = run_practice.log_loss_rise(replace(practice, rate=rate, gain=np.full((15, 2), np.nan)))
    assert rise == {"skills": UNKNOWN, "response": UNKNOWN}
    assert run_practice.own_sizes(replace(practice, rate=rate[:0]))["skills"] is None
    equal = run_practice.equal_rates(replace(practice, rate=np.full(15, np.nan)))
    assert (equal["test"].own == practice.practised["test"].own).all()


def test_made_equal_means_equal():
    mine = fitted_practice(0.6)
    part = run_practice.equal_rates(mine)["test"]
    once = (mine.counts["test"].own == [0, 1]).all(1) & (mine.counts["test"].other.sum(1) == 0)
    ratio = mine.practised["test"].own[once, 1] / mine.rate[part.skill[once]]
    assert part.own[once, 1] / mine.rate.mean() == pytest.approx(ratio, rel=1e-4)
    even = run_practice.equal_responses(mine)["test"]
    counts = mine.counts["test"].own.sum(1)
    assert even.own.sum(1) == pytest.approx(counts * mine.rate[even.skill], rel=1e-3)


@pytest.fixture
def model_of(tiny: Callable[..., Config], small_class: Callable[..., Interactions]):
    def build_one(**changes):
        config = tiny({f"model.{name}": value for name, value in changes.items()})
        data = small_class()
        windows = Windows(data, np.arange(30), 20, False, torch.device("cpu"))
        return build(config, 5, 30, torch.device("cpu")).eval(), windows.batch(np.arange(len(windows)))

    return build_one


def test_a_models_practice_is_split_without_loss(model_of):
    model, batch = model_of()
    with torch.inference_mode():
        states = model.encoder2.encoder(batch.skill, batch.response)
        whole = model.encoder2.practice(states, batch, batch.asked)
        parts = run_practice._split(model.encoder2, batch)[:, 1:].sum((-1, -2))
        slope = model.encoder2.mastery.beta[batch.asked] * model.encoder2.mastery.gamma.mean()
    assert parts[batch.scored].numpy() == pytest.approx((whole * slope)[batch.scored].numpy(), rel=1e-4, abs=1e-6)


def gains(model, batch):
    with torch.inference_mode():
        return model(batch).gains


@pytest.mark.parametrize("head", ["additive", "linear", "per_skill", "mixture", "hierarchical"])
def test_gains_that_do_not_know_the_skill_are_the_same_under_other_names(model_of, head):
    model, batch = model_of(hidden="skill", gain_head=head)
    renamed = replace(batch, skill=(batch.skill + 2) % 5)
    assert torch.equal(gains(model, batch)[batch.valid], gains(model, renamed)[batch.valid])
    free, _ = model_of(gain_head=head)
    assert not torch.equal(gains(free, batch)[batch.valid], gains(free, renamed)[batch.valid])


def test_beta_and_transfer_stay_tied_while_they_learn(model_of):
    model, batch = model_of(hidden="skill", beta_start_std=0.5)
    mastery, steps = model.encoder2.mastery, torch.optim.Adam(model.parameters(), 0.05)
    before = mastery.beta.clone()
    for _ in range(3):
        steps.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(batch).logits2, batch.target).backward()
        steps.step()
    assert np.ptp(mastery.beta.detach().numpy()) == np.ptp(mastery.transfer.detach().numpy()) == 0
    assert mastery.beta[0] != before[0] and np.ptp(mastery.offset.detach().numpy()) > 0


def test_counts_are_told_with_or_without_the_skill(model_of):
    """What the tied arm is told in place of the skill the free arm is told as well."""
    for hidden in ("nothing", "skill"):
        model, batch = model_of(hidden=hidden, counts=True)
        assert isinstance(model.encoder2.encoder, arms.ArmEncoder)
        before = gains(model, batch)
        torch.nn.init.zeros_(model.encoder2.encoder.counts.weight)
        assert not torch.equal(before, gains(model, batch))


def test_gains_that_do_not_know_the_response_ignore_it(model_of):
    model, batch = model_of(hidden="response")
    flipped = replace(batch, response=1 - batch.response)
    assert torch.equal(gains(model, batch)[batch.valid], gains(model, flipped)[batch.valid])


def test_where_the_response_is_hidden_from_the_gains_the_level_still_reads_past_ones(model_of):
    model, batch = model_of(level="student", hidden="response")
    with torch.no_grad():
        model.encoder2.level.size.fill_(1.0)
    flipped = replace(
        batch, response=torch.where(torch.arange(batch.skill.shape[1]) == 7, 1 - batch.response, batch.response)
    )
    with torch.inference_mode():
        before, after = model(batch).logits2, model(flipped).logits2
    assert torch.equal(before[:, :7], after[:, :7]) and not torch.equal(before[:, 7:], after[:, 7:])


def test_redrawn_data_are_data(small_class: Callable[..., Interactions]):
    for rule in ("blocked", "until_correct"):
        data = simulate("demo", 0, students=60, sequencing=rule)
        seen = practice_of(data, np.arange(60), 20)
        new = with_preset.redrawn(
            data, seen, with_preset.drawn(fitted(seen, start(12, Tie()), 3), seen, np.random.default_rng(0))
        )
        assert (np.diff(new.student) >= 0).all() and len(new.response) == len(new.skill) == len(new.student)
        assert not new.truth and (rule != "blocked" or (new.skill == data.skill).all())


def test_a_run_whose_encoders_share_is_sent_to_the_learning_curve_model(tiny: Callable[..., Config]):
    with pytest.raises(
        InputError, match=r"model\.sharing: first_block: .* test this run with the learning-curve model"
    ):
        with_preset.data_tests(tiny({"model.sharing": "first_block"}), simulate("demo", 0, students=60), quiet)


def test_every_student_is_scored_once_by_a_training_that_has_not_seen_them():
    data = simulate("demo", 0, students=60)
    splits = [split_students(part, 0, 9) for part in with_preset.dealt(data, 5, 0)]
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(60))
    first, second = (split_students(part, 0, 9) for part in with_preset.dealt(data, 2, 0))
    assert not {*first.train, *first.validation} & {*second.train, *second.validation}


def test_the_rival_is_compared_with_the_same_interactions(tiny: Callable[..., Config]):
    """A free arm that predicts as the rival does is neither better nor worse, student by student."""
    data, config = simulate("demo", 0, students=60), tiny({"data.window": 20})
    rival, folds = [], with_preset.dealt(data, 3, 0)
    for part in folds:
        learned, tested = (practice_of(part, np.nonzero(part.fold == kind)[0], 20) for kind in (NO_FOLD, TEST))
        lost = with_preset.loss_of(with_preset.predicted_bkt(with_preset.fitted_bkt(learned, 12), tested), tested)
        seen = with_preset.trained(config, part)
        assert (seen.student == tested.student[tested.scored]).all()
        rival.append(replace(seen, loss=lost))
    found = with_preset._rise_of_bkt(config, folds, rival)
    assert found.value == found.low == found.high == 0


@pytest.mark.parametrize("kind", ["stand-in", "model"])
def test_a_saved_run_is_tested_by_both_arms(tmp_path: Path, tiny, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(with_curve_model, "REPLICATES", 1)
    monkeypatch.setattr(with_preset, "REPLICATES", 1)
    base = preset("parametric") if kind == "stand-in" else tiny()
    config = changed(base, {"data.simulate": "demo students=60", "data.window": 20, "training.max_epochs": 2})
    folder = queue_run(tmp_path, config, name="x", preset="x")
    assert execute(folder, config)["kind"] == "finished"
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        run = store.run(folder.run_id)
    assert len(load(config.data).students) == 60
    for arm in ("stand-in", "preset"):
        told = both_tests(run, tmp_path, arm, quiet)
        assert set(told["data"]) == set(told["own"]) == {"skills", "response"}
        assert told["data"]["skills"]["decision"] == "noise"  # one replicate can never reach p < 0.05
        assert set(told["own"]["skills"]) >= {"value", "low", "high"}
        json.dumps(told)
    monkeypatch.setattr(
        "gainakt.verdict.with_curve_model.data_tests", lambda *_: pytest.fail("the data were tested again")
    )
    before = {"skills": {"size": 0.4}, "response": {"size": 0.6}}
    rows = (
        (20, before),
        (20, {"skills": {}}),
        (21, {"skills": {"size": 1.0}}),
    )  # an earlier version's, another window's
    known = [{"with": "stand-in", "window": window, "data": data} for window, data in rows]
    known.append({"with": "stand-in", "window": 20, "level": "student_skill", "data": rows[2][1]})  # another model's
    assert both_tests(run, tmp_path, "stand-in", quiet, known)["data"] == before
