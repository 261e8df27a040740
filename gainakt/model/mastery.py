"""From gains to practice, along the learning curve to mastery, through the threshold to a prediction."""

import torch
from torch import Tensor, nn

from gainakt.config.model import ModelConfig

BOUNDS = {
    "beta": (0.01, 20.0),
    "gamma": (0.01, 10.0),
    "saturation": (0.01, 1.0),
    "threshold": (0.0, 1.0),
    "offset": (-10.0, 10.0),
    "temperature": (0.01, 10.0),
    "transfer": (0.0, 1.0),
}
"""Bounds of the interpretable parameters, in their own units; `Mastery.constrain` keeps them."""


class Mastery(nn.Module):
    """E = sum of a(s, q) g; m = M_sat sigmoid(beta gamma E + level - offset); p = sigmoid((m - theta) / T).

    Parameters stand in their own units: beta, saturation, transfer (S,), gamma (students,), threshold and offset (S,)
    or (1,), temperature (1,). Practice only grows and beta, gamma > 0, so mastery never falls.
    """

    def __init__(self, config: ModelConfig, skills: int, students: int):
        super().__init__()
        self.accumulation, self.identified = config.accumulation, config.identified
        self.beta = nn.Parameter(config.beta_start + config.beta_start_std * torch.randn(skills))
        self.saturation = nn.Parameter(torch.full((skills,), config.saturation_start))
        self.threshold = nn.Parameter(torch.full((_count(config.threshold, skills),), config.threshold_start))
        self.offset = nn.Parameter(torch.full((_count(config.offset, skills),), config.offset_start))
        self.temperature = nn.Parameter(
            torch.tensor([config.temperature_start]), requires_grad=config.temperature == "learned"
        )
        self.gamma = nn.Parameter(
            torch.full((students,), config.gamma_start), requires_grad=config.student_velocity == "per_student"
        )
        self.transfer = nn.Parameter(
            torch.full((skills,), config.transfer_start), requires_grad=config.accumulation == "transfer"
        )
        self.constrain()

    @torch.no_grad()
    def constrain(self) -> None:
        """Project parameters onto their bounds and, where scales are fixed, mean log beta onto 0, mean gamma onto 1."""
        for name, (low, high) in BOUNDS.items():
            getattr(self, name).clamp_(low, high)
        if self.identified:
            self.beta.div_(self.beta.log().mean().exp())
            self.gamma.div_(self.gamma.mean())

    def transfer_share(self, fed: Tensor, practised: Tensor) -> Tensor:
        """a(s, q): the share of a gain that skills `fed` (B, A) take from interactions with `practised` (B, T)."""
        same = fed[:, :, None] == practised[:, None, :]  # (B, A, T)
        if self.accumulation == "all":
            return torch.ones_like(same, dtype=self.beta.dtype)
        if self.accumulation == "practised":
            return same.to(self.beta.dtype)
        return torch.where(same, 1.0, self.transfer[fed][:, :, None])

    def velocity(self, student: Tensor) -> Tensor:
        """gamma (B,): a training student's own; the training students' arithmetic mean for the unseen (-1)."""
        return torch.where(student < 0, self.gamma.mean(), self.gamma[student.clamp(min=0)])

    def curve(self, practice: Tensor, skill: Tensor, student: Tensor, level: Tensor | None = None) -> Tensor:
        """Mastery in (0, 1) of `skill`, (B, A) or any shape that fits `practice` (B, ..., A), at practice and level."""
        velocity = self.velocity(student).view(-1, *[1] * (practice.dim() - 1))
        slope = self.beta[skill] * velocity
        argument = slope * practice - per_skill(self.offset, skill)
        return self.saturation[skill] * torch.sigmoid(argument if level is None else argument + level)

    def readout(self, mastery: Tensor, skill: Tensor) -> Tensor:
        """Logits (B, A) of a correct response to `skill` at this mastery."""
        return (mastery - per_skill(self.threshold, skill)) / self.temperature


def per_skill(values: Tensor, skill: Tensor) -> Tensor:
    """`values` (S,) at `skill`, or the one value (1,) that all skills share."""
    return values if len(values) == 1 else values[skill]


def _count(choice: str, skills: int) -> int:
    return skills if choice == "per_skill" else 1
