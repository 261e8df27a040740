"""A rate and a response effect per skill, and a context that all skills share."""

from torch import Tensor, nn

from gainakt.config.model import ModelConfig
from gainakt.model.heads import skill_response


class Head(skill_response.Head):
    """g = sigmoid(a_s + c_s (2 r - 1) + w . v): a skill's own rate, its response effect, a context that skills share.

    A skill's rate and response are read off a_s and c_s, not spread over the encoder, and the shared context is the
    strongest shrinkage of the skills' own contexts W_s.
    """

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__(config, skills)
        self.context = nn.Linear(config.width, 1, bias=False)
        nn.init.normal_(self.context.weight, std=0.01)

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T); see `GainHead`."""
        return super().pairs(v, response, skill) + self.shared(v).transpose(1, 2)

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T); see `GainHead`."""
        return super().own(v, response, skill) + self.shared(v)[..., 0]

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C); see `GainHead`."""
        return super().every(v, response, chosen) + self.shared(v)

    def shared(self, v: Tensor) -> Tensor:
        """The context w . v that all skills share (..., 1)."""
        context: Tensor = self.context(v)
        return context
