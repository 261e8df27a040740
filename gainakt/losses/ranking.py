"""More gain after correct responses than after incorrect ones."""

from torch import Tensor
from torch.nn import functional as F

from gainakt.losses.inputs import LossInputs
from gainakt.losses.parts import means


def loss(inputs: LossInputs) -> Tensor:
    """max(0, margin - (mean gain after correct - after incorrect)) of each skill with both in the batch, their mean."""
    skills = len(inputs.encoder2.mastery.beta)
    each, count = means(inputs.own, 2 * inputs.skill + inputs.response, 2 * skills)
    each, both = each.view(skills, 2), (count.view(skills, 2) > 0).all(1)
    terms = F.relu(inputs.config.losses.margin - (each[:, 1] - each[:, 0]))
    return (terms * both).sum() / both.sum().clamp(min=1)
