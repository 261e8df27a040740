"""The averaged weights: what is validated, kept and read at the end."""

import copy

import pytest
import torch

from gainakt.model.gainakt import GainAKT
from gainakt.training import events
from gainakt.training.averaged import Averaged
from gainakt.training.loop import train

SKILLS = 4


@pytest.fixture
def model(tiny) -> GainAKT:
    torch.manual_seed(0)
    return GainAKT(tiny({"model.identified": True}).model, SKILLS, 3, 20)


def walk(model: GainAKT, averaged: Averaged, steps: int) -> list[dict[str, torch.Tensor]]:
    """Random steps of the weights; the weights after each."""
    seen = []
    for _ in range(steps):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
        model.encoder2.mastery.constrain()
        averaged.update()
        seen.append(copy.deepcopy(model.state_dict()))
    return seen


def test_the_first_steps_are_averaged_evenly_and_later_ones_fade(model):
    averaged = Averaged(model, 5)
    seen = walk(model, averaged, 12)
    name = "encoder2.gains.context.weight"
    wanted = seen[0][name].clone()
    for number, weights in enumerate(seen[1:], 1):
        wanted = torch.lerp(wanted, weights[name], max(1 / 5, 1 / (1 + number)))
    assert torch.allclose(averaged.model.state_dict()[name], wanted, atol=1e-6)


def test_fixed_scales_hold_in_the_average(model):
    averaged = Averaged(model, 3)
    walk(model, averaged, 6)
    mastery = averaged.model.encoder2.mastery
    assert float(mastery.beta.detach().log().mean()) == pytest.approx(0, abs=1e-5)
    assert float(mastery.gamma.detach().mean()) == pytest.approx(1, abs=1e-5)


def test_without_averaging_the_trained_model_is_judged(model):
    averaged = Averaged(model, 0)
    walk(model, averaged, 2)
    assert averaged.model is model


def test_averaging_changes_what_is_read_and_not_what_is_trained(tiny, small_class):
    demo = small_class()

    def told(averaging: float) -> tuple[list[float], list[float]]:
        seen = list(train(tiny({"training.averaging": averaging, "training.max_epochs": 2}), demo))
        steps = [one.values["loss.total"] for one in seen if isinstance(one, events.Stepped)]
        return steps, [one.values["validation.im"] for one in seen if isinstance(one, events.Evaluated)]

    (steps, loss), (same, other) = told(0.0), told(1.0)
    assert steps == same
    assert loss[0] == other[0], "before the first step there is nothing to average"
    assert loss[1:] != other[1:]
