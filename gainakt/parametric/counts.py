"""What the stand-in knows before each interaction: counts of practice within the window, by response."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gainakt.data.interactions import Interactions

Index = NDArray[np.integer]
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Practice:
    """N interactions in W windows, window after window; `window`, `student`, `skill`, `response` are (N,).

    `own`, `other` (N, 2) count the earlier incorrect [:, 0] and correct [:, 1] responses of the window, to the same
    skill and to others. `place` (N,) is where each interaction stands in its data; `scored` leaves out a window's first.
    """

    window: Index
    student: Index
    skill: Index
    response: Index
    own: Array
    other: Array
    place: Index
    scored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.skill)

    @property
    def windows(self) -> int:
        """Number of windows."""
        return int(self.window[-1]) + 1 if len(self.window) else 0

    @property
    def start(self) -> Index:
        """Index of each window's first interaction (W,)."""
        return np.nonzero(~self.scored)[0]


def practice_of(data: Interactions, students: Index, window: int) -> Practice:
    """The windows of some students, in the order of `Windows.in_order`: short ones first, none of length one."""
    first, last = (np.searchsorted(data.student, students, side) for side in ("left", "right"))
    cuts = -(-(last - first) // window)
    owner = np.repeat(np.arange(len(students)), cuts)
    start = first[owner] + (np.arange(len(owner)) - (np.cumsum(cuts) - cuts)[owner]) * window
    length = np.minimum(last[owner] - start, window)
    start, length = start[length > 1], length[length > 1]
    order = np.argsort(length, kind="stable")
    start, length = start[order], length[order]
    which = np.repeat(np.arange(len(length)), length)
    place = start[which] + np.arange(len(which)) - (np.cumsum(length) - length)[which]
    return counted(which, data.student[place], data.skill[place], data.response[place], place)


def counted(window: Index, student: Index, skill: Index, response: Index, place: Index) -> Practice:
    """Practice of interactions given window after window, in order."""
    skills = int(skill.max(initial=0)) + 1
    key = window.astype(np.int64) * skills + skill
    order = np.argsort(key, kind="stable")
    own = np.empty((len(key), 2), np.float32)
    own[order] = _before(key[order], response[order])
    return Practice(
        window=window, student=student, skill=skill, response=response, own=own,
        other=_before(window, response) - own, place=place, scored=np.append(False, window[1:] == window[:-1]),
    )  # fmt: skip


def _before(group: Index, response: Index) -> Array:
    """Earlier incorrect and correct responses of the same group (N, 2); groups stand together."""
    flags = np.stack([response == 0, response == 1], axis=1)
    total = np.cumsum(flags, axis=0) - flags
    new = np.append(True, group[1:] != group[:-1])
    begin = np.nonzero(new)[0][np.cumsum(new) - 1]
    return (total - total[begin]).astype(np.float32)
