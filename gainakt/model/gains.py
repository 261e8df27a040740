"""Gain heads: what one interaction adds to the practice of a skill, in (0, 1)."""

import math

import torch
from torch import Tensor, nn

from gainakt.config import ModelConfig


class LinearGains(nn.Module):
    """The origin's head: g[i,t,s] = sigmoid(W_s . v[i,t] + b_s)."""

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.project = nn.Linear(config.width, skills)
        nn.init.constant_(self.project.bias, _logit(config.gain_start))

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T) of the A skills in `skill` (B, A) from each of T interactions."""
        weight, bias = self.project.weight[skill], self.project.bias[skill]
        return torch.baddbmm(bias[:, :, None], weight, v.transpose(1, 2))

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T) of the skill that each interaction practises."""
        return (self.project.weight[skill] * v).sum(-1) + self.project.bias[skill]

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C) of the `chosen` skills (C,) from interactions with `v` (..., D), `response` (...)."""
        return nn.functional.linear(v, self.project.weight[chosen], self.project.bias[chosen])


class AdditiveGains(LinearGains):
    """g = sigmoid(b_s + c_s r + W_s . v), W near 0 and c = 0 at the start, so that all gains start equal."""

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__(config, skills)
        nn.init.normal_(self.project.weight, std=0.01)
        self.after_response = nn.Parameter(torch.zeros(skills))

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        sign = 2.0 * response - 1.0  # (B, T)
        return super().pairs(v, response, skill) + self.after_response[skill][:, :, None] * sign[:, None, :]

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        return super().own(v, response, skill) + self.after_response[skill] * (2.0 * response - 1.0)

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        sign = 2.0 * response - 1.0
        return super().every(v, response, chosen) + self.after_response[chosen] * sign[..., None]


HEADS = {"linear": LinearGains, "additive": AdditiveGains}


def aggregate_gain(v: Tensor) -> Tensor:
    """The origin's reported "gain": sigmoid(mean over D of relu(v)), one scalar per interaction, (..., D) -> (...).

    For a layer-normed v it is nearly a constant; it enters no prediction and no loss.
    """
    return torch.sigmoid(torch.relu(v).mean(-1))


def _logit(p: float) -> float:
    return math.log(p / (1 - p))
