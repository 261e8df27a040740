"""The loss terms by themselves: values, gradients, weights."""

import numpy as np
import pytest
import torch

from gainakt import losses
from gainakt.config import Config, WeightsConfig, changed


def around(mean, std, seed=0):
    """Gains (200, 12) with exactly this std over skills at every interaction."""
    numbers = torch.from_numpy(np.random.default_rng(seed).standard_normal((200, 12)))
    numbers = numbers - numbers.mean(1, keepdim=True)
    return (mean + std * numbers / numbers.std(1, correction=0, keepdim=True)).requires_grad_()


def pull(loss, gains):
    """Length of the loss's gradient with respect to the gains."""
    (gradient,) = torch.autograd.grad(loss(gains), gains)
    return float(gradient.norm())


def hinge(gains):
    return losses.std_hinge(gains, 0.2)


def test_cross_entropy_is_that_of_numpy_over_the_masked_steps():
    rng = np.random.default_rng(0)
    logits, target, mask = rng.normal(0, 3, (6, 9)), rng.integers(0, 2, (6, 9)), rng.random((6, 9)) < 0.4
    chance = 1 / (1 + np.exp(-logits))
    expected = -np.where(target == 1, np.log(chance), np.log(1 - chance))[mask].mean()
    found = losses.cross_entropy(torch.tensor(logits), torch.tensor(target).float(), torch.tensor(mask))
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_cross_entropy_of_half_precision_logits_is_summed_in_float32():
    logits = torch.full((50, 200), 0.3, dtype=torch.bfloat16)
    found = losses.cross_entropy(logits, torch.ones(50, 200), torch.ones(50, 200, dtype=torch.bool))
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(np.log1p(np.exp(-float(logits[0, 0]))), abs=1e-6)


def test_variance_terms_are_those_of_numpy():
    gains = np.random.default_rng(1).random((7, 5))
    assert float(losses.minus_variance(torch.tensor(gains))) == pytest.approx(-gains.var(1).mean())
    expected = np.maximum(0, 0.3 - np.sqrt(gains.var(1) + 1e-4)).mean()
    assert float(losses.std_hinge(torch.tensor(gains), 0.3)) == pytest.approx(expected)


def test_the_hinge_counts_each_interaction_and_not_their_mean():
    gains = torch.tensor([[0.5, 0.5], [0.0, 1.0]], dtype=torch.float64)
    assert float(losses.std_hinge(gains, 0.2)) == pytest.approx((0.2 - 0.01) / 2)


def test_the_hinge_still_pulls_where_gains_have_collapsed_and_minus_variance_does_not():
    spread, seeds_collapse = 0.1, 0.0018
    kept = pull(hinge, around(0.5, seeds_collapse)) / pull(hinge, around(0.5, spread))
    lost = pull(losses.minus_variance, around(0.5, seeds_collapse)) / pull(losses.minus_variance, around(0.5, spread))
    assert lost == pytest.approx(seeds_collapse / spread, rel=1e-3)
    assert kept > 0.15 and kept > 8 * lost


def test_the_hinge_pulls_apart_and_rests_at_its_target():
    gains = around(0.5, 0.01)
    (gradient,) = torch.autograd.grad(hinge(gains), gains)
    assert hinge((gains - 0.1 * gradient / gradient.norm()).detach()) < hinge(gains)
    assert float(hinge(around(0.5, 0.25)).detach()) == 0
    assert pull(hinge, around(0.5, 0.25)) == 0


@pytest.mark.parametrize("loss", [hinge, losses.minus_variance])
def test_gains_that_are_exactly_equal_give_a_number_and_a_finite_gradient(loss):
    gains = torch.full((4, 6), 0.5, requires_grad=True)
    value = loss(gains)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(gains.grad).all()


ON = {"weights.variance": 10, "weights.contrastive": 4, "weights.beta_spread": 7, "weights.encoder_priority": 0.3,
      "weights.fit": 0.0}  # fmt: skip


def test_weights_share_out_bce_and_im_and_multiply_the_rest():
    terms = {"bce": 2.0, "im": 3.0, "variance": -0.5, "contrastive": -0.25, "beta_spread": 0.1}
    weights = losses.applied(changed(Config(), ON))
    assert weights == {"bce": 0.3, "im": 0.7, "variance": 10, "contrastive": 4, "beta_spread": 7}
    total, told = losses.weighted({name: torch.tensor(value) for name, value in terms.items()}, weights)
    expected = {name: weights[name] * value for name, value in terms.items()}
    assert float(total) == pytest.approx(sum(expected.values()))
    whole = sum(map(abs, expected.values()))
    for name, value in expected.items():
        assert float(told[f"weighted.{name}"]) == pytest.approx(value)
        assert float(told[f"share.{name}"]) == pytest.approx(abs(value) / whole)


def test_only_terms_with_a_weight_are_computed():
    none = changed(Config(), {"weights.fit": 0.0})
    assert losses.applied(none) == {"bce": 0.5, "im": 0.5}
    for name in WeightsConfig.model_fields:
        if name != "encoder_priority":
            found = losses.applied(changed(none, {f"weights.{name}": 0.25}))
            assert found == {"bce": 0.5, "im": 0.5, name: 0.25}


def test_an_encoder_that_does_not_learn_weighs_nothing():
    config = changed(Config(), ON)
    assert losses.applied(config, encoder1="frozen")["bce"] == 0
    assert "bce" not in losses.applied(config, encoder1="removed")
    assert losses.applied(config, encoder2="frozen") == {"bce": 0.3, "im": 0.0}


def test_every_weight_has_its_term_and_every_term_its_weight():
    assert set(losses.TERMS) - {"im", "bce"} == set(WeightsConfig.model_fields) - {"encoder_priority"}
