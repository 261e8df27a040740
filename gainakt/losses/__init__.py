"""Loss terms, one per file: `gainakt.losses.NAME` holds `loss`, `weights.NAME` is its weight.

Masked sums over counts, never means of padded positions; a term of weight 0 is not computed.
"""

from importlib import import_module

import torch
from torch import Tensor

from gainakt.config import Config
from gainakt.losses.inputs import LossInputs
from gainakt.losses.parts import cross_entropy, minus_variance, std_hinge
from gainakt.model.gainakt import Part

__all__ = ["LossInputs", "applied", "compute", "cross_entropy", "minus_variance", "std_hinge", "weighted"]


def applied(config: Config, encoder1: Part = "trained", encoder2: Part = "trained") -> dict[str, float]:
    """Term -> its weight in the total, of every term to be computed: `bce` and `im` always, others if they have one.

    What an encoder predicts while it does not learn is told and weighs 0; Encoder 1 removed has no `bce`.
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
    return {name: import_module(f"{__name__}.{name}").loss(inputs) for name in names}


def weighted(terms: dict[str, Tensor], weights: dict[str, float]) -> tuple[Tensor, dict[str, Tensor]]:
    """The total, and per term `weighted.NAME` and `share.NAME`, its part of the sum of absolute weighted terms."""
    each = torch.stack([terms[name] * weights[name] for name in terms])
    fixed = each.detach()
    shares = fixed.abs() / fixed.abs().sum().clamp(min=1e-12)
    told = {f"weighted.{name}": value for name, value in zip(terms, fixed, strict=True)}
    return each.sum(), told | {f"share.{name}": value for name, value in zip(terms, shares, strict=True)}
