"""Experts used alike (mixture head)."""

import torch
from torch import Tensor

from gainakt.losses.inputs import LossInputs
from gainakt.model.heads import mixture


def loss(inputs: LossInputs) -> Tensor:
    """Squared CV over experts of their mean share at the practised skills (Shazeer et al., arXiv 1701.06538)."""
    head = inputs.encoder2.gains.unwrapped()
    if not isinstance(head, mixture.Head):
        return torch.zeros((), device=inputs.skill.device)
    use = head.shares()[inputs.skill].mean(0)  # (K,)
    return len(use) * (use**2).sum() - 1
