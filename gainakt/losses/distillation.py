"""Encoder 2 learns from Encoder 1's predictions."""

import torch
from torch import Tensor

from gainakt.losses.parts import cross_entropy
from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """Mean cross-entropy of Encoder 2's prediction and Encoder 1's, which gets no gradient; 0 without Encoder 1."""
    if seen.encoder1 == "removed":
        return torch.zeros((), device=seen.skill.device)
    taught = torch.sigmoid(seen.output.logits1.float()).detach()
    return cross_entropy(seen.output.logits2, taught, seen.batch.scored)
