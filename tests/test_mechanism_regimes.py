"""Which encoder trains when, and weights over epochs."""

import pytest
import torch

from gainakt.config import Config, changed, weights_at
from gainakt.config.training import RegimeConfig
from gainakt.errors import InputError
from gainakt.training import loop
from gainakt.training.events import Changed, Evaluated, PhaseBegan, Stepped
from gainakt.training.loop import train
from gainakt.training.regimes import Phase, phase
from gainakt.training.setup import build

BOTH = Phase()


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=40, lengths=(3, 20), seed=9)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def phases(epochs=6, **settings):
    return [phase(RegimeConfig(**settings), epoch) for epoch in range(1, epochs + 1)]


def test_phases_are_those_of_the_settings():
    removed, frozen = Phase("removed", "trained"), Phase("frozen", "trained")
    assert phases() == [BOTH] * 6
    assert phases(alone_epochs=2) == [removed] * 2 + [BOTH] * 4
    assert phases(alone_epochs=2, alone_from=3, encoder1="frozen") == [BOTH] * 2 + [frozen] * 2 + [BOTH] * 2
    assert phases(alone_epochs=1000) == [removed] * 6
    turn = Phase("trained", "frozen")
    assert phases(alternate=1) == [turn, frozen] * 3
    assert phases(alternate=2) == [turn] * 2 + [frozen] * 2 + [turn] * 2


@pytest.fixture
def watched(monkeypatch):
    """The parameters of a run after every epoch, beside its events."""

    def run(config, data):
        kept, states = {}, []
        monkeypatch.setattr(loop, "build", lambda *given: kept.setdefault("model", build(*given)))
        events = []
        for event in train(config, data):
            events.append(event)
            if isinstance(event, Evaluated):
                states.append({name: p.detach().clone() for name, p in kept["model"].named_parameters()})
        return events, states

    return run


def moved(states, epoch, encoder):
    """Whether any parameter of the encoder moved in this epoch."""
    before, after = states[epoch - 1], states[epoch]
    return any(not torch.equal(before[name], after[name]) for name in after if name.startswith(encoder))


@pytest.mark.parametrize("encoder1", ["removed", "frozen"])
def test_encoder_2_alone_leaves_encoder_1_as_it_is(tiny, data, watched, encoder1):
    config = tiny({"regime.alone_epochs": 2, "regime.encoder1": encoder1, "training.max_epochs": 3})
    events, states = watched(config, data)
    assert [moved(states, epoch, "encoder1") for epoch in (1, 2, 3)] == [False, False, True]
    assert [moved(states, epoch, "encoder2") for epoch in (1, 2, 3)] == [True] * 3
    told = of(Evaluated, events)
    for event in of(Stepped, events):
        assert ("loss.bce" in event.values) == (encoder1 == "frozen" or event.epoch == 3)
        if event.epoch < 3 and encoder1 == "frozen":
            assert event.values["weighted.bce"] == 0
    assert [("train_running.encoder1_auc" in event.values) for event in told[1:]] == [encoder1 == "frozen"] * 2 + [True]
    assert [(event.epoch, event.encoder1, event.encoder2) for event in of(PhaseBegan, events)] == [
        (1, encoder1, "trained"), (3, "trained", "trained"),
    ]  # fmt: skip
    assert events[-1].results["test"]["encoder2_auc"] is not None


def test_encoder_1_removed_cannot_reach_encoder_2(tiny, data, watched):
    """Without dropout, which draws from one generator, Encoder 2 alone learns what it learns beside Encoder 1."""
    still = {"model.dropout": 0.0, "training.clip_norm": 1e9}
    (_, alone), (_, beside) = (
        watched(tiny({**still, "regime.alone_epochs": epochs}), data) for epochs in (1000, 0)
    )  # fmt: skip
    for name, value in alone[1].items():
        if name.startswith("encoder2"):
            torch.testing.assert_close(value, beside[1][name], atol=1e-6, rtol=1e-5)


def test_alternating_turns(tiny, data, watched):
    events, states = watched(tiny({"regime.alternate": 1, "training.max_epochs": 4}), data)
    assert [moved(states, epoch, "encoder1") for epoch in (1, 2, 3, 4)] == [True, False] * 2
    assert [moved(states, epoch, "encoder2") for epoch in (1, 2, 3, 4)] == [False, True] * 2
    for event in of(Stepped, events):
        assert event.values["weighted.im" if event.epoch % 2 else "weighted.bce"] == 0


def test_no_regime_is_bit_identical_to_none(tiny, data):
    def numbers(config):
        return [
            {name: value for name, value in event.values.items() if name != "interactions_per_second"}
            for event in of(Stepped, train(config, data))
        ]

    plain = numbers(tiny({"model.dropout": 0.2}))
    assert plain == numbers(tiny({"model.dropout": 0.2, "regime.alone_from": 3, "regime.encoder1": "frozen"}))
    assert plain == numbers(tiny({"model.dropout": 0.2, "regime.schedule": "encoder_priority 1:0.5"}))
    late = tiny({"model.dropout": 0.2, "regime.alone_epochs": 5, "regime.alone_from": 2})
    assert plain == numbers(late), "a phase that never begins"


def test_a_schedule_is_a_line_between_its_points():
    text = "variance 1:0 11:20 ; gain_targets 3:1 4:0; encoder_priority 2:0.5"
    assert weights_at(text, 1) == {"variance": 0.0, "gain_targets": 1.0, "encoder_priority": 0.5}
    assert weights_at(text, 6) == {"variance": 10.0, "gain_targets": 0.0, "encoder_priority": 0.5}
    assert weights_at(text, 99)["variance"] == 20.0
    assert weights_at("", 1) == {}


WRONG = {
    "unknown weight 'entropy'": "entropy 1:2",
    "'1-2' is not epoch:value": "variance 1-2",
    "'x:2' is not epoch:value": "variance x:2",
    "epochs start at 1": "variance 0:2",
    "weights.encoder_priority is from 0 to 1": "encoder_priority 1:2",
    "weights.variance is from 0 to 5000": "variance 1:nan",
    "each weight once": "variance 1:2; variance 2:3",
    "no epoch twice": "variance 1:2 1:3",
    "with epoch:value points": "variance",
}


@pytest.mark.parametrize("reason", WRONG)
def test_a_schedule_that_is_not_allowed_is_refused(reason):
    with pytest.raises(InputError, match=r"regime\.schedule") as error:
        changed(Config(), {"regime.schedule": WRONG[reason]})
    assert reason in str(error.value)


def test_turns_and_epochs_alone_exclude_each_other():
    with pytest.raises(InputError, match=r"regime\.alternate"):
        changed(Config(), {"regime.alternate": 1, "regime.alone_epochs": 2})


def test_scheduled_weights_act_and_are_told(tiny, data):
    config = tiny({"regime.schedule": "variance 1:0 3:20; encoder_priority 2:0.5 3:0.3", "training.max_epochs": 4})
    events = list(train(config, data))
    told = [(e.epoch, e.field, e.old, e.new, e.who) for e in of(Changed, events)]
    assert told == [
        (2, "weights.variance", 0.0, 10.0, "schedule"), (3, "weights.variance", 10.0, 20.0, "schedule"),
        (3, "weights.encoder_priority", 0.5, 0.3, "schedule"),
    ]  # fmt: skip
    for event in of(Stepped, events):
        assert ("loss.variance" in event.values) == (event.epoch > 1)
        if event.epoch >= 3:
            assert event.values["weighted.variance"] == pytest.approx(20 * event.values["loss.variance"])
            assert event.values["weighted.bce"] == pytest.approx(0.3 * event.values["loss.bce"])


def test_a_slider_moved_by_hand_ends_its_schedule(tiny, data):
    calls = []

    def ask():
        calls.append(1)
        moved = {"kind": "set", "field": "weights.variance", "value": 7.0, "who": "anna"}
        return [moved] if len(calls) == 2 else []

    config = tiny({"regime.schedule": "variance 1:1 3:20; encoder_priority 1:0.5 3:0.3", "training.max_epochs": 3})
    told = [(e.epoch, e.field, e.new, e.who) for e in of(Changed, train(config, data, ask))]
    assert told == [
        (1, "weights.variance", 1.0, "schedule"), (1, "weights.variance", 7.0, "anna"),
        (2, "weights.encoder_priority", 0.4, "schedule"), (3, "weights.encoder_priority", 0.3, "schedule"),
    ]  # fmt: skip


def test_pre_training_brings_the_gains_near_their_targets(tiny, data, watched):
    changes = {
        "regime.alone_epochs": 12,
        "training.max_epochs": 12,
        "training.learning_rate": 0.05,
        "model.prior": "none",
    }
    events, _ = watched(tiny({**changes, "regime.schedule": "gain_targets 12:30 13:0"}), data)
    first, *_, last = of(Stepped, events)
    assert first.values["loss.gain_targets"] > 0.2 and last.values["loss.gain_targets"] < 0.03
