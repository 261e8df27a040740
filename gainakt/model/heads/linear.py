"""The origin's gain head."""

from torch import Tensor, nn

from gainakt.config.model import ModelConfig
from gainakt.model.heads.base import MixedHead, logit


class Head(MixedHead):
    """g[i,t,s] = sigmoid(W_s . v[i,t] + b_s): the components are the encoder's output itself."""

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.project = nn.Linear(config.width, skills)
        nn.init.constant_(self.project.bias, logit(config.gain_start))

    def skill_logits(self) -> nn.Parameter:
        """b (S,)."""
        return self.project.bias

    def shares(self) -> Tensor:
        """W (S, D)."""
        return self.project.weight

    def components(self, v: Tensor) -> Tensor:
        """v (..., D)."""
        return v

    def kept_per_skill(self) -> list[Tensor]:
        """W and b."""
        return [self.project.weight, self.project.bias]
