"""Shrinkage towards the fit of the learning-curve model: the less the data say of a skill, the stronger."""

import torch
from torch import Tensor

from gainakt.losses.inputs import LossInputs


def loss(inputs: LossInputs) -> Tensor:
    """Mean squared distance of `Interpretable.per_skill` to the fit, M_sat and theta in units of T, so all are logits.

    0 where no fit was made (`model.prior`).
    """
    encoder = inputs.encoder2
    if encoder.fit is None:
        return torch.zeros((), device=inputs.output.gains.device)
    distance = encoder.per_skill() - encoder.fit
    unit = torch.ones_like(distance[0])
    unit[3:] = encoder.mastery.temperature.detach()
    return (distance / unit).square().mean()
