"""Steps rejected, runs failed, constraints with multipliers."""

import numpy as np
import pytest
import torch

from gainakt import losses
from gainakt.config.training import PressureConfig
from gainakt.data.sequences import Windows
from gainakt.errors import RunFailed
from gainakt.jobs.service import execute, queue_run
from gainakt.training import checkpoints
from gainakt.training.events import Evaluated, Stepped
from gainakt.training.loop import Uniform, train
from gainakt.training.pressure import Multipliers, Rejection, measured
from gainakt.training.setup import build

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=60, lengths=(8, 20), seed=10)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_a_step_is_rejected_below_the_threshold_and_so_often_in_a_row_at_most():
    rejection = Rejection(PressureConfig(reject_below=0.1, reject_most=3))
    low, high = torch.full((9,), 0.5), torch.tensor([0.2, 0.8])
    assert [rejection.rejects(low) for _ in range(9)] == [True, True, True, False] * 2 + [True]
    assert rejection.share == 7 / 9
    assert not rejection.rejects(high) and [rejection.rejects(low) for _ in range(4)] == [True, True, True, False]


def test_rejected_steps_change_nothing_and_training_goes_on(tiny, data):
    config = tiny({"pressure.reject_below": 0.5, "pressure.reject_most": 3, "training.max_epochs": 2,
                   "training.schedule": "constant"})  # fmt: skip
    events = list(train(config, data))
    steps = of(Stepped, events)
    assert events[-1].status == "finished" and len(steps) == 12
    assert [round(e.values["rejected_share"] * e.step) for e in steps] == [1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9]
    few = of(Evaluated, events)[-1].parameters["beta"], of(Evaluated, events)[0].parameters["beta"]
    assert few[0] != few[1]
    never = tiny({"pressure.reject_below": 0.5, "pressure.reject_most": 10_000, "training.max_epochs": 2})
    stopped = of(Evaluated, train(never, data))
    assert stopped[-1].parameters == stopped[0].parameters


def test_a_threshold_that_is_met_is_bit_identical_to_none(tiny, data):
    def numbers(changes):
        return [
            {k: v for k, v in e.values.items() if k not in ("interactions_per_second", "rejected_share")}
            for e in of(Stepped, train(tiny({"model.dropout": 0.2, **changes}), data))
        ]

    assert numbers({}) == numbers({"pressure.reject_below": 1e-9}) == numbers({"pressure.fail_below": 1e-9})
    assert "rejected_share" not in of(Stepped, train(tiny(), data))[0].values


def test_a_run_fails_below_a_gain_std_and_keeps_what_it_has(tiny, data, tmp_path):
    config = tiny({"pressure.fail_below": 0.4, "pressure.fail_from": 2, "training.max_epochs": 5})
    events = []
    with pytest.raises(Uniform) as error:
        for event in train(config, data, folder=tmp_path):
            events.append(event)
    assert "after epoch 2, under pressure.fail_below (0.4)" in str(error.value) and isinstance(error.value, RunFailed)
    assert "Last good checkpoints: encoder1 of epoch" in str(error.value)
    assert [event.epoch for event in of(Evaluated, events)] == [0, 1, 2]
    assert checkpoints.load(tmp_path, "encoder2")
    passing = tiny({"pressure.fail_below": 0.4, "pressure.fail_from": 2})
    assert list(train(passing, data))[-1].status == "finished", "the first epoch is not judged"


def test_such_a_run_is_recorded_as_failed_with_the_reason(tiny, class_file, tmp_path):
    config = tiny({"data.path": str(class_file), "pressure.fail_below": 0.4})
    last = execute(queue_run(tmp_path, config, name="uniform", preset="corrected"), config)
    assert last["kind"] == "failed" and last["error"].startswith("gain std ") and last["bad_input"] is False


def test_constrained_values_are_those_of_numpy(tiny, data):
    config = tiny({"model.gain_head": "linear", "model.gain_start": 0.4})
    model = build(config, 5, 60, CPU)
    batch = Windows(data, np.arange(60), 20, True, CPU).batch(np.arange(30))
    seen = losses.LossInputs(batch, model(batch), model.encoder2, config, torch.Generator())
    found = measured(seen, {"gain_std": 1, "skill_cv": 1, "response_ratio": 1})
    gain, skill, response = seen.own.detach().numpy(), seen.skill.numpy(), seen.response.numpy()
    means = np.array([gain[skill == s].mean() for s in range(5)])
    expected = {"gain_std": gain.std(), "skill_cv": means.std() / means.mean(),
                "response_ratio": gain[response == 1].mean() / gain[response == 0].mean()}  # fmt: skip
    for name, value in expected.items():
        assert float(found[name].detach()) == pytest.approx(value, rel=1e-2), name


def test_a_multiplier_grows_with_the_shortfall_and_never_below_zero(tiny, data):
    model = build(tiny(), 5, 60, CPU)
    batch = Windows(data, np.arange(60), 20, True, CPU).batch(np.arange(30))
    held = Multipliers(PressureConfig(least_gain_std=0.3, multiplier_rate=0.5), CPU)
    seen = losses.LossInputs(batch, model(batch), model.encoder2, tiny(), torch.Generator())
    shortfall = 0.3 - float(measured(seen, held.least)["gain_std"].detach())
    loss = torch.tensor(2.0, requires_grad=True)
    assert float(held.lagrangian(loss, seen).detach()) == pytest.approx(2.0)
    held.ascend()
    assert float(held.values()["multiplier.gain_std"]) == pytest.approx(0.5 * shortfall)
    assert float(held.lagrangian(loss, seen).detach()) == pytest.approx(2.0 + 0.5 * shortfall**2, abs=1e-6)
    (pull,) = torch.autograd.grad(held.lagrangian(loss, seen), model.encoder2.gains.after_response)
    assert float(pull.abs().max()) > 0
    held.least["gain_std"] = -9.0  # more than met
    held.lagrangian(loss, seen)
    held.ascend()
    assert float(held.values()["multiplier.gain_std"]) == 0


CONSTRAINTS = {"least_gain_std": ("gain_std", 0.2), "least_skill_cv": ("skill_cv", 1.0),
               "least_response_ratio": ("response_ratio", 3.0)}  # fmt: skip


@pytest.mark.parametrize("field", CONSTRAINTS)
def test_a_constraint_moves_what_it_constrains(tiny, data, field):
    name, asked = CONSTRAINTS[field]
    measure = {"skill_cv": "skill_gain_cv", "response_ratio": "response_gain_ratio"}.get(name, name)
    found = []
    for value in (0.0, asked):
        config = tiny({f"pressure.{field}": value, "pressure.multiplier_rate": 1.0, "training.max_epochs": 10,
                       "training.learning_rate": 0.02, "training.schedule": "constant"})  # fmt: skip
        events = list(train(config, data))
        found.append(of(Evaluated, events)[-1].values[f"validation.{measure}"])
        steps = of(Stepped, events)
        assert (f"multiplier.{name}" in steps[-1].values) == bool(value)
    assert found[1] > found[0]
    assert steps[5].values[f"multiplier.{name}"] > 0
