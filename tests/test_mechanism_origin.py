"""The origin's faults, each as a switch: what it changes, and that its faultless state is what was there before."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gainakt import losses
from gainakt.data.sequences import Windows
from gainakt.training.events import Evaluated, GainHistograms, Stepped
from gainakt.training.loop import train
from gainakt.training.setup import build
from gainakt.training.stepper import padded

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=40, lengths=(3, 20), seed=6)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def seen(config, data, *, pad=False):
    model = build(config, 5, 40, CPU)
    batch = Windows(data, np.arange(40), 20, True, CPU).batch(np.arange(12))
    batch = padded(batch, 20) if pad else batch
    return losses.LossInputs(batch, model(batch), model.encoder2, config, torch.Generator().manual_seed(0))


def im(one):
    return losses.compute(one, {"im": 1.0})["im"]


STILL = {"model.dropout": 0.0, "model.gain_head": "linear", "model.gain_start": 0.3}


def test_the_aggregate_gain_can_be_what_is_reported(tiny, data):
    runs = {
        gain: list(train(tiny({"origin.reported_gain": gain, "training.max_epochs": 2}), data))
        for gain in ("practised", "aggregate")
    }
    plain, wrong = (runs[gain][-1].results for gain in runs)
    for split in ("train", "validation", "test"):
        assert wrong[split]["gain_std"] == pytest.approx(plain[split]["aggregate_gain_std"], rel=1e-5)
        assert wrong[split]["gain_mean"] == pytest.approx(wrong[split]["aggregate_gain_mean"], rel=1e-5)
        for name in ("encoder1_auc", "encoder2_auc", "im", "mastery_correlation"):
            assert wrong[split][name] == plain[split][name], "it only changes what is told"
    assert runs["practised"][-1].skills == runs["aggregate"][-1].skills, "rates are of the true gains"
    for one, other in zip(*(of(Stepped, events) for events in runs.values()), strict=True):
        assert other.values["gain_std"] == pytest.approx(one.values["aggregate_gain_std"])
        assert other.values["loss.total"] == one.values["loss.total"]
    assert of(GainHistograms, runs["practised"])[-1].counts != of(GainHistograms, runs["aggregate"])[-1].counts


def test_the_concurrent_target_is_the_response_that_encoder_2_has_seen(tiny, data):
    one = seen(tiny({**STILL, "origin.target": "concurrent"}), data)
    model, batch = one.encoder2, one.batch
    gains = torch.sigmoid(model.gains.every(one.output.read, batch.response, torch.arange(5)))
    share = model.mastery.transfer_share(torch.arange(5)[None], batch.skill).transpose(1, 2)
    practice = (gains * share).cumsum(1).gather(2, batch.skill[..., None])[..., 0]  # of q_t, after t
    logits = model.mastery.readout(model.mastery.curve(practice, batch.skill, batch.student), batch.skill)
    expected = F.binary_cross_entropy_with_logits(logits[batch.valid], batch.response[batch.valid].float())
    assert float(im(one).detach()) == pytest.approx(float(expected.detach()), abs=1e-6)


def test_a_concurrent_run_is_still_scored_on_the_next_response(tiny, data):
    """Gains may learn to copy the response: the trained loss falls far below what is told of validation students."""
    config = tiny({"origin.target": "concurrent", "training.max_epochs": 6, "training.learning_rate": 0.05})
    events = list(train(config, data))
    plain = list(train(tiny({"training.max_epochs": 6, "training.learning_rate": 0.05}), data))
    assert of(Evaluated, events)[0].values == of(Evaluated, plain)[0].values
    assert of(Stepped, events)[-1].values["loss.im"] != of(Stepped, plain)[-1].values["loss.im"]


def test_without_a_mask_padding_counts_in_im_and_in_nothing_else(tiny, data):
    config = tiny({**STILL, "origin.masked": False})
    one = seen(config, data, pad=True)
    assert one.batch.skill.shape[1] == 20 and not bool(one.batch.valid.all())
    expected = F.binary_cross_entropy_with_logits(one.output.logits2, one.batch.target)
    assert float(im(one).detach()) == pytest.approx(float(expected.detach()), abs=1e-6)
    masked = seen(tiny(STILL), data)
    names = {"bce": 1.0, "variance": 1.0, "smoothness": 1.0, "gain_response": 1.0}
    for name, value in losses.compute(masked, names).items():
        torch.testing.assert_close(losses.compute(one, names)[name], value, atol=1e-6, rtol=1e-5)


def test_padding_to_the_window_keeps_questions_of_several_rows(data):
    batch = Windows(replace(data, group=np.arange(len(data)) // 2), np.arange(40), 20, True, CPU).batch(np.arange(4))
    longer, steps = padded(batch, 20), batch.skill.shape[1]
    assert longer.group.shape == (4, 20) and bool((longer.group.diff(dim=1) >= 0).all())
    assert torch.equal(longer.scored[:, : steps - 1], batch.scored) and not bool(longer.scored[:, steps - 1 :].any())
    at = batch.scored
    assert torch.equal(longer.last_visible[:, : steps - 1][at], batch.last_visible[at])


def test_an_unmasked_run_pads_to_the_window_and_measures_as_before(tiny, data):
    plain, unmasked = (
        list(train(tiny({"origin.masked": masked, "model.dropout": 0.0, "model.prior": "none"}), data))
        for masked in (True, False)
    )
    first = [of(Stepped, events)[0].values for events in (plain, unmasked)]
    assert first[0]["loss.bce"] == pytest.approx(first[1]["loss.bce"], abs=1e-6)
    assert abs(first[0]["loss.im"] - first[1]["loss.im"]) > 1e-3
    assert first[0]["gain_std"] == pytest.approx(first[1]["gain_std"], abs=1e-6)
    assert of(Evaluated, plain)[0].values == of(Evaluated, unmasked)[0].values


def test_without_the_mastery_head_im_is_zero_and_encoder_2_learns_from_the_other_terms_only(tiny, data):
    for changes, moves in (({}, False), ({"weights.variance": 5.0}, True)):
        events = list(train(tiny({"origin.mastery_head": False, **changes}), data))
        assert {event.values["loss.im"] for event in of(Stepped, events)} == {0.0}
        first, last = (of(Evaluated, events)[place].values for place in (0, -1))
        assert (first["validation.gain_std"] != last["validation.gain_std"]) == moves
        assert first["validation.encoder1_auc"] != last["validation.encoder1_auc"]


def test_nothing_to_learn_from_is_no_error(tiny, data):
    config = tiny({"origin.mastery_head": False, "regime.alone_epochs": 1})
    events = list(train(config, data))
    assert events[-1].status == "finished" and {e.values["gradient_norm"] for e in of(Stepped, events)} == {0.0}


def test_a_variance_term_that_is_not_added_is_told_and_does_nothing(tiny, data):
    start = {"model.prior": "none"}
    plain = of(Stepped, train(tiny(start), data))
    idle = of(Stepped, train(tiny({**start, "weights.variance": 50.0, "origin.variance_added": False}), data))
    for one, other in zip(plain, idle, strict=True):
        assert other.values["loss.variance"] <= 0
        assert other.values["weighted.variance"] == 0 == other.values["share.variance"]
        for name in ("loss.total", "loss.im", "gain_std", "gradient_norm"):
            assert other.values[name] == one.values[name]
    added = of(Stepped, train(tiny({**start, "weights.variance": 50.0}), data))
    assert added[-1].values["gain_std"] > plain[-1].values["gain_std"]


def test_a_saturated_start_and_a_readout_that_cannot_reach_the_base_rate(tiny, data):
    """The remaining causes are settings of the model: what each changes at the start."""
    flat, free = (seen(tiny({"model.dropout": 0.0, **changes}), data) for changes in (
        {"model.gain_start": 0.5, "model.accumulation": "all", "model.offset_start": 1.5, "model.beta_start": 2.5},
        {"model.gain_start": 0.02, "model.accumulation": "all", "model.offset_start": 1.5, "model.beta_start": 2.5},
    ))  # fmt: skip
    late = [float(one.output.mastery[:, -1].mean().detach()) for one in (flat, free)]
    assert late[0] > 0.75 > late[1], "near its ceiling 0.8 after a few interactions of anything"
    fixed = seen(tiny({"model.temperature": "fixed", "model.temperature_start": 1.0}), data)
    chance = torch.sigmoid(fixed.output.logits2)
    assert float(chance.min().detach()) > 0.27 and float(chance.max().detach()) < 0.73
