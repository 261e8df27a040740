"""Experts that skills mix."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt.config.model import ModelConfig
from gainakt.model.heads.base import MixedHead, logit

HIDDEN = 16
"""Hidden units of an expert."""


class Head(MixedHead):
    """g = sigmoid(b_s + sum over k of softmax(gate_s)_k x_k(v)), x_k a small network: the K experts.

    Nothing keeps the experts in use but the term `balance`.
    """

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.expand = nn.Linear(config.width, config.experts * HIDDEN)
        self.contract = nn.Parameter(torch.randn(config.experts, HIDDEN) / HIDDEN**0.5)
        self.gate = nn.Parameter(0.1 * torch.randn(skills, config.experts))
        self.rate = nn.Parameter(torch.full((skills,), logit(config.gain_start)))

    def skill_logits(self) -> nn.Parameter:
        """b (S,)."""
        return self.rate

    def shares(self) -> Tensor:
        """How much of each expert a skill takes (S, K); rows add up to 1."""
        return torch.softmax(self.gate, -1)

    def components(self, v: Tensor) -> Tensor:
        """The experts' outputs (..., K)."""
        hidden = F.gelu(self.expand(v)).unflatten(-1, self.contract.shape)  # (..., K, HIDDEN)
        outputs: Tensor = (hidden * self.contract).sum(-1)
        return outputs

    def kept_per_skill(self) -> list[Tensor]:
        """Gates and b."""
        return [self.gate, self.rate]
