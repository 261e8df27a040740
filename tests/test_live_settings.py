"""Live settings beside the weights act from their step on: rates, decay, dropout, T and the transfer share."""

import pytest

from gainakt.training.events import Changed, Evaluated, Refused, Stepped
from gainakt.training.loop import Training, train


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=60, lengths=(2, 20), seed=2)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def asking(at, *rows):
    calls = []

    def since_last():
        calls.append(1)
        return list(rows) if len(calls) == at else []

    return since_last


def change(field, value):
    return {"kind": "set", "field": field, "value": value, "who": "tests"}


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_a_learning_rate_scales_the_schedule_from_its_step_on(tiny, data, schedule):
    config = tiny({"training.max_epochs": 2, "training.schedule": schedule, "training.learning_rate": 0.01})
    rates = [
        {event.step: event.values["learning_rate"] for event in of(Stepped, train(config, data, requests))}
        for requests in (list, asking(5, change("training.learning_rate", 0.002)))
    ]
    alone, steered = rates
    assert all(steered[step] == alone[step] for step in range(1, 5))
    assert all(steered[step] == pytest.approx(alone[step] / 5) for step in range(5, 13))


def test_the_factors_of_a_rate_move_their_groups_alone(tiny, data):
    run = Training(tiny(), data, list, None, 0)
    run.prepare()
    before = [group["lr"] for group in run.stepper.optimiser.param_groups]
    list(run.set("training.mastery_rate", 4.0, "tests", 1))
    list(run.set("training.weight_decay", 0.5, "tests", 1))
    after = run.stepper.optimiser.param_groups
    assert [group["lr"] / old for group, old in zip(after, before, strict=True)] == pytest.approx([1, 1, 1, 1, 2])
    assert [group["weight_decay"] for group in after] == [0.5, 0.0, 0.5, 0.0, 0.0]


def test_dropout_temperature_and_transfer_are_set_in_the_model(tiny, data):
    config = tiny({"model.temperature": "fixed", "model.dropout": 0.1})
    run = Training(config, data, list, None, 0)
    run.prepare()
    for name, value in (("model.dropout", 0.4), ("model.gain_dropout", 0.3), ("model.temperature_start", 0.5),
                        ("model.transfer_start", 0.2)):  # fmt: skip
        list(run.set(name, value, "tests", 1))
    encoder = run.model.encoder2
    assert encoder.drop.p == 0.3 and encoder.encoder.drop.p == 0.4 and run.model.encoder1.encoder.drop.p == 0.4
    assert encoder.mastery.temperature.tolist() == [0.5]
    assert encoder.mastery.transfer.tolist() == pytest.approx([0.2] * 5)


def test_a_fixed_temperature_stays_where_it_was_put(tiny, data):
    config = tiny({"training.max_epochs": 2, "model.temperature": "fixed"})
    events = list(train(config, data, asking(3, change("model.temperature_start", 0.5))))
    assert [event.new for event in of(Changed, events)] == [0.5] and not of(Refused, events)
    assert of(Evaluated, events)[-1].parameters["temperature"]["mean"] == 0.5
