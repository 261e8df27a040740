"""Synthetic differentiated gains to start from."""

import torch
from torch import Tensor

from gainakt.losses.inputs import LossInputs


def loss(inputs: LossInputs) -> Tensor:
    """Squared distance of all skills' gains from their targets: 0.1 to 0.9 in even steps, dealt out by the seed."""
    if "gain_targets" not in inputs.memory:
        skills = len(inputs.encoder2.mastery.beta)
        dealt = torch.randperm(skills, generator=torch.Generator().manual_seed(inputs.config.training.seed))
        inputs.memory["gain_targets"] = torch.linspace(0.1, 0.9, skills)[dealt].to(inputs.skill.device)
    targets: Tensor = inputs.memory["gain_targets"]
    return ((inputs.gains - targets[inputs.chosen]) ** 2).mean()
