"""Which loss moves which parameters."""

import numpy as np
import pytest
import torch

from gainakt import losses
from gainakt.data.sequences import Windows
from gainakt.training.setup import build


@pytest.fixture
def batch(small_class):
    return Windows(small_class(lengths=(8, 20)), np.arange(30), 20, True, torch.device("cpu")).batch(np.arange(30))


def gradients(config, batch, name):
    """Largest absolute gradient of one loss in every parameter, by name; None where it gets none."""
    model = build(config, 5, 30, torch.device("cpu"))
    output = model(batch)
    logits = {"bce": output.logits1, "im": output.logits2}[name]
    losses.cross_entropy(logits, batch.target, batch.scored).backward()
    return {key: None if p.grad is None else float(p.grad.abs().max()) for key, p in model.named_parameters()}


@pytest.mark.parametrize("accumulation", ["all", "practised", "transfer"])
@pytest.mark.parametrize("preset", ["without-level", "v3-phase1"])
def test_im_reaches_the_gain_head_the_embeddings_and_mastery(tiny, batch, accumulation, preset):
    config = tiny(
        {"model.accumulation": accumulation, "model.temperature": "learned", "model.student_velocity": "per_student"},
        preset,
    )
    found = gradients(config, batch, "im")
    reached = ["encoder.skill.weight", "encoder.interaction.weight", "encoder.position.weight"]
    reached += [*(f"mastery.{name}" for name in ("beta", "saturation", "threshold", "offset"))]
    reached += ["mastery.temperature", "mastery.gamma"]
    reached += [name.removeprefix("encoder2.") for name in found if name.startswith("encoder2.gains.")]
    reached += ["mastery.transfer"] if accumulation == "transfer" else []
    for name in reached:
        assert found[f"encoder2.{name}"] > 1e-8, name
    assert all(value is None for name, value in found.items() if name.startswith("encoder1."))
    if accumulation != "transfer":
        assert found["encoder2.mastery.transfer"] is None


@pytest.mark.parametrize("preset", ["without-level", "v3-phase1"])
def test_im_reaches_every_skills_gains(tiny, batch, preset):
    model = build(tiny({}, preset), 5, 30, torch.device("cpu"))
    losses.cross_entropy(model(batch).logits2, batch.target, batch.scored).backward()
    per_skill = [p.grad.reshape(5, -1) for p in model.encoder2.gains.parameters() if len(p) == 5]
    assert per_skill
    for gradient in [*per_skill, model.encoder2.encoder.interaction.weight.grad]:
        assert (gradient.abs().max(1).values > 1e-9).all()


def test_bce_reaches_encoder1_and_nothing_of_encoder2(tiny, batch):
    found = gradients(tiny(), batch, "bce")
    for name, value in found.items():
        if name.startswith("encoder2."):
            assert value is None, name
        elif not name.endswith("attention.bias"):  # the key's bias cancels in the softmax
            assert value > 1e-8, name


def test_what_the_configuration_fixes_is_not_learned(tiny, batch):
    found = gradients(tiny({"model.temperature": "fixed", "model.student_velocity": "fixed"}), batch, "im")
    assert found["encoder2.mastery.temperature"] is None and found["encoder2.mastery.gamma"] is None


@torch.no_grad()
def test_the_encoders_share_no_storage(tiny):
    model = build(tiny(), 5, 30, torch.device("cpu"))
    first, second = ({p.data_ptr() for p in part.parameters()} for part in (model.encoder1, model.encoder2))
    assert not first & second
