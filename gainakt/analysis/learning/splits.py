"""Skills that may be two, and pairs that may be one: candidates with what the change adds to the log-likelihood.

The students' levels stay as they are; easiness and slope of the skills concerned are fitted anew.
"""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit

from gainakt.analysis.learning.afm import Afm, logits
from gainakt.analysis.learning.items import LEAST, practised
from gainakt.analysis.learning.observations import Array, Index, Mask, Observations
from gainakt.data.interactions import Interactions

_SCREENED = 60
"""Pairs of skills that are fitted as one, of those whose practice helps each other most."""
_STEPS = 25


def line(offset: Array, practice: Array, response: Array) -> float:
    """Log-likelihood of an easiness and a slope beside known log-odds `offset`, at their best; all (n,)."""
    design = np.column_stack([np.ones(len(offset)), practice])
    at, best = np.zeros(2), -np.inf
    ridge = 1e-6 * np.eye(2) * len(offset)
    for _ in range(_STEPS):
        logit = offset + design @ at
        chance = expit(logit)
        before, best = best, float(response @ logit - np.logaddexp(0, logit).sum())
        if best - before < 1e-6:
            break
        weight = chance * (1 - chance)
        at = at + np.linalg.solve(design.T @ (design * weight[:, None]) + ridge, design.T @ (response - chance))
    return max(best, before)


def splits(data: Interactions, seen: Observations, model: Afm) -> pd.DataFrame:
    """Per skill with two items or more: the best cut of its items, ordered by difficulty, into two skills.

    `gain` in log-likelihood; `bic` is the change of BIC with two more parameters, and the choice among the cuts
    counted; below 0 it speaks for the split. `first` and `second` are the items of each part.
    """
    assert data.question is not None and data.group is None
    chance = expit(logits(model, seen))
    rows = []
    order = np.argsort(data.skill, kind="stable")
    bounds = np.searchsorted(data.skill[order], np.arange(len(data.skills) + 1))
    for skill in range(len(data.skills)):
        here = order[bounds[skill] : bounds[skill + 1]]
        cut = _cut(data, here, chance[here]) if len(here) >= 2 * LEAST else None
        if cut is None:
            continue
        items, second, cuts = cut
        offset = model.level[data.student[here]]
        answer = data.response[here].astype(np.float64)
        whole = line(offset, _earlier(data.student[here]), answer)
        part = np.isin(data.question[here], items[second])
        parts = [line(offset[one], _earlier(data.student[here][one]), answer[one]) for one in (part, ~part)]
        gain = sum(parts) - whole
        names = [[data.questions[one] for one in items[which]] for which in (second, ~second)]
        rows.append((data.skills[skill], len(items), gain, 2 * np.log(len(here) * cuts) - 2 * gain, *names))
    columns = ["skill", "items", "gain", "bic", "first", "second"]
    return pd.DataFrame(rows, columns=columns).sort_values("bic", kind="stable", ignore_index=True)


def _cut(data: Interactions, here: Index, chance: Array) -> tuple[Index, Mask, int] | None:
    """A skill's items, which of them make the second skill, and how many cuts there were; None for a single item."""
    items, number = np.unique(data.question[here], return_inverse=True)  # type: ignore[index]
    if len(items) < 2:
        return None
    u = np.bincount(number, data.response[here] - chance, len(items))
    v = np.maximum(np.bincount(number, chance * (1 - chance), len(items)), 1e-9)
    order = np.argsort(u / v, kind="stable")
    below, under = np.cumsum(u[order])[:-1], np.cumsum(v[order])[:-1]
    gain = below**2 / under + (u.sum() - below) ** 2 / (v.sum() - under)
    second = np.zeros(len(items), bool)
    second[order[int(gain.argmax()) + 1 :]] = True
    return items, second, len(items) - 1


def merges(data: Interactions, seen: Observations, model: Afm) -> pd.DataFrame:
    """Pairs of skills that fit better as one: practice of either counts for both.

    `gain` is the change of the log-likelihood with two parameters less, `bic` that of BIC; below 0 it speaks for the
    merger. Fitted are the pairs whose practice explains each other's responses best.
    """
    assert data.group is None
    chance = expit(logits(model, seen))
    rows = []
    for a, b in _pairs(data, model, chance):
        here = np.flatnonzero((data.skill == a) | (data.skill == b))
        first, offset = data.skill[here] == a, model.level[data.student[here]]
        answer = data.response[here].astype(np.float64)
        apart = sum(line(offset[one], _earlier(data.student[here][one]), answer[one]) for one in (first, ~first))
        gain = line(offset, _earlier(data.student[here]), answer) - apart
        rows.append((data.skills[a], data.skills[b], gain, -2 * np.log(len(here)) - 2 * gain))
    table = pd.DataFrame(rows, columns=["first", "second", "gain", "bic"])
    return table.sort_values("bic", kind="stable", ignore_index=True)


def _pairs(data: Interactions, model: Afm, chance: Array) -> list[tuple[int, int]]:
    """Pairs of skills by how much the practice of one adds to the prediction of the other, both ways together."""
    size = len(data.skills)
    sums = {name: np.zeros((size, size)) for name in ("u", "one", "own", "square")}
    residual, weight = data.response - chance, chance * (1 - chance)
    totals = np.zeros((3, size))  # of the weights of a skill: alone, with its own practice, with its square
    for rows, before in practised(data):
        skill, w, r = data.skill[rows], weight[rows], residual[rows]
        own = before[np.arange(len(skill)), skill]
        for to, values in zip(totals, (w, w * own, w * own**2), strict=True):
            to += np.bincount(skill, values, size)
        by_skill = (skill, np.arange(len(skill)))
        for name, values, counted in (
            ("u", r, before), ("one", w, before), ("own", w * own, before), ("square", w, before**2),
        ):  # fmt: skip
            sums[name] += sparse.csr_array((values.astype(np.float32), by_skill), shape=(size, len(skill))) @ counted
    one, own, square = totals[:, :, None]
    determinant = np.maximum(one * square - own**2, 1e-9)
    taken = (square * sums["one"] ** 2 - 2 * own * sums["one"] * sums["own"] + one * sums["own"] ** 2) / determinant
    left = np.maximum(sums["square"] - taken, 1e-9)
    score = np.where(sums["u"] > 0, sums["u"] ** 2 / (2 * left), 0.0)
    np.fill_diagonal(score, 0.0)
    score[left < 0.5] = 0.0  # hardly anybody practised both
    both = np.triu(score + score.T, 1)
    best = np.argsort(both, axis=None)[::-1][:_SCREENED]
    return [(int(a), int(b)) for a, b in zip(*np.unravel_index(best, both.shape), strict=True) if both[a, b] > 0]


def _earlier(student: Index) -> Array:
    """(n,) how often each row's student stood in the rows before it."""
    order = np.argsort(student, kind="stable")
    start = np.flatnonzero(np.diff(student[order], prepend=-1))
    number = np.arange(len(order)) - np.repeat(start, np.diff([*start, len(order)]))
    earlier = np.empty(len(order))
    earlier[order] = number
    return earlier
