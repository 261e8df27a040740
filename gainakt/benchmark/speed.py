"""What `bench` measures on this machine: the trainer's speed beside other networks', start, evaluation, memory."""

import resource
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import psutil
import torch
from torch import nn
from torch.nn import functional as F

from gainakt.benchmark import dkt, pykt
from gainakt.benchmark.networks import SimpleKT, flops_per_interaction
from gainakt.config import Config, changed
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Batch, Windows
from gainakt.datasets.load import load
from gainakt.training.evaluate import measure, predict
from gainakt.training.loop import Training
from gainakt.training.stepper import padded

PADDED, SIZE = 200, 64
"""Steps and windows of a batch of the other networks: pyKT's own."""
WIDTHS = (128, 256)
"""Widths at which the share of the matrix-product rate is measured, beside the configuration's own."""
SPEED = "interactions / s"


@dataclass(frozen=True)
class Row:
    """One measured value; `ratio` is GainAKT's speed over this one's, `low` and `high` the rounds' extremes."""

    what: str
    value: float | None
    unit: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


def measured(config: Config, rounds: int, steps: int) -> Iterator[Row]:
    """All that is measured, a training with `config` first; the speeds in turn, `steps` steps in each round."""
    loaded = time.time() - psutil.Process().create_time()
    begun = time.perf_counter()
    data = load(config.data)
    read = time.perf_counter()
    run = Training(config, data, list, None, 0)
    run.prepare()
    built = time.perf_counter()
    list(run.epoch_end(0, {}))
    work = _Work(run)
    work.steps(1)
    first = time.perf_counter()
    yield Row("Start: packages", loaded, "s")
    yield Row("Start: data read", read - begun, "s")
    yield Row("Start: model built, prior fitted", built - read, "s")
    yield Row("Start: first evaluation, first step", first - built, "s")
    yield Row("Start to first step", loaded + first - begun, "s")
    begun = time.perf_counter()
    measure(predict(run.model, run.windows["test"]), len(data.skills))
    count = run.windows["test"].interactions
    yield Row("Test split evaluated", time.perf_counter() - begun, "s", note=f"{count:,} interactions")
    work.steps(4 * steps)
    yield Row("Peak memory", _peak(), "GiB", note="reading, fit, evaluation, training")
    yield from _speeds(work, _others(config, data), run.windows["train"], rounds, steps)
    yield from _shares(config, data, work, steps)


class _Work:
    """A training under way, of which some steps at a time are done."""

    def __init__(self, run: Training):
        self.run = run
        self.events = chain.from_iterable(run.epoch(epoch) for epoch in range(1, run.config.training.max_epochs + 1))

    def steps(self, count: int) -> float:
        """Do so many; real interactions per second, with all that is recorded of a step."""
        until, before = self.run.step + count, (self.run.trained, self.run.train_seconds)
        while self.run.step < until and next(self.events, None) is not None:
            pass
        return (self.run.trained - before[0]) / max(self.run.train_seconds - before[1], 1e-9)


def _others(config: Config, data: Interactions) -> dict[str, nn.Module | None]:
    """Networks to compare with: of the same size, and DKT of 200; None where pyKT is not installed."""
    skills, m = len(data.skills), config.model
    torch.manual_seed(0)
    networks: dict[str, nn.Module | None] = {
        "simpleKT": SimpleKT(skills, m, PADDED),
        "DKT of 200": dkt._Network(skills),
        "AKT": None,
    }
    try:
        from pykt.models.akt import AKT  # type: ignore[import-not-found]
    except Exception:  # missing, or what it imports is too old or missing
        return networks
    inner = AKT(skills, 0, m.width, m.blocks, m.dropout, m.feedforward, num_attn_heads=m.heads)
    return {**networks, "AKT": pykt.Network(inner, False)}


def _speeds(
    work: _Work, others: dict[str, nn.Module | None], windows: Windows, rounds: int, steps: int
) -> Iterator[Row]:
    """Median speeds, measured in turn, so that what else the machine does slows all alike."""
    name = f"GainAKT, width {work.run.config.model.width}"
    found: dict[str, list[float]] = {name: [], **{other: [] for other, network in others.items() if network}}
    for _ in range(rounds):
        found[name].append(work.steps(4 * steps))
        for other, network in others.items():
            if network is not None:
                few = max(2, steps // 8) if other == "AKT" else steps
                found[other].append(_padded_speed(network, windows, few))
    ours = statistics.median(found[name])
    for what, speeds in found.items():
        middle = statistics.median(speeds)
        yield Row(what, middle, SPEED, None if what == name else ours / middle, min(speeds), max(speeds))
    if others["AKT"] is None:
        yield Row("AKT", None, SPEED, note="left out: pykt-toolkit is not installed")


def _padded_speed(network: nn.Module, windows: Windows, steps: int) -> float:
    """Real interactions per second of plain training steps on random batches, padded as pyKT pads them."""
    adam, batches, real = torch.optim.Adam(network.parameters(), lr=1e-3), _padded_batches(windows), 0
    network.train()
    begun = time.perf_counter()
    for step in range(steps + 1):
        if step == 1:
            begun, real = time.perf_counter(), 0
        batch = next(batches)
        loss = F.binary_cross_entropy_with_logits(network(batch)[batch.scored], batch.target[batch.scored])
        adam.zero_grad()
        loss.backward()
        adam.step()
        real += batch.interactions
    return real / (time.perf_counter() - begun)


def _padded_batches(windows: Windows) -> Iterator[Batch]:
    order = np.random.default_rng(0).permutation(len(windows))
    size = min(SIZE, len(order))
    while True:
        for begin in range(0, len(order) - size + 1, size):
            yield padded(windows.batch(order[begin : begin + size]), PADDED)


def _shares(config: Config, data: Interactions, work: _Work, steps: int) -> Iterator[Row]:
    """What share of the device's own rate of matrix products the encoders' products reach, by real interactions."""
    most = product_rate(work.run.device)
    yield Row("Matrix products of 1024 x 1024", most / 1e9, "GFLOP/s")
    length = len(data) / len(data.students)
    for width in WIDTHS:
        size = {"model.width": width, "model.feedforward": 4 * width, "model.prior": "none", "weights.fit": 0.0}
        other = _Work(Training(changed(config, size), data, list, None, 0))
        other.run.prepare()
        other.steps(2)
        speed = other.steps(max(3, steps // 2))
        share = speed * flops_per_interaction(other.run.config, length) / most
        yield Row(f"Share of it, width {width}", share, "", note=f"{speed:,.0f} {SPEED}")


def product_rate(device: torch.device) -> float:
    """Operations per second of a large matrix product in the type that a training uses, the best of five."""
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    size = 8192 if device.type == "cuda" else 1024
    a, best = torch.randn(size, size, device=device, dtype=kind), 0.0
    for _ in range(6):
        _wait(device)
        begun = time.perf_counter()
        for _ in range(4):
            a @ a
        _wait(device)
        best = max(best, 4 * 2 * size**3 / (time.perf_counter() - begun))
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak() -> float:
    """Most memory that this process held so far, in GiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
