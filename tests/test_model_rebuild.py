"""Encoder 2's predictions follow from its gains and interpretable parameters alone."""

import math

import numpy as np
import pytest
import torch

from gainakt.data.sequences import Windows, split_students
from gainakt.model.mastery import BOUNDS
from gainakt.training import checkpoints
from gainakt.training.evaluate import every_mastery, predict
from gainakt.training.loop import train
from gainakt.training.setup import build

CPU = torch.device("cpu")
SKILLS, WINDOW = 4, 12


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=24, skills=SKILLS, lengths=(3, 20), seed=5)


def trained(config, data, folder):
    """The model of a run through `train`, from the checkpoints it left, and the run's split."""
    events = list(train(config, data, folder=folder))
    assert events[-1].kind == "finished"
    split = split_students(data, config.training.fold, config.training.seed)
    model = build(config, SKILLS, len(split.train), CPU).eval()
    for encoder in ("encoder1", "encoder2"):
        getattr(model, encoder).load_state_dict(checkpoints.load(folder, encoder))
    return model, split


def configured(tiny, accumulation, threshold, offset, epochs=3):
    return tiny(
        {
            "data.window": WINDOW, "model.accumulation": accumulation, "model.threshold": threshold,
            "model.offset": offset, "model.student_velocity": "per_student", "model.gain_start": 0.2,
            "model.transfer_start": 0.3, "training.learning_rate": 0.05, "training.schedule": "constant",
            "training.max_epochs": epochs, "model.prior": "none",
        }
    )  # fmt: skip


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def rebuilt(dump, accumulation, skills, gains, gamma):
    """Predictions (T-1) and mastery of the asked skills (T-1) of one window, in plain loops."""
    chances, masteries = [], []
    for t in range(len(skills) - 1):
        asked = int(skills[t + 1])
        practice = 0.0
        for earlier in range(t + 1):
            share = 1.0
            if int(skills[earlier]) != asked:
                share = {"all": 1.0, "practised": 0.0, "transfer": float(dump["transfer"][asked])}[accumulation]
            practice += share * float(gains[earlier, asked])
        offset = float(dump["offset"][asked if len(dump["offset"]) > 1 else 0])
        threshold = float(dump["threshold"][asked if len(dump["threshold"]) > 1 else 0])
        mastery = float(dump["saturation"][asked]) * sigmoid(float(dump["beta"][asked]) * gamma * practice - offset)
        masteries.append(mastery)
        chances.append(sigmoid((mastery - threshold) / float(dump["temperature"][0])))
    return np.array(chances), np.array(masteries)


@pytest.mark.parametrize("accumulation", ["all", "practised", "transfer"])
@pytest.mark.parametrize("threshold", ["global", "per_skill"])
@pytest.mark.parametrize("offset", ["global", "per_skill"])
def test_predictions_are_rebuilt_from_the_dump(tiny, data, tmp_path, accumulation, threshold, offset):
    config = configured(tiny, accumulation, threshold, offset)
    model, split = trained(config, data, tmp_path)
    dump = {name: p.detach().numpy().astype(np.float64) for name, p in model.encoder2.mastery.named_parameters()}
    assert len(dump["threshold"]) == (SKILLS if threshold == "per_skill" else 1)
    assert len(dump["offset"]) == (SKILLS if offset == "per_skill" else 1)
    assert dump["gamma"].std() > 1e-3 and dump["beta"].std() > 1e-3
    assert accumulation != "transfer" or dump["transfer"].std() > 1e-3
    for name, part in (("train", split.train), ("validation", split.validation), ("test", split.test)):
        windows = Windows(data, part, WINDOW, name == "train", CPU)
        seen = {key: [] for key in ("p2", "mastery")}
        for _, batch in windows.in_order():
            with torch.no_grad():
                gains = every_mastery(model.encoder2, batch)[1].numpy().astype(np.float64)
            for row in range(len(batch.student)):
                steps = int(batch.valid[row].sum())
                student = int(batch.student[row])
                assert (student >= 0) == (name == "train")
                gamma = dump["gamma"][student] if name == "train" else dump["gamma"].mean()
                chances, mastery = rebuilt(dump, accumulation, batch.skill[row, :steps], gains[row, :steps], gamma)
                seen["p2"].append(chances)
                seen["mastery"].append(mastery)
        told = predict(model, windows)
        np.testing.assert_allclose(told.p2, np.concatenate(seen["p2"]), atol=1e-5, rtol=0)
        np.testing.assert_allclose(told.mastery, np.concatenate(seen["mastery"]), atol=1e-5, rtol=0)
        assert told.p2.std() > 1e-3


HARSH = {
    "training.averaging": 0.0, "training.mastery_rate": 5.0, "training.learning_rate": 0.3, "weights.variance": 50.0,
    "training.max_epochs": 3,
}  # fmt: skip


@pytest.mark.parametrize("accumulation", ["all", "practised", "transfer"])
@pytest.mark.parametrize("preset", ["without-level", "v3-phase1"])
@pytest.mark.parametrize("changes", [{}, HARSH], ids=["mild", "harsh"])
def test_mastery_never_falls_and_gains_stay_inside(tiny, data, tmp_path, accumulation, preset, changes):
    config = tiny({"data.window": WINDOW, "model.accumulation": accumulation, **changes}, preset)
    model, split = trained(config, data, tmp_path)
    windows = Windows(data, split.train, WINDOW, True, CPU)
    batch = windows.batch(np.arange(len(windows)))
    with torch.no_grad():
        mastery, gains = every_mastery(model.encoder2, batch)
    if changes:  # pushed as far as float32 goes: 1 - 1e-8 is 1
        assert float(gains.std()) > 0.02 and float(gains.min()) >= 0 and float(gains.max()) <= 1
    else:
        assert float(gains.min()) > 0 and float(gains.max()) < 1
        practised = predict(model, windows).gain
        assert practised.min() > 0 and practised.max() < 1
    assert float(mastery.min()) >= 0 and float(mastery.max()) <= 1
    assert float(mastery.diff(dim=1)[batch.valid[:, 1:]].min()) >= -1e-7


@torch.no_grad()
@pytest.mark.parametrize("name", BOUNDS)
def test_parameters_pushed_out_of_their_bounds_come_back(tiny, name):
    mastery = build(tiny(), SKILLS, 3, CPU).encoder2.mastery
    for beyond, bound in ((-1e3, BOUNDS[name][0]), (1e3, BOUNDS[name][1])):
        getattr(mastery, name).fill_(beyond)
        mastery.constrain()
        assert getattr(mastery, name).unique().item() == pytest.approx(bound)
    if name in ("beta", "gamma", "temperature", "saturation"):
        assert BOUNDS[name][0] > 0  # mastery never falls, and nothing is divided by zero
