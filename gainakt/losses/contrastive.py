"""The origin's skill contrast, the same formula as its variance loss."""

from torch import Tensor

from gainakt.losses.inputs import LossInputs


def loss(inputs: LossInputs) -> Tensor:
    """Minus the variance over skills of the gains at an interaction, mean over interactions."""
    return inputs.contrast
