"""Running statistics of a training: what the last batches looked like, kept on the device until they are read."""

from collections import deque

import numpy as np
import torch
from torch import Tensor

from gainakt.data.sequences import Batch
from gainakt.measures import metrics
from gainakt.model.gainakt import Output, aggregate_gains

RECENT = 20
"""Batches whose practised-skill gains the live gain statistics cover."""
BINS, SKILL_BINS = 50, 20


class Recent:
    """Practised gains of the last `RECENT` batches: mean, std and histograms."""

    def __init__(self, skills: int, device: torch.device, reported: str = "practised"):
        self.skills, self.reported = skills, reported
        self._sums: deque[Tensor] = deque(maxlen=RECENT)
        self._overall = torch.zeros(BINS, dtype=torch.long, device=device)
        self._by_skill = torch.zeros(skills * SKILL_BINS, dtype=torch.long, device=device)

    @torch.no_grad()
    def add(self, output: Output, batch: Batch) -> None:
        """Take in one training batch."""
        valid = batch.valid
        aggregate = aggregate_gains(output).detach().float()[valid].double()
        gains = aggregate if self.reported == "aggregate" else output.gains.detach()[valid].double()
        count = valid.sum().double()
        self._sums.append(torch.stack([count, gains.sum(), (gains**2).sum(), aggregate.sum(), (aggregate**2).sum()]))
        self._overall += torch.bincount((gains * BINS).long().clamp(max=BINS - 1), minlength=BINS)
        place = batch.skill[valid] * SKILL_BINS + (gains * SKILL_BINS).long().clamp(max=SKILL_BINS - 1)
        self._by_skill += torch.bincount(place, minlength=len(self._by_skill))

    def values(self) -> dict[str, float]:
        """Mean and std of the practised gains and of the origin's aggregate gain."""
        n, g, gg, a, aa = torch.stack(list(self._sums)).sum(0).tolist()
        return {
            "gain_mean": g / n,
            "gain_std": max(gg / n - (g / n) ** 2, 0.0) ** 0.5,
            "aggregate_gain_mean": a / n,
            "aggregate_gain_std": max(aa / n - (a / n) ** 2, 0.0) ** 0.5,
        }

    def tensors(self) -> dict[str, Tensor]:
        """What it holds, for a state."""
        sums = torch.stack(list(self._sums)) if self._sums else torch.zeros(0, 5, dtype=torch.float64)
        return {"sums": sums, "overall": self._overall, "by_skill": self._by_skill}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Hold what a state held."""
        device = self._overall.device
        self._sums = deque(tensors["sums"].to(device), maxlen=RECENT)
        self._overall, self._by_skill = tensors["overall"].to(device), tensors["by_skill"].to(device)

    def histograms(self) -> tuple[list[int], dict[int, list[int]]]:
        """Counts since the last call: overall, and per skill practised; starts anew."""
        overall, by_skill = self._overall.tolist(), _by_skill(self._by_skill.cpu().numpy())
        self._overall.zero_()
        self._by_skill.zero_()
        return overall, by_skill


def histograms_of(gain: np.ndarray, skill: np.ndarray, skills: int) -> tuple[list[int], dict[int, list[int]]]:
    """Counts of gains in (0, 1) in equal bins, overall and per skill practised."""
    overall = np.bincount(np.minimum((gain * BINS).astype(int), BINS - 1), minlength=BINS)
    place = skill * SKILL_BINS + np.minimum((gain * SKILL_BINS).astype(int), SKILL_BINS - 1)
    return overall.tolist(), _by_skill(np.bincount(place, minlength=skills * SKILL_BINS))


def _by_skill(counts: np.ndarray) -> dict[int, list[int]]:
    rows = counts.reshape(-1, SKILL_BINS)
    return {int(skill): rows[skill].tolist() for skill in np.nonzero(rows.sum(1))[0]}


class RunningAUC:
    """AUC of both encoders over an epoch's training steps, from the predictions made on the way (dropout on)."""

    def __init__(self) -> None:
        self._parts: list[tuple[Tensor, Tensor, Tensor]] = []

    def __bool__(self) -> bool:
        """Whether any batch was taken in."""
        return bool(self._parts)

    def tensors(self) -> dict[str, Tensor]:
        """What it holds, for a state."""
        return dict(zip(("first", "second", "target"), self._columns(), strict=True))

    def _columns(self) -> list[Tensor]:
        """On the CPU, where those of a state are and those since may not be."""
        if not self._parts:
            return [torch.zeros(0)] * 3
        return [torch.cat([part.cpu() for part in column]) for column in zip(*self._parts, strict=True)]

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Hold what a state held."""
        self._parts = [(tensors["first"], tensors["second"], tensors["target"])] if len(tensors["first"]) else []

    def add(self, output: Output, batch: Batch) -> None:
        """Take in one training batch."""
        scored = batch.scored
        self._parts.append((output.logits1.detach()[scored], output.logits2.detach()[scored], batch.target[scored]))

    def values(self) -> dict[str, float | None]:
        """`train_running.encoder1_auc` and `train_running.encoder2_auc`."""
        first, second, target = (column.float().numpy() for column in self._columns())
        return {
            "train_running.encoder1_auc": metrics.auc(target, first),
            "train_running.encoder2_auc": metrics.auc(target, second),
        }
