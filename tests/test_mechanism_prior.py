"""What is known of the skills before training, and scales that are held fixed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from gainakt.config import Config, changed
from gainakt.curve_model.counts import practice_of
from gainakt.curve_model.fit import Tie, fitted
from gainakt.curve_model.fit import start as start_of_fit
from gainakt.curve_model.kept import fitted_once, folder
from gainakt.curve_model.predict import predicted
from gainakt.data.interactions import NO_FOLD, Interactions
from gainakt.data.sequences import Windows, split_students
from gainakt.errors import InputError
from gainakt.simulate import simulate
from gainakt.training import prior
from gainakt.training.evaluate import predict
from gainakt.training.events import Evaluated
from gainakt.training.loop import train
from gainakt.training.prior import easiness, prepare
from gainakt.training.setup import build

CPU = torch.device("cpu")
TRUE = np.linspace(-1.5, 1.5, 8)


@pytest.fixture(scope="module")
def rasch():
    """400 students who try half of eight skills, twice each; the second attempt always succeeds."""
    rng = np.random.default_rng(0)
    ability = rng.normal(0, 1, 400)
    tried = np.stack([rng.permutation(8)[:4] for _ in range(400)])
    first = rng.random((400, 4)) < 1 / (1 + np.exp(-(ability[:, None] + TRUE[tried])))
    return Interactions(
        name="rasch", source="tests", students=[f"s{i:03d}" for i in range(400)], skills=[f"k{i}" for i in range(8)],
        student=np.repeat(np.arange(400, dtype=np.int32), 8),
        skill=np.concatenate([tried, tried], 1).reshape(-1).astype(np.int32),
        response=np.concatenate([first, np.ones_like(first)], 1).reshape(-1).astype(np.int8),
        fold=np.full(400, NO_FOLD, np.int16),
    )  # fmt: skip


def test_easiness_is_recovered_from_first_attempts(rasch):
    found = easiness(rasch, np.arange(400))
    assert np.corrcoef(found, TRUE)[0, 1] > 0.98
    assert np.abs(found - TRUE).max() < 0.5, "the second attempts, all correct, do not count"


def test_easiness_is_recovered_where_there_are_many_students_and_skills():
    rng, skills, students = np.random.default_rng(1), 150, 1500
    true, ability = rng.normal(0, 1, skills), rng.normal(0, 1, students)
    tried = np.stack([rng.permutation(skills)[:15] for _ in range(students)])
    right = rng.random(tried.shape) < 1 / (1 + np.exp(-(ability[:, None] + true[tried])))
    class_ = Interactions(
        name="many", source="tests",
        students=[f"s{i}" for i in range(students)], skills=[f"k{i}" for i in range(skills)],
        student=np.repeat(np.arange(students, dtype=np.int32), 15), skill=tried.reshape(-1).astype(np.int32),
        response=right.reshape(-1).astype(np.int8), fold=np.full(students, NO_FOLD, np.int16),
    )  # fmt: skip
    found = easiness(class_, np.arange(students))
    assert np.corrcoef(found, true)[0, 1] > 0.97
    assert np.polyfit(true, found, 1)[0] == pytest.approx(1, abs=0.15)


def test_only_training_students_are_looked_at(rasch):
    half = np.arange(200)
    mine = np.isin(rasch.student, half)
    alone = easiness(replace(rasch, **{n: getattr(rasch, n)[mine] for n in ("student", "skill", "response")}), half)
    np.testing.assert_array_equal(easiness(rasch, half), alone)
    flipped = replace(rasch, response=np.where(mine, rasch.response, 1 - rasch.response).astype(np.int8))
    np.testing.assert_array_equal(easiness(flipped, half), alone)


def test_a_skill_no_one_tried_gets_the_mean_and_one_answer_only_is_no_error(rasch):
    more = replace(rasch, skills=[*rasch.skills, "never"])
    found = easiness(more, np.arange(400))
    assert len(found) == 9 and found[:8].min() < found[8] < found[:8].max()
    assert (easiness(replace(rasch, response=np.ones_like(rasch.response)), np.arange(400)) == 3.0).all()


@pytest.mark.parametrize("kind", ["threshold", "offset"])
def test_an_unpractised_skill_is_answered_as_the_fit_says(tiny, rasch, kind):
    changes = {"model.prior": "irt", "model.saturation_start": 1.0, "model.offset_start": 0.0,
               "model.threshold_start": 0.5, "model.temperature_start": 0.1,
               "model.threshold": "global" if kind == "offset" else "per_skill"}  # fmt: skip
    config = tiny(changes)
    model = build(config, 8, 400, CPU)
    prepare(model, config, rasch, np.arange(400))
    mastery, skills = model.encoder2.mastery, torch.arange(8)[None]
    with torch.no_grad():
        level = mastery.curve(torch.zeros(1, 8), skills, torch.tensor([0]))
        logits = mastery.readout(level, skills)[0].numpy()
    np.testing.assert_allclose(logits, easiness(rasch, np.arange(400)), atol=1e-4)
    other = build(tiny({**changes, "model.prior": "none"}), 8, 400, CPU).encoder2.mastery
    same = "offset" if kind == "threshold" else "threshold"
    assert torch.equal(getattr(mastery, same), getattr(other, same))
    assert not torch.equal(getattr(mastery, kind), getattr(other, kind))


def test_what_the_readout_cannot_reach_is_cut_at_its_bounds(tiny, rasch):
    config = tiny({"model.prior": "irt", "model.threshold": "per_skill"}, "v3-phase1")
    model = build(config, 8, 400, CPU)
    prepare(model, config, rasch, np.arange(400))
    threshold = model.encoder2.mastery.threshold
    assert float(threshold.min().detach()) >= 0 and float(threshold.max().detach()) <= 1


def test_a_prior_needs_a_parameter_per_skill():
    with pytest.raises(InputError, match=r"model\.prior: irt"):
        changed(Config(), {"model.prior": "irt", "model.threshold": "global", "model.offset": "global"})


def test_a_run_starts_from_the_fit_and_a_run_without_it_does_not(tiny, rasch):
    once = np.arange(len(rasch)) % 8 < 4  # first attempts
    data = replace(rasch, **{name: getattr(rasch, name)[once] for name in ("student", "skill", "response")})
    first = {
        prior: next(e for e in train(tiny({"model.prior": prior}), data) if isinstance(e, Evaluated))
        for prior in ("none", "irt")
    }
    assert first["irt"].parameters["threshold"]["std"] > 0.05 > first["none"].parameters["threshold"]["std"]
    assert first["irt"].values["validation.encoder2_auc"] > first["none"].values["validation.encoder2_auc"] + 0.05


@pytest.fixture(scope="module")
def drawn():
    """300 simulated students of twelve skills whose rates differ by a CV of 0.8."""
    return simulate("heterogeneous-truth", students=300, skills=12, rate_cv=0.8)


def started(config, data, students):
    model = build(config, len(data.skills), len(students), CPU).eval()
    prepare(model, config, data, students)
    return model


def fit_of(data, students, tie):
    return fitted(practice_of(data, students, 200), start_of_fit(len(data.skills), tie))


@pytest.mark.parametrize("accumulation", ["practised", "transfer"])
def test_encoder_2_starts_with_equal_gains_and_says_what_the_fit_says_once_they_are_drawn_to_it(
    tiny, drawn, accumulation
):
    students = np.arange(200)
    encoder = (
        model := started(tiny({"data.window": 200, "model.accumulation": accumulation}), drawn, students)
    ).encoder2
    assert torch.equal(encoder.gains.response_logits(), encoder.gains.response_logits()[:1, :1].expand(12, 2))
    with torch.no_grad():
        encoder.gains.context.weight.zero_()
        encoder.gains.rate.copy_(encoder.fit[:, :2].mean(1))
        encoder.gains.after_response.copy_((encoder.fit[:, 1] - encoder.fit[:, 0]) / 2)
    seen, fit = practice_of(drawn, students, 200), fit_of(drawn, students, Tie(level="none"))
    if accumulation == "practised":
        seen = replace(seen, other=0 * seen.other)
    said = predict(model, Windows(drawn, students, 200, False, CPU)).p2
    np.testing.assert_allclose(said, predicted(fit, seen).chance[seen.scored], atol=0.01)
    rates = encoder.mastery.beta * torch.sigmoid(encoder.gains.rate)
    assert spearmanr(rates.detach(), fit.rate).statistic > 0.98


def test_the_fit_looks_at_training_students_alone_and_at_no_more_than_it_may(tiny, drawn, monkeypatch):
    config, half = tiny({"data.window": 200}), np.arange(150)
    other = replace(drawn, response=np.where(drawn.student < 150, drawn.response, 1 - drawn.response).astype(np.int8))
    one, same = (started(config, data, half).encoder2.state_dict() for data in (drawn, other))
    assert all(torch.equal(one[name], same[name]) for name in one)
    monkeypatch.setitem(prior.MOST_STUDENTS, "none", 40)
    few = started(config, drawn, half).encoder2.mastery.offset
    assert not torch.equal(few, one["mastery.offset"])


def test_what_a_tied_arm_hides_the_fit_does_not_see(tiny, drawn):
    for hidden in ("skill", "response"):
        fit = started(tiny({"data.window": 200, "model.hidden": hidden}), drawn, np.arange(200)).encoder2.fit[:, :2]
        assert (float(fit.std(0).max()) > 1e-4) == (hidden == "response")
        assert (float((fit[:, 0] - fit[:, 1]).abs().max()) > 1e-3) == (hidden == "skill")


def test_fixed_and_shared_numbers_keep_their_kind(tiny, drawn):
    changes = {"data.window": 200, "model.temperature": "fixed", "model.threshold": "global", "model.identified": True}
    mastery = started(tiny(changes), drawn, np.arange(200)).encoder2.mastery
    assert len(mastery.threshold) == 1 and float(mastery.temperature) == pytest.approx(0.25)
    assert torch.allclose(mastery.beta, torch.ones(12))


def test_where_everything_feeds_every_skill_there_is_no_fit(tiny, drawn):
    changes = {"data.window": 200, "model.accumulation": "all"}
    plain = started(tiny({**changes, "model.prior": "none"}), drawn, np.arange(200)).encoder2.state_dict()
    same = started(tiny(changes), drawn, np.arange(200)).encoder2
    assert same.fit is None and all(torch.equal(plain[name], part) for name, part in same.state_dict().items())


def test_fixed_scales_hold_and_free_ones_do_not(tiny, rasch):
    changes = {"model.student_velocity": "per_student", "training.learning_rate": 0.05, "training.max_epochs": 2}
    for identified in (True, False):
        last = [e for e in train(tiny({**changes, "model.identified": identified}), rasch) if isinstance(e, Evaluated)]
        start, end = last[0].parameters, last[-1].parameters
        assert (abs(end["gamma"]["mean"] - 1) < 1e-5) == identified
        assert (abs(start["beta"]["mean"] - 1) < 1e-5) == identified
    mastery = build(
        tiny({**changes, "model.identified": True, "model.beta_start_std": 1.0}), 8, 10, CPU
    ).encoder2.mastery
    assert float(mastery.beta.log().mean().detach()) == pytest.approx(0, abs=1e-6)
    assert float(mastery.beta.std().detach()) > 0.1


def test_a_checkpoint_carries_the_prior(tiny, rasch, tmp_path):
    """Evaluating a saved run builds the model without fitting again."""
    from gainakt.training import checkpoints

    config = tiny({"model.prior": "irt", "training.max_epochs": 0})
    list(train(config, rasch, folder=tmp_path))
    split = split_students(rasch, 0, 0)
    model = build(config, 8, len(split.train), CPU)
    model.encoder2.load_state_dict(checkpoints.load(tmp_path, "encoder2"))
    fresh = build(config, 8, len(split.train), CPU)
    prepare(fresh, config, rasch, split.train)
    assert torch.equal(model.encoder2.mastery.threshold, fresh.encoder2.mastery.threshold)
    assert len(Windows(rasch, split.test, 20, False, CPU))


def test_a_fit_made_before_is_read_and_a_damaged_one_made_again(rasch, monkeypatch, tmp_path):
    monkeypatch.setenv("GAINAKT_CACHE", str(tmp_path / "cache"))
    practice, begin = practice_of(rasch, np.arange(400), 200), start_of_fit(8, Tie())
    first = fitted_once(practice, begin)
    monkeypatch.setattr("gainakt.curve_model.fit.fitted", lambda *_: pytest.fail("it was made before"))
    again = fitted_once(practice, begin)
    np.testing.assert_array_equal(again.theta, first.theta)
    assert (again.sigma, again.tie, again.converged) == (first.sigma, first.tie, first.converged)
    monkeypatch.undo()
    monkeypatch.setenv("GAINAKT_CACHE", str(tmp_path / "cache"))
    (kept,) = folder().iterdir()
    fitted_once(replace(practice, response=1 - practice.response), begin)
    assert len(list(folder().iterdir())) == 2, "other responses, another fit"
    kept.write_bytes(b"PK\x03\x04 broken")
    np.testing.assert_array_equal(fitted_once(practice, begin).theta, first.theta)
    monkeypatch.setenv("GAINAKT_CACHE", str(kept / "under a file"))
    np.testing.assert_array_equal(fitted_once(practice, begin).theta, first.theta)
