"""The loss terms by themselves: values, gradients, weights."""

import numpy as np
import pytest
import torch

from gainakt import losses
from gainakt.config import LossConfig, WeightsConfig

EVEN = {"variance": 0.0, "contrastive": 0.0}


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
    assert hinge(around(0.5, 0.25)).item() == 0
    assert pull(hinge, around(0.5, 0.25)) == 0


@pytest.mark.parametrize("loss", [hinge, losses.minus_variance])
def test_gains_that_are_exactly_equal_give_a_number_and_a_finite_gradient(loss):
    gains = torch.full((4, 6), 0.5, requires_grad=True)
    value = loss(gains)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(gains.grad).all()


def test_beta_spread_is_a_hinge_at_the_seeds_criterion():
    narrow = torch.tensor([1.0, 1.2], requires_grad=True)
    loss = losses.beta_spread(narrow)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.2)
    assert narrow.grad[0] > 0 > narrow.grad[1]  # descent moves them apart
    assert float(losses.beta_spread(torch.tensor([1.0, 3.0]))) == 0
    equal = torch.full((3,), 2.0, requires_grad=True)
    losses.beta_spread(equal).backward()
    assert torch.isfinite(equal.grad).all()


def test_weights_share_out_bce_and_im_and_multiply_the_rest():
    terms = {"bce": 2.0, "im": 3.0, "variance": -0.5, "contrastive": -0.25, "beta_spread": 0.1}
    tensors = {name: torch.tensor(value) for name, value in terms.items()}
    weights = WeightsConfig(bce=0.3, variance=10, contrastive=4, beta_spread=7)
    expected = 0.3 * 2 + 0.7 * 3 - 10 * 0.5 - 4 * 0.25 + 7 * 0.1
    assert float(losses.total(tensors, weights)) == pytest.approx(expected)
    only = WeightsConfig(bce=1.0)
    assert float(losses.total(tensors, only)) == pytest.approx(2.0)


@pytest.mark.parametrize("form", ["minus_variance", "std_hinge"])
def test_gains_of_all_skills_are_computed_only_for_a_weight_above_zero(form):
    calls = []

    def gains():
        calls.append(1)
        return torch.rand(5, 4)

    def terms(**weights):
        calls.clear()
        return losses.differentiation(gains, torch.rand(4), LossConfig(variance_form=form), WeightsConfig(**weights))

    assert terms(**EVEN) == {} and not calls
    assert set(terms(**EVEN, beta_spread=1.0)) == {"beta_spread"} and not calls
    for name in EVEN:
        assert set(terms(**EVEN | {name: 0.1})) == {name} and calls == [1]
    assert set(terms(variance=1, contrastive=1)) == {"variance", "contrastive"} and calls == [1]


def test_the_variance_form_changes_the_variance_term_and_never_the_contrastive_one():
    gains = torch.full((3, 4), 0.5) + torch.tensor([0.0, 0.01, 0.02, 0.03])
    forms = {
        form: losses.differentiation(
            lambda: gains,
            torch.ones(4),
            LossConfig(variance_form=form, std_target=0.3),
            WeightsConfig(variance=1, contrastive=1),
        )
        for form in ("minus_variance", "std_hinge")
    }
    minus, hinged = forms["minus_variance"], forms["std_hinge"]
    assert minus["variance"] == minus["contrastive"] == hinged["contrastive"] < 0
    assert float(hinged["variance"]) == pytest.approx(0.3 - np.sqrt(0.01**2 * 1.25 + 1e-4), abs=1e-6)
