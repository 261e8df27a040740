"""What speed is compared with: simpleKT, rebuilt small, since pyKT's own may be missing; and a count of operations.

From its published structure (Liu et al. 2023, arXiv 2302.06881): one Transformer layer per block in which queries and
keys are questions and values are interactions, plain dot-product attention, an output network of 512 and 256.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt.config import Config
from gainakt.config.model import ModelConfig
from gainakt.data.sequences import Batch


class _Layer(nn.Module):
    """Attention with shared query and key projections over explicit scores, then a feed-forward; post-norm."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width, inner = config.width, config.feedforward
        self.heads = config.heads
        self.query, self.value, self.mix = (nn.Linear(width, width) for _ in range(3))
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.expand, self.contract = nn.Linear(width, inner), nn.Linear(inner, width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, values: Tensor, hidden: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        batch, steps, width = x.shape
        shape = (batch, steps, self.heads, width // self.heads)
        query, value = self.query(x).view(shape).transpose(1, 2), self.value(values).view(shape).transpose(1, 2)
        scores = (query @ query.transpose(2, 3) / shape[3] ** 0.5).masked_fill(hidden, -1e32)
        weights = self.drop(torch.softmax(scores, -1).masked_fill(hidden, 0.0))
        x = self.first(x + self.drop(self.mix((weights @ value).transpose(1, 2).reshape(batch, steps, width))))
        second: Tensor = self.second(x + self.drop(self.contract(self.drop(F.relu(self.expand(x))))))
        return second


class SimpleKT(nn.Module):
    """simpleKT without question ids, of the size of a GainAKT."""

    def __init__(self, skills: int, config: ModelConfig, window: int):
        super().__init__()
        width, drop = config.width, config.dropout
        self.question, self.answer = nn.Embedding(skills, width), nn.Embedding(2, width)
        self.position = nn.Embedding(window, width)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.blocks))
        self.out = nn.Sequential(
            *(nn.Linear(2 * width, 512), nn.ReLU(), nn.Dropout(drop)),
            *(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(drop), nn.Linear(256, 1)),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, T-1)."""
        steps = batch.skill.shape[1]
        place, question = self.position.weight[:steps], self.question(batch.skill)
        x, values = question + place, question + self.answer(batch.response) + place
        hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu()
        for layer in self.layers:
            x = layer(x, values, hidden)
        logits: Tensor = self.out(torch.cat([x, question], -1)).squeeze(-1)
        return logits[:, 1:]


def flops_per_interaction(config: Config, steps: float) -> float:
    """Matrix-product operations of both encoders' blocks, forward and backward, for sequences of `steps` on average."""
    model = config.model
    width, inner = model.width, model.feedforward
    return 6 * 2 * model.blocks * (4 * width**2 + 2 * width * inner + 2 * min(steps, config.data.window) * width)
