"""What gives encoder priority its force: shared parameters, rates, a teacher; and that apart it hardly acts."""

import numpy as np
import pytest
import torch

from gainakt import losses
from gainakt.config.effects import acts_on
from gainakt.data.sequences import Windows, split_students
from gainakt.training import checkpoints
from gainakt.training.best import weighted_loss
from gainakt.training.events import Checkpointed, Evaluated
from gainakt.training.loop import train
from gainakt.training.regimes import Phase
from gainakt.training.results import final_results
from gainakt.training.setup import build
from gainakt.training.stepper import Stepper

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=40, lengths=(8, 20), seed=8)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def stepped(config, data, steps=15):
    """The model after a few steps on the same batches, whatever the configuration."""
    model = build(config, 5, 40, CPU).train()
    stepper = Stepper(model, config, steps, CPU)
    windows = Windows(data, np.arange(40), 20, True, CPU)
    for step in range(steps):
        torch.manual_seed(step)
        batch = windows.batch(np.arange(40)[step % 5 :: 5])
        stepper.optimise(config, batch, Phase(), 1)
    return model


def apart(one, other, part):
    """How far two models' parameters of one encoder are from each other, in their norm."""
    pairs = zip(getattr(one, part).parameters(), getattr(other, part).parameters(), strict=True)
    gaps = [(float((a - b).norm()), float(a.norm())) for a, b in pairs]
    return np.hypot.reduce([gap for gap, _ in gaps]) / np.hypot.reduce([norm for _, norm in gaps])


STILL = {"model.dropout": 0.0, "model.width": 16, "training.learning_rate": 1e-3, "training.clip_norm": 1e9,
         "training.schedule": "constant"}  # fmt: skip


@torch.no_grad()
def flip(tiny, data, changes):
    """Encoder 2's move when priority goes from 0.5 to 0.3, against its whole move since the start."""
    with torch.enable_grad():
        even, flipped = (stepped(tiny({**STILL, **changes, "weights.encoder_priority": w}), data) for w in (0.5, 0.3))
    start = build(tiny({**STILL, **changes}), 5, 40, CPU)
    return apart(even, flipped, "encoder2") / apart(start, even, "encoder2")


def test_apart_with_adam_encoder_priority_hardly_moves_encoder_2(tiny, data):
    assert flip(tiny, data, {}) < 5e-3
    other = {"weights.variance": 3.0, "model.gain_head": "linear", "model.gain_start": 0.4}
    assert flip(tiny, data, other) > 5 * flip(tiny, data, {}), "but against its other terms"


@pytest.mark.parametrize("sharing", ["embeddings", "first_block"])
def test_with_shared_parameters_it_moves_encoder_2(tiny, data, sharing):
    assert flip(tiny, data, {"model.sharing": sharing}) > 5 * flip(tiny, data, {})


def test_what_is_shared_is_one_and_the_same(tiny):
    for sharing, expected in (("apart", 0), ("embeddings", 3), ("first_block", 3 + 12)):
        model = build(tiny({"model.sharing": sharing, "model.blocks": 2}), 5, 30, CPU)
        first, second = ({id(p) for p in part.parameters()} for part in (model.encoder1, model.encoder2))
        assert len(first & second) == expected, sharing
    blocks = model.encoder1.encoder.blocks, model.encoder2.encoder.blocks
    assert blocks[0][0] is blocks[1][0] and blocks[0][1] is not blocks[1][1]


def test_shared_parameters_get_both_losses(tiny, data):
    config = tiny({"model.sharing": "embeddings", "model.dropout": 0.0})
    model = build(config, 5, 40, CPU)
    batch = Windows(data, np.arange(40), 20, True, CPU).batch(np.arange(10))
    output = model(batch)
    for logits in (output.logits1, output.logits2):
        (pull,) = torch.autograd.grad(
            losses.cross_entropy(logits, batch.target, batch.scored), model.encoder1.encoder.skill.weight,
            retain_graph=True,
        )  # fmt: skip
        assert float(pull.abs().max()) > 1e-8


def test_sharing_keeps_one_best_epoch_that_of_the_lowest_weighted_loss(tiny, data, tmp_path):
    config = tiny({"model.sharing": "first_block", "training.max_epochs": 8, "training.learning_rate": 0.05,
                   "training.schedule": "constant", "weights.encoder_priority": 0.3})  # fmt: skip
    events = list(train(config, data, folder=tmp_path))
    told = of(Evaluated, events)
    weighted = [0.3 * e.values["validation.bce"] + 0.7 * e.values["validation.im"] for e in told]
    assert weighted == pytest.approx([e.values["validation.weighted_loss"] for e in told])
    best = int(np.argmin(weighted))
    assert 0 < best < 8, "the case under test"
    assert events[-1].best_epoch == {"encoder1": best, "encoder2": best}
    for event in of(Checkpointed, events):
        assert event.auc == told[event.epoch].values[f"validation.{event.encoder}_auc"]
    model = build(config, 5, 28, CPU)
    for encoder in ("encoder1", "encoder2"):
        getattr(model, encoder).load_state_dict(checkpoints.load(tmp_path, encoder))
    split = split_students(data, 0, 0)
    windows = {n: Windows(data, getattr(split, n), 20, n == "train", CPU) for n in ("train", "validation", "test")}
    results, _ = final_results(model, data, split, windows)
    for name, values in results.items():
        assert values == pytest.approx({key: events[-1].results[name][key] for key in values}, abs=1e-9)
    assert weighted_loss(config, {"bce": 1.0, "im": 2.0}) == pytest.approx(1.7)


def test_encoder_2_has_a_learning_rate_of_its_own(tiny, data):
    slow, plain, fast = (
        stepped(tiny({**STILL, "training.encoder2_rate": rate}), data) for rate in (0.1, 1.0, 3.0)
    )  # fmt: skip
    start = build(tiny(STILL), 5, 40, CPU)
    with torch.no_grad():
        moves = [apart(start, model, "encoder2") for model in (slow, plain, fast)]
        assert moves[0] < 0.3 * moves[1] and moves[2] > 1.5 * moves[1]
        assert apart(slow, fast, "encoder1") == 0, "Encoder 1 keeps its own"


def test_a_frozen_encoder_1_that_expects_success_teaches_it(tiny, data):
    told = []
    for weight in (0.0, 20.0):
        config = tiny({**STILL, "training.learning_rate": 0.02, "weights.distillation": weight})
        model = build(config, 5, 40, CPU)
        model.encoder1.head[-1].bias.data.fill_(4.0)
        stepper = Stepper(model, config, 40, CPU)
        batch = Windows(data, np.arange(40), 20, True, CPU).batch(np.arange(40))
        for _ in range(40):
            _, output = stepper.optimise(config, batch, Phase("frozen", "trained"), 1)
        told.append(float(torch.sigmoid(output.logits2[batch.scored]).mean().detach()))
        assert float(model.encoder1.head[-1].bias.detach()) == 4.0
    assert told[1] > told[0] + 0.15


SAID = {
    "hardly any effect": {},
    "it still weighs im against variance, triplet": {"weights.variance": 1.0, "weights.triplet": 1.0},
    "shared embeddings,": {"model.sharing": "embeddings"},
    "shared embeddings and the first block": {"model.sharing": "first_block"},
    "encoder 1 does not train": {"regime.alone_epochs": 1000},
    "at 0 encoder 1 gets no gradient": {"weights.encoder_priority": 0.0},
    "at 1 encoder 2's prediction gets no gradient": {"weights.encoder_priority": 1.0},
}


@pytest.mark.parametrize("said", SAID)
def test_the_page_says_what_priority_acts_on(tiny, said):
    assert said in acts_on("weights.encoder_priority", tiny(SAID[said])).lower()


OTHERS = {
    ("weights.variance", "no effect"): {"origin.variance_added": False},
    ("weights.variance", "between responses"): {"losses.variance_over": "responses"},
    ("weights.variance", "logits over skills"): {"losses.variance_of": "logits"},
    ("weights.beta_spread", "inactive: beta starts with std 0.5"): {"model.beta_start_std": 0.5},
    ("weights.beta_spread", "beta only"): {},
    ("weights.balance", "no experts"): {},
    ("weights.distillation", "no effect in the epochs"): {"regime.alone_epochs": 3},
    ("weights.shrinkage", "gates and b_s"): {"model.gain_head": "mixture"},
    ("weights.contrastive", "mastery head is off"): {"origin.mastery_head": False},
}


@pytest.mark.parametrize(("name", "said"), OTHERS)
def test_the_page_says_what_other_weights_act_on(tiny, name, said):
    assert said in acts_on(name, tiny(OTHERS[name, said])).lower()


def test_where_the_help_says_enough_nothing_is_added(tiny):
    assert acts_on("weights.triplet", tiny()) == acts_on("model.width", tiny()) == ""
    assert acts_on("weights.balance", tiny({"model.gain_head": "mixture"})) == ""
