"""Where a student started, overall and on a skill, as far as the responses so far tell: evidence, not learning."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt.data.sequences import Batch

_SIZE, _FADE, _EVIDENCE = 0.05, (3.5, 1.0), (2.0, 1.0)
"""Start values: sizes w; logits of the fading d; evidence k, in interactions. For the student, for their skill."""


class Level(nn.Module):
    """The level shifts the learning curve's argument: sigmoid(beta gamma E + level - offset).

    level = w1 sum(d1^age u) / (sum(d1^age) + k1) over the student's interactions so far, age in steps, plus the same
    over those with the skill (w2, d2, k2), age in opportunities. The surprise u is the response minus what is usual,
    sigmoid(usual_s + trend_s log(1 + earlier opportunities)). All w start near nothing: the data size the level.
    """

    def __init__(self, kind: Literal["student", "student_skill"], skills: int):
        super().__init__()
        parts = 2 if kind == "student_skill" else 1
        self.usual = nn.Parameter(torch.zeros(skills))
        self.trend = nn.Parameter(torch.zeros(skills))
        self.size = nn.Parameter(torch.full((parts,), _SIZE))
        self.fade = nn.Parameter(torch.tensor(_FADE[:parts]))
        self.evidence = nn.Parameter(torch.log(torch.expm1(torch.tensor(_EVIDENCE[:parts]))))

    @property
    def of_skill(self) -> bool:
        """Whether it has a part of the student's level on the skill."""
        return len(self.size) == 2

    def surprise(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """u (B, T), 0 in the padding, and the earlier opportunities (B, T) of the interaction's skill."""
        same = batch.skill[:, :, None] == batch.skill[:, None, :]  # (B, T, T)
        earlier = (same & self._before(batch)).sum(-1)
        opportunities = torch.log1p(earlier.to(self.usual.dtype))
        usual = torch.sigmoid(self.usual[batch.skill] + self.trend[batch.skill] * opportunities)
        return (batch.response.float() - usual) * batch.valid, earlier

    def shares(self, batch: Batch, asked: Tensor) -> Tensor:
        """What each of T interactions adds (B, A, T) to the level of the skills in `asked` (B, A) after step t.

        `asked` is that of the batch, or the practised skills themselves.
        """
        steps, count = torch.arange(batch.skill.shape[1], device=asked.device), asked.shape[1]
        if batch.last_visible is None or count == len(steps):
            visible = (steps <= steps[:count, None]).expand(len(asked), -1, -1)
        else:
            visible = steps <= batch.last_visible[..., None]  # (B, A, T)
        visible = visible & batch.valid[:, None, :]
        surprise, earlier = self.surprise(batch)
        age = (steps[:count, None] - steps).clamp(min=0)  # (A, T)
        shares = self._part(0, age, visible) * surprise[:, None, :]
        if self.of_skill:
            own = visible & (asked[:, :, None] == batch.skill[:, None, :])
            age = own.sum(-1, keepdim=True) - 1 - earlier[:, None, :]  # (B, A, T)
            shares = shares + self._part(1, age.clamp(min=0), own) * surprise[:, None, :]
        return shares

    def forward(self, batch: Batch, asked: Tensor) -> Tensor:
        """The level (B, A) of the skills in `asked` after step t; see `shares`."""
        level: Tensor = self.shares(batch, asked).sum(-1)
        return level

    def every(self, batch: Batch, skills: Tensor) -> Tensor:
        """The level (B, T, S) of the `skills` (S,) after each interaction, for a few windows at a time."""
        never = torch.full_like(batch.skill, -1)
        student: Tensor = self(batch, never)  # (B, T): no skill is asked, so the student's part alone
        if not self.of_skill:
            return student[..., None].expand(-1, -1, len(skills))
        own = self(batch, batch.skill) - student
        steps = torch.arange(batch.skill.shape[1], device=skills.device)
        practised = torch.where(batch.skill[..., None] == skills, steps[:, None], -1)  # (B, T, S)
        last = practised.cummax(1).values
        of_skill = own.gather(1, last.clamp(min=0).flatten(1)).view_as(last)
        return student[..., None] + torch.where(last < 0, 0.0, of_skill)

    def _part(self, which: int, age: Tensor, counted: Tensor) -> Tensor:
        """Weight (B, A, T) of the interactions that are `counted` (B, A, T) in one part of the level."""
        weight = torch.exp(F.logsigmoid(self.fade[which]) * age) * counted
        whole = weight.sum(-1, keepdim=True) + F.softplus(self.evidence[which])
        return self.size[which] * weight / whole

    @staticmethod
    def _before(batch: Batch) -> Tensor:
        """Which interactions (B, T, T) come before each; rows of one question do not come before each other."""
        if batch.group is not None:
            return (batch.group[:, None, :] < batch.group[:, :, None]) & batch.valid[:, None, :]
        steps = torch.arange(batch.skill.shape[1], device=batch.skill.device)
        return steps < steps[:, None]
