"""Encoder 1's loss."""

from torch import Tensor

from gainakt.losses.parts import cross_entropy
from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """Mean cross-entropy of Encoder 1's prediction and the next response, in nats."""
    return cross_entropy(seen.output.logits1, seen.batch.target, seen.batch.scored)
