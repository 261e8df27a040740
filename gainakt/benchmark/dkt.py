"""DKT (Piech et al. 2015): one LSTM over skills and responses, a probability for every skill."""

from typing import Any

import torch
from torch import Tensor, nn

from gainakt.benchmark.neural import trained, visible
from gainakt.benchmark.part import Part, Predict
from gainakt.data.sequences import Batch

SETTINGS: dict[str, Any] = {
    "width": 200, "dropout": 0.5, "learning_rate": 1e-3, "batch_size": 64, "epochs": 40, "patience": 3,
}  # fmt: skip


class _Network(nn.Module):
    def __init__(self, skills: int):
        super().__init__()
        width = SETTINGS["width"]
        self.interaction = nn.Embedding(2 * skills, width)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.dropout = nn.Dropout(SETTINGS["dropout"])
        self.out = nn.Linear(width, skills)

    def forward(self, batch: Batch) -> Tensor:
        states, _ = self.lstm(self.interaction(2 * batch.skill + batch.response))  # (B, T, D)
        logits: Tensor = self.out(self.dropout(visible(states, batch.last_visible)))  # (B, T-1, S)
        return logits.gather(2, batch.asked[..., None])[..., 0]


def fit(train: Part, validation: Part) -> Predict:
    """Train it, its weights drawn by the seed."""
    torch.manual_seed(train.seed)
    return trained(_Network(train.skills), SETTINGS, train, validation)
