"""Groups of skills: the context belongs to the group, the rate to the skill."""

import torch
from torch import Tensor, nn

from gainakt.config.model import ModelConfig
from gainakt.model.heads.base import MixedHead, logit


class Head(MixedHead):
    """g = sigmoid(b_s + sum over groups k of member[s, k] U_k . v).

    Membership is the softmax of learned logits, or 0 and 1 where the groups are given (`assign`).
    """

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        self.given = bool(config.groups_path)
        start = torch.zeros(skills, config.experts) if self.given else torch.randn(skills, config.experts)
        self.member = nn.Parameter(start, requires_grad=not self.given)
        self.group = nn.Linear(config.width, config.experts, bias=False)
        self.rate = nn.Parameter(torch.full((skills,), logit(config.gain_start)))

    @torch.no_grad()
    def assign(self, group: Tensor) -> None:
        """Give every skill its group, an index (S,) below `model.experts`."""
        self.member.copy_(nn.functional.one_hot(group, self.member.shape[1]))

    def skill_logits(self) -> nn.Parameter:
        """b (S,)."""
        return self.rate

    def shares(self) -> Tensor:
        """Membership (S, K); rows add up to 1."""
        return self.member if self.given else torch.softmax(self.member, -1)

    def components(self, v: Tensor) -> Tensor:
        """The groups' contexts (..., K)."""
        contexts: Tensor = self.group(v)
        return contexts

    def kept_per_skill(self) -> list[Tensor]:
        """b."""
        return [self.rate]
