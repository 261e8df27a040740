"""Tasks until mastery by BKT: how many more until P(known) passes a threshold, over the responses that may come."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gainakt.analysis.learning.observations import Array, Index
from gainakt.data.interactions import Interactions
from gainakt.datasets.describe import opportunities

MOST = 100
"""Tasks that are looked ahead."""
WHEEL_SPINNING = 10
"""Opportunities without mastery from which a student is said to spin their wheels (Beck and Gong 2013)."""
_GRID = 48
_LEAST = 1e-4


@dataclass(frozen=True)
class Chain:
    """BKT's four probabilities per skill, each (S,): what is read here of a fit, whose own room needs torch."""

    known: Array
    learn: Array
    guess: Array
    slip: Array

    def after(self, skill: Index, known: Array, response: Array) -> Array:
        """P(known) after a response and the chance to learn that comes with it; `known` is the one before."""
        slip, guess, learn = self.slip[skill], self.guess[skill], self.learn[skill]
        right = known * (1 - slip) / np.maximum(known * (1 - slip) + (1 - known) * guess, 1e-12)
        wrong = known * slip / np.maximum(known * slip + (1 - known) * (1 - guess), 1e-12)
        seen = np.where(response > 0, right, wrong)
        return np.asarray(seen + (1 - seen) * learn)


@dataclass(frozen=True)
class Waiting:
    """Tasks until mastery from each of G values of P(known), per skill: mean and variance (S, G).

    `enough` (MOST + 1, S, G) is the chance that so many are enough. What lies beyond MOST counts as MOST.
    """

    threshold: float
    grid: Array
    enough: Array
    mean: Array
    variance: Array

    def at(self, values: Array, skill: Index, known: Array) -> Array:
        """A table (S, G) at a skill and P(known) each; 0 where that is mastery."""
        place, share = _between(self.grid, known)
        found = values[skill, place] * (1 - share) + values[skill, place + 1] * share
        return np.where(known >= self.threshold, 0.0, found)

    def quantile(self, skill: Index, known: Array, share: float) -> Array:
        """Tasks that are enough with this probability, for a skill and P(known) each; infinite beyond MOST."""
        place, part = _between(self.grid, known)
        chance = self.enough[:, skill, place] * (1 - part) + self.enough[:, skill, place + 1] * part
        reached = chance >= share
        tasks = np.where(reached.any(axis=0), reached.argmax(axis=0), np.inf)
        return np.where(known >= self.threshold, 0.0, tasks)


def waiting(chain: Chain, threshold: float) -> Waiting:
    """By going back from the threshold: after n + 1 tasks it is passed if after the next response n are enough."""
    grid = _grid(threshold)
    skills = np.arange(len(chain.known))[:, None]
    right, wrong = (chain.after(skills, grid[None, :], np.array(answer)) for answer in (1, 0))
    chance = grid * (1 - chain.slip[:, None]) + (1 - grid) * chain.guess[:, None]
    enough = np.zeros((MOST + 1, len(chain.known), len(grid)), np.float32)
    steps = [(*_between(grid, after), after >= threshold) for after in (right, wrong)]
    for tasks in range(MOST):
        ahead = []
        for place, share, mastered in steps:
            before, next_ = (np.take_along_axis(enough[tasks], place + one, axis=1) for one in (0, 1))
            ahead.append(np.where(mastered, 1.0, before * (1 - share) + next_ * share))
        enough[tasks + 1] = chance * ahead[0] + (1 - chance) * ahead[1]
    left = 1 - enough[:MOST].astype(np.float64)
    mean = left.sum(axis=0)
    square = (left * (2 * np.arange(MOST)[:, None, None] + 1)).sum(axis=0)
    return Waiting(threshold, grid, enough, mean, np.maximum(square - mean**2, 0))


def _grid(threshold: float) -> Array:
    low, high = (np.log(one / (1 - one)) for one in (_LEAST, threshold))
    return np.asarray(1 / (1 + np.exp(-np.linspace(low, high, _GRID))))


def _between(grid: Array, known: Array) -> tuple[Index, Array]:
    """The grid's value before each, and how far towards the next one, in log-odds."""
    held = np.clip(known, grid[0], grid[-1])
    odds, steps = (np.log(one / (1 - one)) for one in (held, grid))
    far = (odds - steps[0]) / (steps[1] - steps[0])
    place = np.clip(far.astype(np.int64), 0, len(grid) - 2)
    return place, np.clip(far - place, 0, 1)


def courses(data: Interactions, chain: Chain, known: Array, waits: Waiting) -> pd.DataFrame:
    """A row per student and skill that they practise (their numbers): `tasks` done, `mastered`, `at` which task,
    P(known) at the end, `extra` tasks after mastery, and the mean and variance of tasks still to do.

    `known` (N,) is P(known) before each interaction. Mastered once is mastered: a tutor would have stopped there.
    """
    number, after = opportunities(data), chain.after(data.skill, known, data.response)
    key = data.student.astype(np.int64) * len(data.skills) + data.skill
    order = np.argsort(key, kind="stable")
    start = np.flatnonzero(np.diff(key[order], prepend=-1))
    last = order[np.append(start[1:], len(order)) - 1]
    passed = np.where(after[order] >= waits.threshold, number[order], np.iinfo(np.int32).max)
    at = np.minimum.reduceat(passed, start) if len(start) else passed
    skill, end, tasks = data.skill[last], after[last], number[last]
    mastered = at <= tasks
    left = np.where(mastered, waits.threshold, end)
    return pd.DataFrame(
        {
            "student": data.student[last],
            "skill": skill,
            "tasks": tasks,
            "mastered": mastered,
            "at": np.where(mastered, at, 0),
            "known": end,
            "extra": np.where(mastered, tasks - at, 0),
            "spinning": (tasks >= WHEEL_SPINNING) & ~(mastered & (at <= WHEEL_SPINNING)),
            "to_do": waits.at(waits.mean, skill, left),
            "to_do_variance": waits.at(waits.variance, skill, left),
        }
    )
