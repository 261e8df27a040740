"""An explicit head per skill: a small network of its own over the encoder's output."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt.config.model import ModelConfig
from gainakt.model.heads.base import GainHead, logit

HIDDEN = 4
"""Hidden units K of each skill's network."""


class Head(GainHead):
    """g[i,t,s] = sigmoid(b_s + u_s . gelu(A_s v[i,t])), A_s (K, D): no parameter serves two skills."""

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.expand = nn.Parameter(torch.randn(skills, HIDDEN, config.width) / config.width**0.5)
        self.contract = nn.Parameter(0.1 * torch.randn(skills, HIDDEN))
        self.bias = nn.Parameter(torch.full((skills,), logit(config.gain_start)))

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T); see `GainHead`."""
        rows = self.expand[skill].flatten(1, 2)  # (B, A K, D)
        hidden = F.gelu(torch.bmm(rows, v.transpose(1, 2))).unflatten(1, (-1, HIDDEN))  # (B, A, K, T)
        logits: Tensor = (self.contract[skill][..., None] * hidden).sum(2) + self.bias[skill][..., None]
        return logits

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T); see `GainHead`."""
        hidden = F.gelu((self.expand[skill] @ v[..., None])[..., 0])  # (B, T, K)
        return (self.contract[skill] * hidden).sum(-1) + self.bias[skill]

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C); see `GainHead`."""
        hidden = F.gelu(F.linear(v, self.expand[chosen].flatten(0, 1))).unflatten(-1, (-1, HIDDEN))  # (..., C, K)
        logits: Tensor = (hidden * self.contract[chosen]).sum(-1) + self.bias[chosen]
        return logits

    def skill_logits(self) -> nn.Parameter:
        """b (S,)."""
        return self.bias

    def kept_per_skill(self) -> list[Tensor]:
        """Everything: A, u and b."""
        return [self.expand, self.contract, self.bias]
