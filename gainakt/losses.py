"""Loss terms: masked sums over counts, never means of padded positions; weights are applied by `total`."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from gainakt.config import LossConfig, WeightsConfig

BETA_STD_TARGET = 0.3
"""The seed's criterion on std(beta)."""


def cross_entropy(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy in nats over the masked steps (B, T)."""
    terms = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (terms * mask).sum() / mask.sum().clamp(min=1)


def minus_variance(gains: Tensor) -> Tensor:
    """Minus the variance over skills, mean over interactions; gains (N, S). The origin's variance and contrast."""
    return -gains.var(dim=-1, correction=0).mean()


def std_hinge(gains: Tensor, target: float) -> Tensor:
    """max(0, target - std over skills), mean over interactions; gains (N, S). VICReg, arXiv 2105.04906."""
    return F.relu(target - torch.sqrt(gains.var(dim=-1, correction=0) + 1e-4)).mean()


def beta_spread(beta: Tensor) -> Tensor:
    """max(0, 0.3 - std(beta)); beta (S,)."""
    return F.relu(BETA_STD_TARGET - beta.std(correction=0))


def differentiation(
    gains: Callable[[], Tensor], beta: Tensor, losses: LossConfig, weights: WeightsConfig
) -> dict[str, Tensor]:
    """The terms that push skills apart and have a weight; `gains()` (N, S) is computed only if one needs it."""
    terms = {}
    if weights.variance or weights.contrastive:
        all_gains = gains()
        contrast = minus_variance(all_gains)
        hinge = losses.variance_form == "std_hinge"
        terms = {"variance": std_hinge(all_gains, losses.std_target) if hinge else contrast, "contrastive": contrast}
    if weights.beta_spread:
        terms["beta_spread"] = beta_spread(beta)
    return {name: term for name, term in terms.items() if getattr(weights, name)}


def total(terms: dict[str, Tensor], weights: WeightsConfig) -> Tensor:
    """w BCE + (1 - w) IM + the other terms by their own weights."""
    share = {"bce": weights.bce, "im": 1 - weights.bce}
    return torch.stack([terms[name] * share.get(name, getattr(weights, name, 0.0)) for name in terms]).sum()
