"""Encoder 1's loss."""

from torch import Tensor

from gainakt.losses.inputs import LossInputs
from gainakt.losses.parts import cross_entropy


def loss(inputs: LossInputs) -> Tensor:
    """Mean cross-entropy of Encoder 1's prediction and the next response, in nats."""
    return cross_entropy(inputs.output.logits1, inputs.batch.target, inputs.batch.scored)
