"""Gains that do not jump."""

from torch import Tensor

from gainakt.losses.inputs import LossInputs


def loss(inputs: LossInputs) -> Tensor:
    """Squared change of the gain between successive interactions with the same skill, mean over such pairs."""
    batch = inputs.batch
    same = batch.valid[:, 1:] & (batch.skill[:, 1:] == batch.skill[:, :-1])
    return (inputs.output.gains.diff(dim=1) ** 2 * same).sum() / same.sum().clamp(min=1)
