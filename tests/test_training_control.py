"""What is asked of a training while it runs: live weights, refusals, stop."""

import pytest
import torch

from gainakt.errors import RunFailed
from gainakt.training.events import Changed, Evaluated, Refused, Stepped
from gainakt.training.loop import train
from gainakt.training.stepper import Stepper


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=60, lengths=(2, 20), seed=2)


def asking(at, *requests):
    """Requests that come before step `at`: the generator asks once before each step."""
    calls = []

    def since_last():
        calls.append(1)
        return list(requests) if len(calls) == at else []

    return since_last


def change(field, value, who="tests"):
    return {"kind": "set", "field": field, "value": value, "who": who}


STOP = {"kind": "stop", "who": "tests"}


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def numbers(events):
    """step -> what it recorded, without the clock."""
    return {
        event.step: {name: value for name, value in event.values.items() if name != "interactions_per_second"}
        for event in of(Stepped, events)
    }


@pytest.fixture(scope="module")
def config(tiny):
    return tiny({"training.max_epochs": 3, "model.dropout": 0.2, "training.learning_rate": 0.02})


@pytest.fixture(scope="module")
def alone(config, data):
    return numbers(train(config, data))


@pytest.mark.parametrize("at", [1, 4, 9])
def test_a_live_weight_acts_from_its_step_on_and_not_before(config, data, alone, at):
    events = list(train(config, data, asking(at, change("weights.variance", 50, "anna"))))
    (told,) = of(Changed, events)
    assert (told.step, told.field, told.old, told.new, told.who) == (at, "weights.variance", 0.0, 50.0, "anna")
    assert told.epoch == next(event.epoch for event in of(Stepped, events) if event.step == at)
    steered = numbers(events)
    assert list(steered) == list(alone)
    for step in range(1, at):
        assert steered[step] == alone[step]
    assert "loss.variance" not in alone[at] and steered[at]["loss.variance"] <= 0
    for name in ("loss.bce", "loss.im", "gain_std"):  # the parameters and dropout of this step are still the same
        assert steered[at][name] == alone[at][name]
    assert steered[at]["loss.total"] == pytest.approx(
        alone[at]["loss.total"] + 50 * steered[at]["loss.variance"], abs=1e-5
    )
    last = max(alone)
    assert steered[last]["loss.variance"] < steered[at]["loss.variance"]
    assert steered[last]["loss.im"] != alone[last]["loss.im"]


def test_encoder_priority_as_text_is_parsed_and_acts(config, data, alone):
    events = list(train(config, data, asking(5, change("weights.encoder_priority", "0.9"))))
    assert of(Changed, events)[0].new == 0.9
    steered = numbers(events)
    expected = 0.9 * alone[5]["loss.bce"] + 0.1 * alone[5]["loss.im"]
    assert steered[5]["loss.total"] == pytest.approx(expected, abs=1e-6)
    assert steered[4] == alone[4]


def test_the_hinges_target_is_live(tiny, data):
    config = tiny({"weights.variance": 1.0, "losses.variance_form": "std_hinge", "losses.std_target": 0.1})
    events = list(train(config, data, asking(3, change("losses.std_target", 0.4))))
    steps = numbers(events)
    assert steps[3]["loss.variance"] - steps[2]["loss.variance"] == pytest.approx(0.3, abs=0.02)


REFUSED = {
    "not live": ("model.width", 16, "model.width cannot change while a run trains"),
    "batch size": ("training.batch_size", 16, "training.batch_size cannot change while a run trains"),
    "too large": ("weights.variance", 5001, "less than or equal to 5000"),
    "negative": ("weights.encoder_priority", -0.1, "greater than or equal to 0"),
    "no number": ("weights.beta_spread", "much", "weights.beta_spread"),
    "nan": ("weights.variance", float("nan"), "finite number"),
    "unknown": ("weights.entropy", 1, "unknown setting 'weights.entropy'"),
    "not dotted": ("variance", 1, "unknown setting 'variance'"),
    "nothing": ("weights.variance", None, "weights.variance"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_change_is_told_and_changes_nothing(config, data, alone, case):
    field, value, reason = REFUSED[case]
    events = list(train(config, data, asking(4, change(field, value, "anna"))))
    (told,) = of(Refused, events)
    assert (told.step, told.field, told.who) == (4, field, "anna") and reason in told.reason
    assert not of(Changed, events)
    assert numbers(events) == alone


MALFORMED = {
    "no field": {"kind": "set", "value": 1.0, "who": "anna"},
    "no value": {"kind": "set", "field": "weights.variance", "who": "anna"},
    "a list as field": {"kind": "set", "field": ["weights.variance"], "value": 1.0, "who": "anna"},
    "a list as value": {"kind": "set", "field": "weights.variance", "value": [1.0], "who": "anna"},
    "nobody": {"kind": "set", "field": "weights.variance"},
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_request_is_refused_and_the_training_goes_on(config, data, alone, case):
    events = list(train(config, data, asking(4, MALFORMED[case])))
    (refused,) = of(Refused, events)
    assert refused.step == 4 and refused.reason and refused.who == MALFORMED[case].get("who", "unknown")
    assert numbers(events) == alone


def test_requests_that_name_nobody_or_are_of_another_kind_do_no_harm(config, data, alone):
    rows = [{"kind": "damaged", "line": "x"}, {"kind": "rename", "name": "y"}, {"kind": 3}]
    assert numbers(train(config, data, asking(4, *rows))) == alone
    assert list(train(config, data, asking(4, {"kind": "stop"})))[-1].reason == "stopped by unknown"


def test_several_changes_before_one_step_act_in_order(config, data):
    asked = [change("weights.variance", 5), change("weights.variance", -5), change("weights.variance", 7)]
    events = list(train(config, data, asking(2, *asked)))
    assert [(event.old, event.new) for event in of(Changed, events)] == [(0.0, 5.0), (5.0, 7.0)]
    assert [event.value for event in of(Refused, events)] == [-5]


@pytest.mark.parametrize("at", [2, 7, 9])
def test_stop_ends_after_the_current_step_with_results_and_checkpoints(config, data, alone, tmp_path, at):
    steps_per_epoch = 6
    events = list(train(config, data, asking(at, STOP), tmp_path))
    finished = events[-1]
    assert (finished.status, finished.reason, finished.step) == ("stopped", "stopped by tests", at - 1)
    assert events[0].steps_per_epoch == steps_per_epoch
    assert numbers(events) == {step: alone[step] for step in range(1, at)}
    assert finished.results["test"]["encoder1_auc"] is not None and finished.skills
    kept = sorted(file.name.partition("-")[0] for file in tmp_path.glob("*.safetensors"))
    assert kept == ["encoder1", "encoder2", "predictions"]
    # a stop between two epochs evaluates nothing twice
    assert [event.step for event in of(Evaluated, events)] == sorted({0, *range(6, at, 6), at - 1})


def test_stop_before_the_first_step_gives_the_untrained_model(config, data):
    finished = list(train(config, data, asking(1, STOP)))[-1]
    assert (finished.status, finished.step, finished.epochs) == ("stopped", 0, 0)
    assert finished.results["test"]["gain_std"] is not None


def test_a_change_beside_a_stop_does_not_prevent_it(config, data):
    events = list(train(config, data, asking(3, STOP, change("weights.variance", 1))))
    assert events[-1].status == "stopped" and events[-1].step == 2


def test_a_generator_that_is_closed_leaves_its_checkpoints(config, data, tmp_path):
    running = train(config, data, folder=tmp_path)
    for event in running:
        if isinstance(event, Stepped) and event.step == 3:
            break
    running.close()
    assert list(tmp_path.glob("encoder1-*.safetensors")) and (tmp_path / "encoder2.json").exists()


def test_running_out_of_memory_is_one_error_that_says_what_to_do(config, data, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 79 GiB.")

    monkeypatch.setattr(Stepper, "optimise", full)
    with pytest.raises(RunFailed, match=r"^CUDA out of memory: .*training\.batch_size \(now 8\)"):
        list(train(config, data))
