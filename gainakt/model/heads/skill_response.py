"""A rate and a response effect per skill, whatever came before."""

import torch
from torch import Tensor, nn

from gainakt.config.model import ModelConfig
from gainakt.model.heads.base import GainHead, logit


class Head(GainHead):
    """g = sigmoid(a_s + c_s (2 r - 1)): a skill's own rate and its response effect. All gains start equal."""

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.rate = nn.Parameter(torch.full((skills,), logit(config.gain_start)))
        self.after_response = nn.Parameter(torch.zeros(skills))

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T); see `GainHead`."""
        effect = self.after_response[skill][:, :, None] * _sign(response)[:, None, :]  # (B, A, T)
        return self.rate[skill][:, :, None] + effect

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T); see `GainHead`."""
        return self.rate[skill] + self.after_response[skill] * _sign(response)

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C); see `GainHead`."""
        return self.rate[chosen] + self.after_response[chosen] * _sign(response)[..., None]

    def skill_logits(self) -> nn.Parameter:
        """a (S,)."""
        return self.rate

    def response_logits(self) -> Tensor:
        """Gain logits (S, 2) after incorrect and correct responses, without the context of an interaction."""
        return torch.stack([self.rate - self.after_response, self.rate + self.after_response], 1)

    def kept_per_skill(self) -> list[Tensor]:
        """a and c."""
        return [self.rate, self.after_response]


def _sign(response: Tensor) -> Tensor:
    return 2.0 * response - 1.0
