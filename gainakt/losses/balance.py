"""Experts used alike (mixture head)."""

import torch
from torch import Tensor

from gainakt.losses.seen import Seen
from gainakt.model.heads import mixture


def loss(seen: Seen) -> Tensor:
    """Squared CV over experts of their mean share at the practised skills (Shazeer et al., arXiv 1701.06538)."""
    head = seen.encoder2.gains
    if not isinstance(head, mixture.Head):
        return torch.zeros((), device=seen.skill.device)
    use = head.shares()[seen.skill].mean(0)  # (K,)
    return len(use) * (use**2).sum() - 1
