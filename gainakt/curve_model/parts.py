"""The data of a fit, cut between windows into parts that stay in the processor's cache."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gainakt.curve_model.counts import Practice

_PART = 2048


@dataclass(frozen=True)
class Part:
    """Some whole windows, few enough to stay in the processor's cache, and the matrix that sums over a skill (S, N).

    Interactions that share a level stand together: `group` (N,) numbers them, `start` (G,) is where they begin, and
    `first` (W,) is each window's first group. Without a level on skills a window is one group.
    """

    practice: Practice
    by_skill: sparse.csr_array
    group: NDArray[np.integer]
    start: NDArray[np.integer]
    first: NDArray[np.integer]


def parts_of(practice: Practice, skills: int, levels_on_skills: bool) -> list[Part]:
    """The data in parts; the interactions of a student and skill form a group where they share a level."""
    return [_part(practice.part(begin, end), skills, levels_on_skills) for begin, end in pieces(practice)]


def _part(practice: Practice, skills: int, levels_on_skills: bool) -> Part:
    start = practice.start
    if levels_on_skills:
        practice = practice.by_skill()
        same = (np.diff(practice.window) == 0) & (np.diff(practice.skill) == 0)
        start = np.nonzero(np.append(True, ~same))[0]
    new = np.zeros(len(practice), np.int64)
    new[start] = 1
    one, place = np.ones(len(practice), np.float32), np.arange(len(practice))
    sums = sparse.csr_array((one, (practice.skill, place)), shape=(skills, len(practice)))
    return Part(practice, sums, np.cumsum(new) - 1, start, np.searchsorted(start, practice.start))


def pieces(practice: Practice) -> list[tuple[int, int]]:
    """Where the data are cut between windows, so that what is computed of a piece stays in the processor's cache."""
    near = np.searchsorted(practice.start, np.arange(_PART, len(practice), _PART), "left")
    cuts = np.unique(np.append(practice.start[near[near < practice.windows]], [0, len(practice)]))
    return [(int(begin), int(end)) for begin, end in pairwise(cuts)]
