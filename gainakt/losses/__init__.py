"""Loss terms, one per file: `TERMS` lists them, `weights.NAME` is a term's weight.

Masked sums over counts, never means of padded positions; a term of weight 0 is not computed. Knows batches and the
model's output; no optimiser, no training.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gainakt.config import Config
from gainakt.losses import (
    adversary,
    balance,
    bce,
    beta_spread,
    contrastive,
    distillation,
    fit,
    gain_response,
    gain_targets,
    im,
    ranking,
    shrinkage,
    smoothness,
    triplet,
    variance,
)
from gainakt.losses.inputs import LossInputs
from gainakt.losses.parts import cross_entropy, minus_variance, std_hinge
from gainakt.model.gainakt import Part

__all__ = ["TERMS", "LossInputs", "applied", "compute", "cross_entropy", "minus_variance", "std_hinge", "weighted"]

TERMS: dict[str, Callable[[LossInputs], Tensor]] = {
    "adversary": adversary.loss,
    "balance": balance.loss,
    "bce": bce.loss,
    "beta_spread": beta_spread.loss,
    "contrastive": contrastive.loss,
    "distillation": distillation.loss,
    "fit": fit.loss,
    "gain_response": gain_response.loss,
    "gain_targets": gain_targets.loss,
    "im": im.loss,
    "ranking": ranking.loss,
    "shrinkage": shrinkage.loss,
    "smoothness": smoothness.loss,
    "triplet": triplet.loss,
    "variance": variance.loss,
}
"""Term -> its loss, one number to be minimised."""


def applied(config: Config, encoder1: Part = "trained", encoder2: Part = "trained") -> dict[str, float]:
    """Term -> its weight in the total, of every term to be computed: `bce` and `im` always, others if they have one.

    What an encoder predicts while it does not learn is logged and weighs 0; Encoder 1 removed has no `bce`.
    """
    weights = config.weights
    others = {name: value for name, value in weights.model_dump().items() if value and name != "encoder_priority"}
    if not config.model.fitted:
        others.pop("fit", None)
    if "variance" in others and not config.origin.variance_added:
        others["variance"] = 0.0
    first = {} if encoder1 == "removed" else {"bce": weights.encoder_priority if encoder1 == "trained" else 0.0}
    second = {"im": 1 - weights.encoder_priority, **others} if encoder2 == "trained" else {"im": 0.0}
    return first | second


def compute(inputs: LossInputs, names: dict[str, float]) -> dict[str, Tensor]:
    """The named terms, unweighted."""
    return {name: TERMS[name](inputs) for name in names}


def weighted(terms: dict[str, Tensor], weights: dict[str, float]) -> tuple[Tensor, dict[str, Tensor]]:
    """The total, and per term `weighted.NAME` and `share.NAME`, its part of the sum of absolute weighted terms."""
    each = torch.stack([terms[name] * weights[name] for name in terms])
    fixed = each.detach()
    shares = fixed.abs() / fixed.abs().sum().clamp(min=1e-12)
    logged = {f"weighted.{name}": value for name, value in zip(terms, fixed, strict=True)}
    return each.sum(), logged | {f"share.{name}": value for name, value in zip(terms, shares, strict=True)}
