"""Encoder 2's loss, incremental mastery, with the origin's faults as switches."""

import torch
from torch import Tensor

from gainakt.losses.parts import cross_entropy
from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """Mean cross-entropy of Encoder 2's prediction and the next response, in nats."""
    origin, batch = seen.config.origin, seen.batch
    if not origin.mastery_head:
        return torch.zeros((), device=batch.skill.device)
    logits, target, mask = seen.output.logits2, batch.target, batch.scored
    if origin.target == "concurrent":
        logits, _ = seen.encoder2.predict(seen.output.read, batch, batch.skill)
        target, mask = batch.response.float(), batch.valid
    return cross_entropy(logits, target, mask if origin.masked else torch.ones_like(mask))
