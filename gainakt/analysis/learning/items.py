"""Items that do not fit their skill: harder or easier than it, or following the practice of another one."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit
from scipy.stats import norm

from gainakt.analysis.learning.afm import Afm, logits
from gainakt.analysis.learning.observations import Array, Index, Observations
from gainakt.data.interactions import Interactions

LEVEL = 0.05
"""Chance of one false alarm or more in a whole table."""
_CELLS = 8_000_000
LEAST = 20
"""Responses from which an item is judged."""


def practised(data: Interactions, cells: int = _CELLS) -> Iterator[tuple[slice, Array]]:
    """Rows of whole students, and the earlier opportunities on every skill before each of them (n, S)."""
    size = len(data.skills)
    start = np.searchsorted(data.student, np.arange(len(data.students) + 1))
    begin = 0
    while begin < len(data.students):
        end = max(begin + 1, int(np.searchsorted(start, start[begin] + max(1, cells // size), "right")) - 1)
        rows = slice(int(start[begin]), int(start[end]))
        count = np.zeros((rows.stop - rows.start, size), np.float32)
        count[np.arange(len(count)), data.skill[rows]] = 1
        total = np.cumsum(count, axis=0) - count
        first = start[data.student[rows]] - rows.start
        yield rows, total - total[first]
        begin = end


def misfits(data: Interactions, seen: Observations, model: Afm) -> pd.DataFrame:
    """Per item of LEAST responses or more: skill, responses, share correct, the share that AFM expects, `shift` in
    logits (above 0: easier than its skill), its z, what it is judged to be, and the skill that it fits better.

    `verdict` is `other_skill` where another skill's practice explains the responses better although each may have the
    item's own difficulty (`gain` in log-likelihood); `harder`, `easier` where its difficulty alone differs; else
    `fits`. Both are corrected for the number of comparisons.
    """
    assert data.question is not None and data.group is None
    item, items = data.question, len(data.questions)
    home = np.zeros(items, np.int64)
    home[item] = data.skill
    chance = expit(logits(model, seen))
    residual, weight = data.response - chance, chance * (1 - chance)
    count, u, v = (np.bincount(item, values, items) for values in (np.ones(len(item)), residual, weight))
    shift, z = u / np.maximum(v, 1e-9), u / np.sqrt(np.maximum(v, 1e-9))
    judged = count >= LEAST
    alone = np.bincount(home[judged], minlength=len(data.skills))[home] < 2
    other, gain = _elsewhere(data, model, (residual, weight), home)
    limit = norm.isf(LEVEL / 2 / max(1, judged.sum()))
    pairs = norm.isf(LEVEL / 2 / max(1, judged.sum() * (len(data.skills) - 1))) ** 2 / 2
    moved = (gain > pairs) & ~alone
    verdict = np.select([moved, z < -limit, z > limit], ["other_skill", "harder", "easier"], "fits")
    labels = np.array(data.skills, dtype=object)
    table = pd.DataFrame(
        {
            "item": data.questions,
            "skill": labels[home],
            "responses": count.astype(int),
            "share_correct": np.bincount(item, data.response, items) / np.maximum(count, 1),
            "expected": np.bincount(item, chance, items) / np.maximum(count, 1),
            "shift": shift,
            "z": z,
            "verdict": verdict,
            "better": np.where(moved, labels[other], ""),
            "gain": gain,
        }
    )
    return table[judged]


def _elsewhere(data: Interactions, model: Afm, of: tuple[Array, Array], home: Index) -> tuple[Index, Array]:
    """The skill whose practice explains each item best, and how much better than its own, in log-likelihood.

    The item's own difficulty is free on both sides. To second order in the change of the log-odds, for all skills.
    """
    (residual, weight), items, size = of, len(data.questions), len(data.skills)
    sums = [np.zeros((items, size)) for _ in range(3)]
    for rows, before in practised(data):
        n = rows.stop - rows.start
        skill, w = data.skill[rows], weight[rows][:, None]
        own = model.slope[skill] * before[np.arange(n), skill]
        change = before * model.slope[None, :] - own[:, None]
        to_item = sparse.csr_array((np.ones(n), (data.question[rows], np.arange(n))), shape=(items, n))  # type: ignore[index]
        for total, values in zip(sums, (residual[rows][:, None] * change, w * change, w * change**2), strict=True):
            total += to_item @ values
    u, v = (np.bincount(data.question, values, items)[:, None] for values in (residual, weight))  # type: ignore[arg-type]
    v = np.maximum(v, 1e-9)
    along, cross, square = sums
    gain = along - square / 2 + (u - cross) ** 2 / (2 * v) - u**2 / (2 * v)
    gain[np.arange(items), home] = -np.inf
    best = gain.argmax(axis=1)
    return best, gain[np.arange(items), best]
