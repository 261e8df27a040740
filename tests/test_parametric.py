"""The light stand-in: counts, gradients, shrinkage, no leak, and a run like any other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gainakt.config import Config, changed
from gainakt.config.presets import preset
from gainakt.curve_model import curve, fit, parts
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.curve_model.parts import parts_of
from gainakt.curve_model.predict import predicted
from gainakt.curve_model.scaled import scaled
from gainakt.curve_model.stored import restored
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Windows, split_students
from gainakt.simulate import simulate
from gainakt.training import checkpoints
from gainakt.training.curve_run import outcome
from gainakt.training.events import Checkpointed, Event, Finished, Refused, Started
from gainakt.training.loop import train

WINDOW = 25


@pytest.fixture(scope="module")
def data() -> Interactions:
    return simulate("demo", 0, students=400)


@pytest.fixture(scope="module")
def seen(data: Interactions) -> Practice:
    return practice_of(data, np.arange(0, 400, 2), WINDOW)


def small(changes: dict[str, object] | None = None) -> Config:
    return changed(
        preset("parametric"), {"data.window": WINDOW, "data.simulate": "demo students=400"} | (changes or {})
    )


def test_interactions_stand_as_in_the_windows_of_every_model(data: Interactions, seen: Practice) -> None:
    windows = Windows(data, np.arange(0, 400, 2), WINDOW, False, torch.device("cpu"))
    skill = torch.cat([batch.skill[batch.valid] for _, batch in windows.in_order()])
    asked = torch.cat([batch.asked[batch.scored] for _, batch in windows.in_order()])
    assert seen.skill.tolist() == skill.tolist()
    assert seen.skill[seen.scored].tolist() == asked.tolist()
    assert data.response[seen.place].tolist() == seen.response.tolist()


def test_a_fit_ends_at_the_same_place_from_wherever_its_spreads_start(data: Interactions, seen: Practice) -> None:
    begin = fit.start(len(data.skills), fit.Tie())
    ends = [fit.fitted(seen, replace(begin, spread=np.full(7, spread))) for spread in (0.1, 0.3, 0.8)]
    assert all(end.converged for end in ends)
    objective = [end.objective for end in ends]
    assert max(objective) - min(objective) < 0.5
    rates = np.stack([end.rate for end in ends])
    assert np.ptp(np.log(rates), axis=0).max() < 0.02


def test_counts_are_those_of_a_loop(seen: Practice) -> None:
    for place in np.random.default_rng(0).integers(0, len(seen), 200):
        before = slice(seen.start[seen.window[place]], place)
        same = seen.skill[before] == seen.skill[place]
        for r in (0, 1):
            right = seen.response[before] == r
            assert seen.own[place, r] == (same & right).sum()
            assert seen.other[place, r] == (~same & right).sum()


def test_rows_of_one_question_do_not_see_each_others_answer(data: Interactions) -> None:
    group = np.cumsum(np.append(True, np.diff(data.student) != 0) | (np.arange(len(data)) % 2 == 0)) - 1
    joined = practice_of(replace(data, group=group.astype(np.int32)), np.arange(400), 200)
    assert ((joined.since == np.arange(len(joined))) | (joined.since == np.arange(len(joined)) - 1)).all()
    total = joined.own.sum(1) + joined.other.sum(1)
    repeated = joined.own.sum(1)[joined.since] >= 0
    assert (total[repeated] <= joined.since - joined.start[joined.window] + 1).all()
    flipped = replace(joined, response=np.where(joined.since == 7, 1 - joined.response, joined.response))
    model = replace(fit.start(12, fit.Tie()), theta=fit.start(12, fit.Tie()).theta + 0.1)
    same = np.flatnonzero(joined.since == 7)
    assert predicted(model, flipped).chance[same] == pytest.approx(predicted(model, joined).chance[same])


def test_the_gradient_is_that_of_the_likelihood(seen: Practice) -> None:
    rng = np.random.default_rng(0)
    for level in ("none", "student", "student_skill"):
        here = replace(fit.start(12, fit.Tie(level=level)), skill_sigma=0.6 * (level == "student_skill"))
        here = replace(here, theta=here.theta + 0.3 * rng.standard_normal(here.theta.shape))
        here = replace(here, mean=here.theta.mean(0))
        some = parts_of(seen, 12, here.tie.level == "student_skill")
        told = fit._slopes(some, here)
        for column in range(7):
            for skill in (0, 5):
                step = np.zeros_like(here.theta)
                step[skill, column] = 0.01
                up, down = (fit._slopes(some, replace(here, theta=here.theta + sign * step)) for sign in (1, -1))
                slope = (up.log_likelihood - down.log_likelihood) / 0.02
                assert slope == pytest.approx(told.gradient[skill, column], rel=0.03, abs=0.1)
        assert (np.linalg.eigvalsh(told.information) > -1e-3 * np.abs(told.information).max()).all()


def test_the_slope_of_the_level_on_a_skill_is_that_of_the_likelihood(seen: Practice) -> None:
    here = replace(fit.start(12, fit.Tie(level="student_skill")), skill_sigma=0.6)
    some = parts_of(seen, 12, here.tie.level == "student_skill")
    up, down = (fit._slopes(some, replace(here, skill_sigma=0.6 * np.exp(step))) for step in (0.01, -0.01))
    slope = (up.log_likelihood - down.log_likelihood) / 0.02
    assert slope == pytest.approx(fit._slopes(some, here).skill_level[0], rel=0.02)


def test_levels_are_weighed_by_the_past_alone_and_all_of_it(seen: Practice) -> None:
    some = seen.of(seen.window >= seen.windows - 3)
    model = replace(fit.start(12, fit.Tie(level="student_skill")), sigma=0.9, skill_sigma=1.3)
    chance = predicted(model, some).chance
    grid = curve.grid("student_skill")
    of_student, of_skill = grid.parts(0.9, 1.3)
    each = curve.share_and_chance(model.theta, of_student + of_skill, some)[1].reshape(len(some), 7, 3)
    right = np.where(some.response[:, None, None] > 0, each, 1 - each)
    for place in (0, 5, 17, len(some) - 1):
        earlier = np.arange(some.start[some.window[place]], place)
        weight = grid.student_prior.copy()
        for skill in np.unique(some.skill[earlier]):
            of_one = right[earlier[some.skill[earlier] == skill]].prod(0)
            weight *= of_one @ grid.skill_prior
        own = right[earlier[some.skill[earlier] == some.skill[place]]].prod(0) * grid.skill_prior
        joint = weight[:, None] * own / own.sum(1, keepdims=True)
        assert chance[place] == pytest.approx((joint * each[place]).sum() / joint.sum(), rel=1e-4)


def test_what_a_student_knew_before_on_a_skill_is_not_taken_for_learning() -> None:
    ratio = {}
    data = simulate("ability-only", 1, students=400, skills=12, skill_level_sd=1.5)
    for level in ("student", "student_skill"):
        found = fit.fitted(practice_of(data, np.arange(400), 200), fit.start(12, fit.Tie(level=level)), 25)
        ratio[level] = float(np.median(found.gains[:, 0, 1] / found.gains[:, 0, 0]))
    assert found.skill_sigma > 0.5
    assert ratio["student_skill"] < ratio["student"] / 2  # equal gains are true


def test_sums_do_not_depend_on_how_the_data_are_cut(seen: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    here = fit.start(12, fit.Tie())
    one = fit._slopes(parts_of(seen, 12, here.tie.level == "student_skill"), here)
    monkeypatch.setattr(parts, "_PART", 300)
    assert len(parts_of(seen, 12, here.tie.level == "student_skill")) > 5
    many = fit._slopes(parts_of(seen, 12, here.tie.level == "student_skill"), here)
    assert many.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-6)
    assert many.gradient == pytest.approx(one.gradient, rel=1e-3, abs=1e-2)


def test_rates_are_found_and_noise_is_shrunk_away() -> None:
    spread = {}
    for cv in (0.44, 0.0):
        some = simulate("heterogeneous-truth", 0, students=400, skills=20, rate_cv=cv)
        found = fit.fitted(practice_of(some, np.arange(400), 200), fit.start(20, fit.Tie()))
        assert found.converged
        spread[cv] = found.rate.std() / found.rate.mean()
        if cv:
            assert np.corrcoef(np.log(found.rate), np.log(some.truth["rate"]))[0, 1] > 0.85
    assert spread[0.44] > 0.3 and spread[0.0] < 0.1


def test_a_skill_with_few_interactions_is_pulled_to_the_others() -> None:
    data = simulate("heterogeneous-truth", 1, students=400, skills=20)
    rare = replace(data, skill=np.where((data.skill == 0) & (data.student > 5), 1, data.skill))
    found = fit.fitted(practice_of(rare, np.arange(400), 200), fit.start(20, fit.Tie()))
    apart = np.abs(found.theta[:, curve.LEVEL] - found.mean[curve.LEVEL])
    assert apart[0] < 0.5 * found.spread[curve.LEVEL] + 0.1


@pytest.mark.parametrize("tie", [fit.Tie(skills=True), fit.Tie(response=True)])
def test_what_is_tied_stays_tied(seen: Practice, tie: fit.Tie) -> None:
    found = fit.fitted(seen, fit.start(12, tie), 6)
    if tie.skills:
        assert np.ptp(found.theta[:, list(curve.GAIN_PATH)], axis=0) == pytest.approx(0)
        assert np.ptp(found.theta[:, curve.OFFSET]) > 0.01
    else:
        assert found.theta[:, list(curve.CONTRASTS)] == pytest.approx(0)
        assert np.ptp(found.theta[:, curve.LEVEL]) > 0.01


def test_a_prediction_never_sees_its_own_or_a_later_response(seen: Practice, data: Interactions) -> None:
    found = fit.fitted(seen, fit.start(12, fit.Tie()), 6)
    assert found.sigma > 0
    before = predicted(found, seen)
    last = seen.windows - 5
    at = int(seen.start[last]) + 5
    changed_data = replace(data, response=data.response.copy())
    changed_data.response[seen.place[at]] ^= 1
    after = predicted(found, practice_of(changed_data, np.arange(0, 400, 2), WINDOW))
    moved = np.flatnonzero(~np.isclose(before.chance, after.chance, rtol=0, atol=1e-12))
    assert moved.size and moved.min() > at and (seen.window[moved] == last).all()


def test_units_keep_every_prediction_and_every_gain_in_its_bounds(seen: Practice) -> None:
    found = fit.fitted(seen, fit.start(12, fit.Tie()), 8)
    units = scaled(found)
    assert units.gain.min() > 0 and units.gain.max() < 1 and units.saturation.max() == pytest.approx(1)
    assert units.beta * units.gain.mean(1) == pytest.approx(found.rate)
    assert units.threshold / units.temperature == pytest.approx(found.theta[:, curve.FLOOR])


def of_kind(told: list[Event], kind: type) -> list[Event]:
    return [event for event in told if isinstance(event, kind)]


def test_it_is_a_run_like_any_other(tmp_path: Path, data: Interactions) -> None:
    config = small()
    told = list(train(config, data, folder=tmp_path))
    last = told[-1]
    assert isinstance(told[0], Started) and isinstance(last, Finished)
    assert {"gains", "evaluated", "step", "checkpointed"} <= {event.kind for event in told}
    assert last.status == "finished" and last.best_epoch == {"encoder2": last.epochs}
    test, truth = last.results["test"], last.results["recovery"]
    assert test["encoder1_auc"] is None and test["bce"] is None and test["encoder2_auc"] > 0.7
    assert truth["spearman_effective_rate"] > 0.5 and test["encoder2_auc"] == pytest.approx(
        truth["oracle_auc"], abs=0.03
    )
    assert all(value is None or isinstance(value, float) for part in last.results.values() for value in part.values())
    assert [row["skill"] for row in last.skills] == data.skills and last.skills[0]["true_rate"] > 0
    again = restored(checkpoints.load(tmp_path, "encoder2"), config)
    assert outcome(again, config, data)[0] == last.results
    assert len(of_kind(told, Checkpointed)) == 1


def test_no_iteration_is_an_untrained_run(data: Interactions) -> None:
    last = list(train(small({"training.max_epochs": 0}), data))[-1]
    assert (
        isinstance(last, Finished) and last.epochs == 0 and last.results["run"]["rate_cv"] == pytest.approx(0, abs=1e-6)
    )


def test_it_stops_when_asked_and_refuses_settings(data: Interactions) -> None:
    asked = iter(
        [
            [{"kind": "set", "field": "weights.encoder_priority", "value": 0.1, "who": "me"}],
            [{"kind": "stop", "who": "me"}],
        ]
    )
    told = list(train(small(), data, lambda: next(asked)))
    last = told[-1]
    assert isinstance(last, Finished) and (last.status, last.epochs) == ("stopped", 2)
    assert len(of_kind(told, Refused)) == 1


def test_the_split_is_that_of_the_other_models(data: Interactions) -> None:
    split = split_students(data, 0, 3)
    told = next(train(small({"training.seed": 3, "training.max_epochs": 0}), data))
    assert isinstance(told, Started)
    assert told.data["split"]["test"]["students"] == len(split.test)


def test_real_like_data_of_few_students_do_not_break_it(small_class: Callable[..., Interactions]) -> None:
    last = list(train(small({"training.max_epochs": 5}), small_class()))[-1]
    assert isinstance(last, Finished) and "recovery" not in last.results
