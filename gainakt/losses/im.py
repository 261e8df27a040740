"""Encoder 2's loss, incremental mastery, with the origin's faults as switches."""

import torch
from torch import Tensor

from gainakt.losses.inputs import LossInputs
from gainakt.losses.parts import cross_entropy


def loss(inputs: LossInputs) -> Tensor:
    """Mean cross-entropy of Encoder 2's prediction and the next response, in nats."""
    origin, batch = inputs.config.origin, inputs.batch
    if not origin.mastery_head:
        return torch.zeros((), device=batch.skill.device)
    logits, target, mask = inputs.output.logits2, batch.target, batch.scored
    if origin.target == "concurrent":
        logits, _ = inputs.encoder2.predict(inputs.output.read, batch, batch.skill)
        target, mask = batch.response.float(), batch.valid
    return cross_entropy(logits, target, mask if origin.masked else torch.ones_like(mask))
