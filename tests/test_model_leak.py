"""Nothing that happens later reaches a prediction, a mastery or a gain."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from gainakt.data.sequences import Batch, Windows
from gainakt.model.gainakt import GainAKT, aggregate_gains
from gainakt.training.evaluate import every_mastery, predict

SKILLS, STEPS, WINDOWS = 5, 12, 3
NUMBERS = {"float32": 1e-6, "float64": 1e-13, "bfloat16": 1e-6}
"""The widest difference that counts as none: autocast to bfloat16 gives equal numbers for equal inputs."""


@pytest.fixture(params=["all", "practised", "transfer"])
def accumulation(request):
    return request.param


@pytest.fixture(params=["additive", "linear"])
def gain_head(request):
    return request.param


@pytest.fixture(params=["none", "student", "student_skill"])
def level(request):
    return request.param


@pytest.fixture
def model(tiny, accumulation, gain_head, level):
    encoder1 = "transformer" if level == "none" else "recurrent"
    config = tiny(
        {"model.accumulation": accumulation, "model.gain_head": gain_head, "model.blocks": 2}
        | {"model.level": level, "model.encoder1": encoder1}
    )
    torch.manual_seed(1)
    model = GainAKT(config.model, SKILLS, WINDOWS, STEPS).eval()
    with torch.no_grad():  # a fresh head gives all but equal gains, which would hide a leak
        for parameter in model.encoder2.gains.parameters():
            parameter.add_(torch.randn_like(parameter))
        if model.encoder2.level is not None:
            model.encoder2.level.size.fill_(2.0)
    return model


def drawn(seed):
    numbers = torch.Generator().manual_seed(seed)
    return Batch(
        student=torch.tensor([0, 1, -1]),
        skill=torch.randint(0, SKILLS, (WINDOWS, STEPS), generator=numbers),
        response=torch.randint(0, 2, (WINDOWS, STEPS), generator=numbers),
        valid=torch.ones(WINDOWS, STEPS, dtype=torch.bool),
        interactions=WINDOWS * STEPS,
    )


def with_future(batch, other, known_skills, known_responses):
    """`batch` up to the known steps, `other` from there on."""
    skill, response = other.skill.clone(), other.response.clone()
    skill[:, :known_skills] = batch.skill[:, :known_skills]
    response[:, :known_responses] = batch.response[:, :known_responses]
    return replace(batch, skill=skill, response=response)


def everything(model, batch):
    with torch.no_grad():
        output = model(batch)
        mastery, gains = every_mastery(model.encoder2, batch)
    named = output._asdict() | {"aggregate": aggregate_gains(output), "every_mastery": mastery, "every_gain": gains}
    return {name: value.double() for name, value in named.items()}


def differ(one, other, tolerance):
    return bool(((one - other).abs() > tolerance).any())


@pytest.mark.parametrize("number", NUMBERS)
def test_later_skills_and_responses_change_nothing_before(model, number):
    model = model.double() if number == "float64" else model
    batch, other = drawn(2), drawn(3)
    other = replace(other, response=1 - batch.response, skill=(batch.skill + 1 + other.skill % 4) % SKILLS)
    with torch.autocast("cpu", torch.bfloat16) if number == "bfloat16" else nullcontext():
        before = everything(model, batch)
        for t in range(STEPS - 1):
            # after interaction t the model knows q_1..q_t, r_1..r_t and the asked skill q_{t+1}
            after = everything(model, with_future(batch, other, t + 2, t + 1))
            for name, value in after.items():
                seen = slice(0, t + 1)
                assert not differ(value[:, seen], before[name][:, seen], NUMBERS[number]), f"{name} at {t} sees later"
            if t + 2 < STEPS - 1:
                for name in ("logits1", "logits2", "mastery", "gains", "every_mastery"):
                    later = slice(t + 1, None)
                    assert differ(after[name][:, later], before[name][:, later], 1e-4), f"{name} ignores the history"


def test_the_asked_skill_changes_its_prediction_and_no_gain_or_mastery_before(model):
    batch, other = drawn(2), drawn(3)
    other = replace(other, skill=(batch.skill + 1) % SKILLS)
    before = everything(model, batch)
    for t in range(STEPS - 1):
        after = everything(model, with_future(batch, other, t + 1, t + 1))
        for name in ("gains", "states", "every_mastery", "every_gain"):
            assert not differ(after[name][:, : t + 1], before[name][:, : t + 1], 1e-6), f"{name} sees the asked skill"
        for name in ("logits1", "logits2", "mastery"):
            assert not differ(after[name][:, :t], before[name][:, :t], 1e-6), f"{name} sees a later asked skill"
            assert differ(after[name][:, t], before[name][:, t], 1e-4), f"{name} does not depend on the asked skill"


def test_windows_of_a_batch_do_not_see_each_other(model):
    batch, other = drawn(2), drawn(3)
    mixed = replace(
        batch,
        skill=torch.cat([batch.skill[:1], other.skill[1:]]),
        response=torch.cat([batch.response[:1], other.response[1:]]),
        student=torch.tensor([0, -1, 2]),
    )
    before, after = everything(model, batch), everything(model, mixed)
    for name in before:
        assert not differ(before[name][0], after[name][0], 1e-6), name


def test_windows_of_one_student_start_anew(model, small_class):
    data = small_class(students=1, lengths=(STEPS * 2 + 5, STEPS * 2 + 5))
    flipped = replace(data, response=np.where(np.arange(len(data)) < STEPS, 1 - data.response, data.response))
    alone = replace(data, **{name: getattr(data, name)[STEPS:] for name in ("student", "skill", "response")})
    seen = {
        name: predict(model, Windows(some, np.array([0]), STEPS, False, torch.device("cpu")))
        for name, some in {"as it is": data, "first window flipped": flipped, "without it": alone}.items()
    }
    assert len(seen["as it is"].p2) == 2 * (STEPS - 1) + 4
    assert len(seen["without it"].p2) == (STEPS - 1) + 4
    for name in ("p1", "p2", "mastery", "gain"):
        kept = {which: np.sort(getattr(part, name)) for which, part in seen.items()}
        # every value of the student without its first window is among the values with it, whatever that window held
        for which in ("as it is", "first window flipped"):
            nearest = np.abs(kept["without it"][:, None] - kept[which][None, :]).min(1)
            assert nearest.max() < 1e-6, (name, which)
        assert np.abs(kept["as it is"] - kept["first window flipped"]).max() > 1e-4
