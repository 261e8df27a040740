"""Padding and the company of other windows change no loss, no prediction and no statistic."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gainakt import losses
from gainakt.config import changed
from gainakt.data.sequences import Batch, Windows, split_students
from gainakt.training.evaluate import measure, predict, seed_forms
from gainakt.training.events import Stepped
from gainakt.training.loop import train
from gainakt.training.prior import prepare
from gainakt.training.setup import build
from gainakt.training.watch import Recent, RunningAUC

CPU = torch.device("cpu")
WINDOW = 30


def padded(batch, steps):
    """The batch with `steps` more steps of rubbish that are not valid."""
    size = (len(batch.skill), steps)
    return Batch(
        student=batch.student,
        skill=torch.cat([batch.skill, torch.full(size, 3)], 1),
        response=torch.cat([batch.response, torch.ones(size, dtype=torch.long)], 1),
        valid=torch.cat([batch.valid, torch.zeros(size, dtype=torch.bool)], 1),
        interactions=batch.interactions,
    )


@pytest.fixture(params=["without-level", "v3-phase1", "corrected"])
def config(request, tiny):
    return tiny({"data.window": WINDOW, "model.dropout": 0.0, "model.student_velocity": "per_student"}, request.param)


@pytest.fixture
def model(config):
    model = build(config, 5, 30, CPU).eval()
    with torch.no_grad():
        for parameter in model.encoder2.gains.parameters():
            parameter.add_(torch.randn_like(parameter))
        model.encoder2.mastery.gamma.add_(torch.rand(30))
    return model


@pytest.fixture
def windows(small_class):
    data = small_class(lengths=(2, 20))
    return Windows(data, np.arange(30), WINDOW, True, CPU)


def both_losses(output, batch):
    return [losses.cross_entropy(x, batch.target, batch.scored) for x in (output.logits1, output.logits2)]


@torch.no_grad()
def test_padding_changes_no_prediction_and_no_loss(model, windows):
    batch = windows.batch(np.arange(8))
    longer = padded(batch, WINDOW - batch.skill.shape[1])
    short, long = model(batch), model(longer)
    for name in ("logits1", "logits2", "mastery"):
        one, other = getattr(short, name)[batch.scored], getattr(long, name)[longer.scored]
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(short.gains[batch.valid], long.gains[longer.valid], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(both_losses(short, batch), both_losses(long, longer), atol=1e-6, rtol=1e-6)


@torch.no_grad()
def test_loss_of_a_batch_is_the_sum_over_its_windows_by_their_count(model, windows):
    rows = np.arange(10)
    whole = windows.batch(rows)
    sums, count = torch.zeros(2), 0
    for row in rows:
        alone = windows.batch(np.array([row]))
        assert alone.valid.all()
        steps = int(alone.scored.sum())
        sums += torch.stack(both_losses(model(alone), alone)) * steps
        count += steps
    assert count == int(whole.scored.sum())
    torch.testing.assert_close(torch.stack(both_losses(model(whole), whole)), sums / count, atol=1e-6, rtol=1e-6)


@torch.no_grad()
def test_loss_of_nothing_is_zero_not_nan():
    empty = torch.zeros(1, 3, dtype=torch.bool)
    assert losses.cross_entropy(torch.ones(1, 3), torch.ones(1, 3), empty) == 0


@torch.no_grad()
def test_padding_changes_no_live_statistic(model, windows):
    batch = windows.batch(np.arange(12))
    longer = padded(batch, WINDOW - batch.skill.shape[1])
    kept = []
    for one in (batch, longer):
        recent, running = Recent(5, CPU), RunningAUC()
        recent.add(model(one), one)
        running.add(model(one), one)
        kept.append((recent.values() | running.values(), recent.histograms()))
    assert kept[0][0] == pytest.approx(kept[1][0], abs=1e-6)
    assert kept[0][1] == kept[1][1]
    assert sum(kept[0][1][0]) == int(batch.valid.sum())


def test_company_of_other_windows_changes_no_prediction_and_no_metric(model, small_class):
    data = small_class(lengths=(2, 70), seed=3)
    whole = predict(model, Windows(data, np.arange(30), WINDOW, True, CPU))
    alone = [predict(model, one) for one in each_student(data)]
    known = [f.name for f in fields(whole) if getattr(whole, f.name) is not None]
    parts = {name: np.concatenate([getattr(part, name) for part in alone]) for name in known}
    joined = type(whole)(**parts)
    for name in ("student", "gain_student"):
        for value in ("p1", "p2", "mastery") if name == "student" else ("gain", "aggregate"):
            for student in range(30):
                one = getattr(whole, value)[getattr(whole, name) == student]
                other = getattr(joined, value)[getattr(joined, name) == student]
                np.testing.assert_allclose(np.sort(one), np.sort(other), atol=1e-6)
    # AUC and a student's correlation jump where values that differ in the last bit only change places
    assert measure(whole, 5) == pytest.approx(measure(joined, 5), abs=1e-4)


def each_student(data):
    for student in range(len(data.students)):
        windows = Windows(data, np.array([student]), WINDOW, True, CPU)
        windows._student.fill_(student)  # alone, this student would be the first training student
        yield windows


def test_seed_forms_do_not_depend_on_how_windows_are_batched(model, windows, monkeypatch):
    together = seed_forms(model, windows)
    monkeypatch.setattr("gainakt.training.evaluate._DENSE", 1)  # one window at a time
    assert seed_forms(model, windows) == pytest.approx(together, abs=1e-6)
    assert None not in together.values()


@pytest.mark.parametrize("form", ["minus_variance", "std_hinge"])
def test_recorded_losses_are_those_of_every_window_by_itself(config, small_class, form):
    config = changed(
        config,
        {
            "training.batch_size": 64, "weights.variance": 1.0, "weights.contrastive": 3.0,
            "weights.encoder_priority": 0.3, "losses.variance_form": form, "weights.beta_spread": 2.0,
            "model.beta_start_std": 0.1,
            "model.prior": "none",
        },
    )  # fmt: skip
    data = small_class(lengths=(2, 20))
    step = next(event for event in train(config, data) if isinstance(event, Stepped))
    train_students = split_students(data, 0, config.training.seed).train
    fresh = build(config, 5, len(train_students), CPU)
    prepare(fresh, config, data, train_students)
    windows = Windows(data, train_students, WINDOW, True, CPU)
    sums = {"bce": 0.0, "im": 0.0, "variance": 0.0, "contrastive": 0.0}
    scored = interactions = 0
    with torch.no_grad():
        for row in range(len(windows)):
            batch = windows.batch(np.array([row]))
            output = fresh(batch)
            for name, logits in (("bce", output.logits1), ("im", output.logits2)):
                sums[name] += float(F.binary_cross_entropy_with_logits(logits, batch.target, reduction="sum"))
            skills = torch.arange(5)
            gains = torch.sigmoid(fresh.encoder2.gains.every(output.states, batch.response, skills))[0].numpy()
            sums["contrastive"] -= gains.var(1).sum()
            hinge = np.maximum(0, config.losses.std_target - np.sqrt(gains.var(1) + 1e-4)).sum()
            sums["variance"] += hinge if form == "std_hinge" else -gains.var(1).sum()
            scored, interactions = scored + len(gains) - 1, interactions + len(gains)
    expected = {
        "bce": sums["bce"] / scored, "im": sums["im"] / scored, "variance": sums["variance"] / interactions,
        "contrastive": sums["contrastive"] / interactions,
        "beta_spread": max(0.0, 0.3 - float(fresh.encoder2.mastery.beta.detach().std(correction=0))),
    }  # fmt: skip
    weights = {"bce": 0.3, "im": 0.7, "variance": 1.0, "contrastive": 3.0, "beta_spread": 2.0}
    for name, value in expected.items():
        assert step.values[f"loss.{name}"] == pytest.approx(value, abs=1e-6), name
    total = sum(weights[name] * value for name, value in expected.items())
    assert step.values["loss.total"] == pytest.approx(total, abs=1e-6)


def test_padding_gets_no_gradient(model, windows):
    batch = windows.batch(np.arange(8))
    garbage = padded(batch, 5)
    other = replace(garbage, skill=torch.where(garbage.valid, garbage.skill, 1))
    gradients = []
    for one in (garbage, other):
        model.zero_grad()
        sum(both_losses(model(one), one)).backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    for one, another in zip(*gradients, strict=True):
        torch.testing.assert_close(one, another, atol=1e-7, rtol=1e-5)
