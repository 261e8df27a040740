"""Encoder 2 learns from Encoder 1's predictions."""

import torch
from torch import Tensor

from gainakt.losses.inputs import LossInputs
from gainakt.losses.parts import cross_entropy


def loss(inputs: LossInputs) -> Tensor:
    """Mean cross-entropy of Encoder 2's prediction and Encoder 1's, which gets no gradient; 0 without Encoder 1."""
    if inputs.encoder1 == "removed":
        return torch.zeros((), device=inputs.skill.device)
    taught = torch.sigmoid(inputs.output.logits1.float()).detach()
    return cross_entropy(inputs.output.logits2, taught, inputs.batch.scored)
