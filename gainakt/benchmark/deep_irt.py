"""Deep-IRT (Yeung 2019): a key-value memory whose summary is an ability, beside a difficulty of the skill."""

from typing import Any

import torch
from torch import Tensor, nn

from gainakt.benchmark.neural import trained, visible
from gainakt.benchmark.part import Part, Predict
from gainakt.data.sequences import Batch

SETTINGS: dict[str, Any] = {
    "width": 64, "slots": 20, "dropout": 0.2, "learning_rate": 3e-3, "batch_size": 64, "epochs": 30, "patience": 3,
}  # fmt: skip


class _Network(nn.Module):
    def __init__(self, skills: int):
        super().__init__()
        width, slots = SETTINGS["width"], SETTINGS["slots"]
        self.key, self.interaction = nn.Embedding(skills, width), nn.Embedding(2 * skills, width)
        self.slot_keys = nn.Parameter(torch.randn(slots, width) / width**0.5)
        self.memory = nn.Parameter(torch.randn(slots, width) / width**0.5)
        self.erase, self.add = nn.Linear(width, width), nn.Linear(width, width)
        self.summary = nn.Sequential(nn.Linear(2 * width, width), nn.Tanh(), nn.Dropout(SETTINGS["dropout"]))
        self.ability, self.difficulty = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, batch: Batch) -> Tensor:
        share = torch.softmax(self.key(batch.skill) @ self.slot_keys.T, -1)  # (B, T, M)
        interaction = self.interaction(2 * batch.skill + batch.response)
        erased, added = torch.sigmoid(self.erase(interaction)), torch.tanh(self.add(interaction))
        erased, added = (share[..., None] * change[:, :, None] for change in (erased, added))  # (B, T, M, D)
        memory, memories = self.memory.expand(len(batch.skill), -1, -1), []
        for kept, new in zip((1 - erased).unbind(1), added.unbind(1), strict=True):
            memory = memory * kept + new
            memories.append(memory.flatten(1))
        seen = visible(torch.stack(memories, 1), batch.last_visible).unflatten(-1, self.memory.shape)  # (B, T-1, M, D)
        key = self.key(batch.asked)
        read = (share[:, 1:, None] @ seen)[:, :, 0]  # (B, T-1, D)
        ability: Tensor = self.ability(self.summary(torch.cat([read, key], -1)))
        return (3 * ability - torch.tanh(self.difficulty(key)))[..., 0]


def fit(train: Part, validation: Part) -> Predict:
    """Train it, its weights drawn by the seed."""
    torch.manual_seed(train.seed)
    return trained(_Network(train.skills), SETTINGS, train, validation)
