"""What every gain head offers: gain logits of skills from interactions, without a loop and without (B, T, S)."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class GainHead(nn.Module, ABC):
    """What one interaction adds to the practice of a skill; the sigmoid of these logits is a gain, in (0, 1)."""

    @abstractmethod
    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T) of the A skills in `skill` (B, A) from each of T interactions `v` (B, T, D)."""

    @abstractmethod
    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T) of the skill that each interaction practises."""

    @abstractmethod
    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C) of the `chosen` skills (C,) from interactions with `v` (..., D), `response` (...)."""

    @abstractmethod
    def skill_logits(self) -> nn.Parameter:
        """b (S,): the part of a skill's gain logits that depends on nothing else."""

    def response_logits(self) -> Tensor:
        """Gain logits (S, 2) after incorrect and correct responses, without the context of an interaction."""
        return self.skill_logits()[:, None].expand(-1, 2)

    @abstractmethod
    def kept_per_skill(self) -> list[Tensor]:
        """The parameters, each (S, ...), that belong to one skill: what shrinkage pulls together."""

    def unwrapped(self) -> "GainHead":
        """The head itself, without what has been put around it."""
        return self


class WrappedHead(GainHead):
    """A head that changes what another one, `head`, reads or gives; its parameters are that head's."""

    def __init__(self, head: GainHead):
        super().__init__()
        self.head = head

    def skill_logits(self) -> nn.Parameter:
        """That of the head."""
        return self.head.skill_logits()

    def response_logits(self) -> Tensor:
        """Those of the head."""
        return self.head.response_logits()

    def kept_per_skill(self) -> list[Tensor]:
        """Those of the head."""
        return self.head.kept_per_skill()

    def unwrapped(self) -> GainHead:
        """The head inside."""
        return self.head.unwrapped()


class MixedHead(GainHead):
    """Gain logit = b_s + sum over k of share[s, k] x_k(v): components that all skills have, in shares of their own."""

    @abstractmethod
    def shares(self) -> Tensor:
        """share (S, K)."""

    @abstractmethod
    def components(self, v: Tensor) -> Tensor:
        """x(v): (..., D) -> (..., K)."""

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T); see `GainHead`."""
        parts = self.components(v).transpose(1, 2)  # (B, K, T)
        return torch.baddbmm(self.skill_logits()[skill][:, :, None], self.shares()[skill], parts)

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T); see `GainHead`."""
        return (self.shares()[skill] * self.components(v)).sum(-1) + self.skill_logits()[skill]

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C); see `GainHead`."""
        return nn.functional.linear(self.components(v), self.shares()[chosen], self.skill_logits()[chosen])


def logit(p: float) -> float:
    """The number whose sigmoid is p."""
    return math.log(p / (1 - p))
