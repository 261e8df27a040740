"""A rate and a response effect per skill, and a context that all skills share."""

import torch
from torch import Tensor, nn

from gainakt.config.model import ModelConfig
from gainakt.model.heads.base import GainHead, logit


class Head(GainHead):
    """g = sigmoid(a_s + c_s (2 r - 1) + w . v): a skill's own rate, its response effect, a context that skills share.

    All gains start equal. A skill's rate and response are read off a_s and c_s, not spread over the encoder, and the
    shared context is the strongest shrinkage of the skills' own contexts W_s.
    """

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.rate = nn.Parameter(torch.full((skills,), logit(config.gain_start)))
        self.after_response = nn.Parameter(torch.zeros(skills))
        self.context = nn.Linear(config.width, 1, bias=False)
        nn.init.normal_(self.context.weight, std=0.01)

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T); see `GainHead`."""
        effect = self.after_response[skill][:, :, None] * _sign(response)[:, None, :]  # (B, A, T)
        return self.rate[skill][:, :, None] + effect + self.shared(v).transpose(1, 2)

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T); see `GainHead`."""
        return self.rate[skill] + self.after_response[skill] * _sign(response) + self.shared(v)[..., 0]

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C); see `GainHead`."""
        return self.rate[chosen] + self.after_response[chosen] * _sign(response)[..., None] + self.shared(v)

    def shared(self, v: Tensor) -> Tensor:
        """The context w . v that all skills share (..., 1)."""
        context: Tensor = self.context(v)
        return context

    def level(self) -> nn.Parameter:
        """a (S,)."""
        return self.rate

    def levels(self) -> Tensor:
        """Gain logits (S, 2) after incorrect and correct responses, without the context of an interaction."""
        return torch.stack([self.rate - self.after_response, self.rate + self.after_response], 1)

    def kept_per_skill(self) -> list[Tensor]:
        """a and c."""
        return [self.rate, self.after_response]


def _sign(response: Tensor) -> Tensor:
    return 2.0 * response - 1.0
