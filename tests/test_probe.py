"""Looking into a model: the pull of the terms is what autograd says, and looking changes nothing."""

import copy

import numpy as np
import pytest
import torch

from gainakt import losses
from gainakt.data.sequences import Windows
from gainakt.training import probe
from gainakt.training.regimes import Phase
from gainakt.training.setup import build


@pytest.fixture
def made(tiny, small_class):
    def make(changes=None, name="without-level"):
        config, data = tiny(changes, name), small_class()
        windows = Windows(data, np.arange(20), config.data.window, True, torch.device("cpu"))
        return config, build(config, len(data.skills), 20, torch.device("cpu")), windows

    return make


@pytest.mark.parametrize(
    "name", ["corrected", "without-level", "v3-phase1", "mixture-of-experts", "hierarchical", "adversarial"]
)
def test_looking_changes_neither_weights_nor_chance_nor_memory(made, name):
    config, model, windows = made({"weights.variance": 1.0, "weights.gain_targets": 0.5}, name)
    batch, memory = windows.batch(np.arange(8)), {}
    before, chance = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    told = probe.gradients(model.train(), config, batch, Phase(), memory)
    probe.state(model, windows)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance) and memory == {} and model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert "pairs" not in vars(model.encoder2.gains)
    for where in ("gains", "parameters"):
        shares = [value for key, value in told.items() if key.startswith(f"gradient.{where}.share.")]
        assert sum(shares) == pytest.approx(1)
        assert told[f"gradient.{where}.share.bce"] == 0, "the encoders share nothing"
    assert all(-1 <= value <= 1 for key, value in told.items() if ".cosine." in key)


def test_the_norms_are_autograds(made):
    config, model, windows = made({"weights.variance": 3.0, "model.dropout": 0.0})
    batch = windows.batch(np.arange(4))
    told = probe.gradients(model, config, batch)
    seen = losses.LossInputs(batch, model.eval()(batch), model.encoder2, config, torch.Generator().manual_seed(0))
    for name, weight in (("im", 0.5), ("variance", 3.0)):
        term = weight * losses.compute(seen, {name: weight})[name]
        parts = [p for p in model.encoder2.parameters() if p.requires_grad]
        found = torch.autograd.grad(term, parts, retain_graph=True, allow_unused=True)
        norm = torch.cat([g.flatten() for g in found if g is not None]).norm()
        assert told[f"gradient.parameters.norm.{name}"] == pytest.approx(float(norm), rel=1e-4)


def test_two_names_of_one_formula_pull_the_same_way(made):
    config, model, windows = made({"weights.contrastive": 1.0}, "v3-phase1")
    told = probe.gradients(model, config, windows.batch(np.arange(8)))
    assert told["gradient.gains.cosine.variance.contrastive"] == pytest.approx(1, abs=1e-5)
    assert told["gradient.gains.norm.variance"] == pytest.approx(2 * told["gradient.gains.norm.contrastive"], rel=1e-4)


def test_the_gain_logit_of_a_later_interaction_gets_no_pull_from_an_earlier_prediction(made):
    _, model, windows = made()
    batch = windows.batch(np.arange(4))
    with probe._shifted(model.encoder2, batch) as shift:
        logits = model.eval()(batch).logits2
        (pull,) = torch.autograd.grad(logits[:, 2].sum(), shift)
    assert pull[:, 3:].abs().sum() == 0 and pull[:, :3].abs().sum() > 0


def test_saturation_edges_and_bounds_are_counted(made):
    _, model, windows = made({"model.gain_start": 0.999, "model.accumulation": "all", "model.beta_start": 0.02})
    told = probe.state(model, windows)
    assert told["gains_at_edge"] > 0.9 and told["distinct_gains"] == pytest.approx(1, abs=0.2)
    with torch.no_grad():
        model.encoder2.mastery.beta.fill_(20.0)
        model.encoder2.mastery.offset.fill_(0.0)
    now = probe.state(model, windows)
    assert now["curve_past"] > 0.9 > told["curve_past"] and now["practice_past"] > 0.5
    assert now["curve_slope"] < 0.025 and now["at_bounds.beta"] == 1 and told["at_bounds.beta"] == 0
    assert 0 <= told["practised_gain_std"] < 0.01
