"""What the tests of differentiation compare: gains that do not know the skill, or the response; counts.

Tied is everything on the way from an interaction to practice: the encoder's input, the gain head, beta, transfer.
Offset, threshold and M_sat per skill stay free.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from gainakt.config.model import ModelConfig
from gainakt.model.encoder import Encoder
from gainakt.model.gainakt import Interpretable
from gainakt.model.heads.base import GainHead, WrappedHead

Hidden = Literal["nothing", "skill", "response"]


def encoder2(config: ModelConfig, skills: int, students: int, window: int) -> Interpretable:
    """Encoder 2 with what the configuration hides from its gains, and counts if it asks for them."""
    model = Interpretable(config, skills, students, window)
    if config.hidden != "nothing" or config.counts:
        model.encoder = ArmEncoder(model.encoder, config)
    if config.hidden != "nothing":
        model.gains = BlindHead(model.gains, config.hidden)
    if config.hidden == "skill":
        for parameter in (model.mastery.beta, model.mastery.transfer):
            tie(parameter)
    return model


def tie(parameter: nn.Parameter) -> None:
    """Keep all entries of a parameter equal: they start so, and each gets the mean gradient."""
    with torch.no_grad():
        parameter.copy_(parameter.mean().expand_as(parameter))
    if parameter.requires_grad:
        parameter.register_hook(lambda gradient: gradient.mean().expand_as(gradient))


class ArmEncoder(Encoder):
    """An encoder that does not see the skill, or the response, and that may get counts of the skill's responses."""

    def __init__(self, encoder: Encoder, config: ModelConfig):
        nn.Module.__init__(self)
        self.encoder, self.hidden = encoder, config.hidden
        self.counts = nn.Linear(3, config.width) if config.counts else None

    def forward(self, skill: Tensor, response: Tensor, extra: Tensor | None = None) -> Tensor:
        """(B, T, D), causal; see `Encoder`."""
        if self.counts is not None:
            counts = self.counts(practice_counts(skill, response))
            extra = counts if extra is None else counts + extra
        if self.hidden == "skill":
            skill = torch.zeros_like(skill)
        elif self.hidden == "response":
            response = torch.zeros_like(response)
        states: Tensor = self.encoder(skill, response, extra)
        return states


def practice_counts(skill: Tensor, response: Tensor) -> Tensor:
    """log(1 + earlier correct), log(1 + earlier incorrect) responses to the same skill, and whether it was the last."""
    steps = torch.arange(skill.shape[1], device=skill.device)
    same = (skill[:, :, None] == skill[:, None, :]) & (steps[:, None] > steps)  # (B, T, T): row t, column before t
    right = response[:, None, :] > 0
    repeated = nn.functional.pad(skill[:, 1:] == skill[:, :-1], (1, 0))
    return torch.stack(
        [(same & right).sum(-1).float().log1p(), (same & ~right).sum(-1).float().log1p(), repeated.float()], -1
    )


class BlindHead(WrappedHead):
    """A gain head that takes every skill for the first, or every response for an incorrect one."""

    def __init__(self, head: GainHead, hidden: Hidden):
        super().__init__(head)
        self.hidden = hidden

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T); see `GainHead`."""
        return self.head.pairs(v, *self._blind(response, skill))

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T); see `GainHead`."""
        return self.head.own(v, *self._blind(response, skill))

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C); see `GainHead`."""
        return self.head.every(v, *self._blind(response, chosen))

    def _blind(self, response: Tensor, skill: Tensor) -> tuple[Tensor, Tensor]:
        if self.hidden == "skill":
            return response, torch.zeros_like(skill)
        return torch.zeros_like(response), skill
