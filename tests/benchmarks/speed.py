"""Training speed in real interactions per second: GainAKT beside simpleKT and AKT, in turn, on the same cores.

    python -m tests.benchmarks.speed ../shared/data/assist2015 [--rounds 3] [--steps 20]

simpleKT (arXiv 2302.06881) is rebuilt here from its published structure (one Transformer layer per block in which
queries and keys are questions and values are interactions, plain dot-product attention, an output network of 512 and
256), because pyKT's package does not hold it; padded to 200 and in batches of 64, as pyKT trains it. AKT is pyKT's own
where `pykt-toolkit` is installed. Both have the width, blocks and feed-forward of the preset `corrected`.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt.config import Config, changed
from gainakt.data.sequences import Windows, split_students
from gainakt.datasets.load import load
from gainakt.training.loop import train

PADDED = 200


class Layer(nn.Module):
    """Attention with shared query and key projections over explicit scores, then a feed-forward; post-norm."""

    def __init__(self, width: int, feedforward: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.query, self.value, self.mix = (nn.Linear(width, width) for _ in range(3))
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.expand, self.contract = nn.Linear(width, feedforward), nn.Linear(feedforward, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, values: Tensor, hidden: Tensor) -> Tensor:
        batch, steps, width = x.shape
        shape = (batch, steps, self.heads, width // self.heads)
        query, value = self.query(x).view(shape).transpose(1, 2), self.value(values).view(shape).transpose(1, 2)
        scores = (query @ query.transpose(2, 3) / shape[3] ** 0.5).masked_fill(hidden, -1e32)
        weights = self.drop(torch.softmax(scores, -1).masked_fill(hidden, 0.0))
        x = self.first(x + self.drop(self.mix((weights @ value).transpose(1, 2).reshape(batch, steps, width))))
        return self.second(x + self.drop(self.contract(self.drop(F.relu(self.expand(x))))))


class SimpleKT(nn.Module):
    """simpleKT without question ids: predicts the response at each step from the interactions before it."""

    def __init__(self, skills: int, width: int, blocks: int, feedforward: int, heads: int, dropout: float):
        super().__init__()
        self.question, self.answer = nn.Embedding(skills, width), nn.Embedding(2, width)
        self.position = nn.Embedding(PADDED, width)
        self.layers = nn.ModuleList(Layer(width, feedforward, heads, dropout) for _ in range(blocks))
        self.out = nn.Sequential(
            nn.Linear(2 * width, 512), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(512, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, 1),
        )  # fmt: skip

    def forward(self, skill: Tensor, response: Tensor) -> Tensor:
        place = self.position.weight[: skill.shape[1]]
        question = self.question(skill)
        x, values = question + place, question + self.answer(response) + place
        hidden = torch.ones(skill.shape[1], skill.shape[1], dtype=torch.bool).triu()
        for layer in self.layers:
            x = layer(x, values, hidden)
        return self.out(torch.cat([x, question], -1)).squeeze(-1)


def padded_batches(windows: Windows, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Random batches of `size` windows padded to 200, as pyKT makes them."""
    order = np.random.default_rng(0).permutation(len(windows))
    while True:
        for begin in range(0, len(order) - size, size):
            batch = windows.batch(order[begin : begin + size])
            pad = (0, PADDED - batch.skill.shape[1])
            yield F.pad(batch.skill, pad), F.pad(batch.response, pad), F.pad(batch.valid, pad)


def padded_speed(model: nn.Module, logits: Callable[..., Tensor], windows: Windows, steps: int, size: int) -> float:
    """Real interactions per second of plain training steps."""
    adam, batches, real = torch.optim.Adam(model.parameters(), lr=1e-3), padded_batches(windows, size), 0
    model.train()
    for step in range(steps + 2):
        if step == 2:
            begun, real = time.perf_counter(), 0
        skill, response, valid = next(batches)
        guess = logits(model, skill, response)
        loss = F.binary_cross_entropy_with_logits(guess[:, 1:][valid[:, 1:]], response[:, 1:][valid[:, 1:]].float())
        adam.zero_grad()
        loss.backward()
        adam.step()
        real += int(valid.sum())
    return real / (time.perf_counter() - begun)


def ours(config: Config, data: object) -> float:
    """Real interactions per second of one epoch of both encoders, everything logged."""
    last = list(train(changed(config, {"training.max_epochs": 1}), data))[-1]  # type: ignore[arg-type]
    return float(last.train_interactions_per_second)  # type: ignore[attr-defined]


def akt(skills: int, config: Config) -> nn.Module | None:
    """pyKT's AKT of the same size, None where the package is not installed."""
    try:
        from pykt.models.akt import AKT  # type: ignore[import-not-found]
    except ImportError:
        return None
    model = config.model
    return AKT(skills, 0, model.width, model.blocks, model.dropout, model.feedforward, num_attn_heads=model.heads)  # type: ignore[no-any-return]


def akt_logits(model: nn.Module, skill: Tensor, response: Tensor) -> Tensor:
    """AKT gives probabilities; their logits."""
    return torch.logit(model(skill, response)[0].clamp(1e-6, 1 - 1e-6))


def main() -> None:
    """Measure in turn and print speeds and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    config = changed(Config(), {"data.path": options.data})
    data, size = load(config.data), config.training.batch_size
    split = split_students(data, 0, 0)
    windows = Windows(data, split.train, PADDED, True, torch.device("cpu"))
    m, skills = config.model, len(data.skills)
    others = {
        "simpleKT": SimpleKT(skills, m.width, m.blocks, m.feedforward, m.heads, m.dropout),
        "AKT": akt(skills, config),
    }
    speeds: dict[str, list[float]] = {"GainAKT": []}
    for round_number in range(options.rounds):
        speeds["GainAKT"].append(ours(config, data))
        for name, model in others.items():
            if model is None:
                print(f"{name}: pykt-toolkit is not installed, left out") if not round_number else None
                continue
            call = akt_logits if name == "AKT" else (lambda model, skill, response: model(skill, response))
            steps = max(2, options.steps // 8) if name == "AKT" else options.steps
            speeds.setdefault(name, []).append(padded_speed(model, call, windows, steps, size))
    for name, values in speeds.items():
        ratio = statistics.median(speeds["GainAKT"]) / statistics.median(values)
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        print(
            f"{name:10} {statistics.median(values):10,.0f} interactions/s ({spread}), GainAKT is {ratio:.1f} times that"
        )


if __name__ == "__main__":
    main()
