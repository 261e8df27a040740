"""A hierarchical prior on what the gain head keeps per skill."""

import torch
from torch import Tensor

from gainakt.losses.inputs import LossInputs


def loss(inputs: LossInputs) -> Tensor:
    """Variance over skills of the head's per-skill parameters, summed over them: a Gaussian prior around their mean."""
    kept = inputs.encoder2.gains.kept_per_skill()
    return torch.stack([values.var(dim=0, correction=0).sum() for values in kept]).sum()
