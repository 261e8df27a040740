"""Bayesian knowledge tracing with forgetting (Qiu et al. 2011; Khajah, Lindsey, Mozer 2016), by gradient."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gainakt.benchmark.part import Array, Part, Predict

SETTINGS: dict[str, Any] = {"iterations": 80, "learning_rate": 0.1, "spread": 1.0}
_START = (0.4, 0.15, 0.05, 0.25, 0.15)
"""Known at first, learn, forget, guess, slip."""


def fit(train: Part, validation: Part) -> Predict:
    """Five probabilities per skill, normal in logits around those of all skills; the likeliest of the training data."""
    shared = torch.logit(torch.tensor(_START)).requires_grad_()
    own = torch.zeros(train.skills, len(_START), requires_grad=True)
    steps = _steps(train)
    optimiser = torch.optim.Adam([shared, own], lr=SETTINGS["learning_rate"])
    for _ in range(SETTINGS["iterations"]):
        optimiser.zero_grad()
        chances = _chances(shared + own, steps)
        loss = sum(torch.nn.functional.binary_cross_entropy(c, r, reduction="sum") for c, (_, _, r) in
                   zip(chances, steps, strict=True))  # fmt: skip
        (loss + (own / SETTINGS["spread"]).square().sum() / 2).backward()
        optimiser.step()

    def predict(part: Part) -> Array:
        found, steps = np.empty(len(part.practice)), _steps(part)
        with torch.no_grad():
            for chance, (place, _, _) in zip(_chances(shared + own, steps), steps, strict=True):
                found[place] = chance.numpy()
        return found

    return predict


def _steps(part: Part) -> list[tuple[Any, Tensor, Tensor]]:
    """By number of opportunity: places, skills and responses of the sequences that are so long, the longest first."""
    practice = part.practice
    key = practice.window.astype(np.int64) * part.skills + practice.skill
    order = np.argsort(key, kind="stable")
    begin = np.nonzero(np.append(True, np.diff(key[order]) != 0))[0]
    length = np.diff(np.append(begin, len(key)))
    longest = np.argsort(-length, kind="stable")
    places = [order[begin[longest[: int((length > k).sum())]] + k] for k in range(int(length.max()))]
    skill, response = torch.as_tensor(practice.skill).long(), torch.as_tensor(practice.response).float()
    return [(place, skill[place], response[place]) for place in places]


def _chances(logits: Tensor, steps: list[tuple[Any, Tensor, Tensor]]) -> list[Tensor]:
    """Probability of a correct response at each opportunity, by what was answered before it."""
    first, learn, forget, guess, slip = torch.sigmoid(logits).clamp(1e-4, 1 - 1e-4).unbind(1)
    known, found = first[steps[0][1]], []
    for _, skill, response in steps:
        known = known[: len(skill)]
        right = known * (1 - slip[skill])
        chance = right + (1 - known) * guess[skill]
        found.append(chance)
        after = torch.where(response > 0, right / chance, known * slip[skill] / (1 - chance))
        known = after * (1 - forget[skill]) + (1 - after) * learn[skill]
    return found
