"""Gains of one skill closer to each other than to those of another."""

import torch
from torch import Tensor
from torch.nn import functional as F

from gainakt.losses.inputs import LossInputs


def loss(inputs: LossInputs) -> Tensor:
    """max(0, |anchor - positive| - |anchor - negative| + margin) over practised gains.

    Each interaction is an anchor once: its positive is another one with the same skill, its negative one with another
    skill, both drawn anew at each step. Mean over the anchors that have both.
    """
    gain, skill = inputs.own, inputs.skill
    order, other = (torch.randperm(len(gain), generator=inputs.generator).to(gain.device) for _ in range(2))
    order = order[torch.argsort(skill[order], stable=True)]  # a random neighbour of the same skill
    positive = order.roll(-1)
    negative = other
    usable = (skill[order] == skill[positive]) & (skill[order] != skill[negative])
    near, far = ((gain[order] - gain[place]).abs() for place in (positive, negative))
    terms = F.relu(near - far + inputs.config.losses.margin)
    return (terms * usable).sum() / usable.sum().clamp(min=1)
