"""What a loss term may look at."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gainakt.config import Config
from gainakt.data.sequences import Batch
from gainakt.losses.parts import minus_variance
from gainakt.model.gainakt import Interpretable, Output, Part


@dataclass
class LossInputs:
    """One training batch, what the model said of it, and the settings; N are the valid interactions of the batch.

    `generator` is the only source of chance a term may use; `memory` lives as long as the training.
    """

    batch: Batch
    output: Output
    encoder2: Interpretable
    config: Config
    generator: torch.Generator
    memory: dict[str, Any] = field(default_factory=dict)
    encoder1: Part = "trained"

    @cached_property
    def chosen(self) -> Tensor:
        """The skills (C,) that stand for all: every one, or a fresh sample where there are many."""
        skills, device = len(self.encoder2.mastery.beta), self.batch.skill.device
        return torch.randperm(skills, generator=self.generator)[: self.config.losses.sampled_skills].to(device)

    @cached_property
    def gain_logits(self) -> Tensor:
        """Gain logits of the chosen skills at every interaction (N, C)."""
        valid = self.batch.valid
        return self.encoder2.gains.every(self.output.read[valid], self.batch.response[valid], self.chosen).float()

    @cached_property
    def gains(self) -> Tensor:
        """Gains of the chosen skills at every interaction (N, C)."""
        return torch.sigmoid(self.gain_logits)

    @cached_property
    def contrast(self) -> Tensor:
        """Minus the variance over skills, which two terms of the origin are."""
        return minus_variance(self.gains)

    @cached_property
    def own(self) -> Tensor:
        """Gain of the practised skill at every interaction (N,)."""
        return self.output.gains[self.batch.valid]

    @cached_property
    def skill(self) -> Tensor:
        """The practised skill at every interaction (N,)."""
        return self.batch.skill[self.batch.valid]

    @cached_property
    def response(self) -> Tensor:
        """The response at every interaction (N,), 0 or 1."""
        return self.batch.response[self.batch.valid]
