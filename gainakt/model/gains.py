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


class AdditiveGains(nn.Module):
    """g = sigmoid(a_s + c_s (2 r - 1) + w . v): a skill's own rate, its response effect, a context that skills share.

    All gains start equal. A skill's rate and response are read off a_s and c_s, not spread over the encoder, and the
    shared context is the strongest shrinkage of the skills' own contexts W_s.
    """

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.rate = nn.Parameter(torch.full((skills,), _logit(config.gain_start)))
        self.after_response = nn.Parameter(torch.zeros(skills))
        self.context = nn.Linear(config.width, 1, bias=False)
        nn.init.normal_(self.context.weight, std=0.01)

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T) of the A skills in `skill` (B, A) from each of T interactions."""
        effect = self.after_response[skill][:, :, None] * _sign(response)[:, None, :]  # (B, A, T)
        return self.rate[skill][:, :, None] + effect + self.context(v).transpose(1, 2)

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T) of the skill that each interaction practises."""
        return self.rate[skill] + self.after_response[skill] * _sign(response) + self.context(v)[..., 0]

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C) of the `chosen` skills (C,) from interactions with `v` (..., D), `response` (...)."""
        return self.rate[chosen] + self.after_response[chosen] * _sign(response)[..., None] + self.context(v)


HEADS = {"linear": LinearGains, "additive": AdditiveGains}


def aggregate_gain(v: Tensor) -> Tensor:
    """The origin's reported "gain": sigmoid(mean over D of relu(v)), one scalar per interaction, (..., D) -> (...).

    For a layer-normed v it is nearly a constant; it enters no prediction and no loss.
    """
    return torch.sigmoid(torch.relu(v).mean(-1))


def _sign(response: Tensor) -> Tensor:
    return 2.0 * response - 1.0


def _logit(p: float) -> float:
    return math.log(p / (1 - p))
