"""What the learning-curve model knows before each interaction: counts of practice within the window, by response."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gainakt.data.interactions import Interactions
from gainakt.data.sequences import cut
from gainakt.errors import InputError

Index = NDArray[np.integer]
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Practice:
    """N interactions in W windows, window after window; `window`, `student`, `skill`, `response` are (N,).

    `own`, `other` (N, 2) count the earlier incorrect [:, 0] and correct [:, 1] responses of the window, to the same
    skill and to others. `since` (N,) is the first interaction that a prediction must not see: itself, or its question's
    first row where a question's skills stand in rows of their own. `place` (N,) is where it stands in its data.
    """

    window: Index
    student: Index
    skill: Index
    response: Index
    own: Array
    other: Array
    since: Index
    place: Index

    def __len__(self) -> int:
        return len(self.skill)

    @property
    def windows(self) -> int:
        """Number of windows."""
        return int(self.window[-1]) + 1 if len(self.window) else 0

    @property
    def start(self) -> Index:
        """Index of each window's first interaction (W,)."""
        return np.nonzero(np.append(True, self.window[1:] != self.window[:-1]))[0]

    @property
    def scored(self) -> NDArray[np.bool_]:
        """All but the rows of a window's first question (N,)."""
        return self.since > self.start[self.window]

    def part(self, begin: int, end: int) -> "Practice":
        """The windows that lie between these interactions; they are numbered anew."""
        some = {name: value[begin:end] for name, value in vars(self).items()}
        return Practice(**(some | {"window": some["window"] - some["window"][0], "since": some["since"] - begin}))

    def by_skill(self) -> "Practice":
        """The same, but within a window those of one skill together; `since` loses its meaning."""
        order = np.lexsort((self.skill, self.window))
        return Practice(**{name: value[order] for name, value in vars(self).items()})

    def some(self, most: int, rng: np.random.Generator) -> "Practice":
        """All interactions of as many students, at random, as fit into `most`."""
        if len(self) <= most:
            return self
        students, count = np.unique(self.student, return_counts=True)
        order = rng.permutation(len(students))
        return self.of(np.isin(self.student, students[order[np.cumsum(count[order]) <= most]]))

    def of(self, keep: NDArray[np.bool_]) -> "Practice":
        """The interactions (N,) that are kept, whole windows; they are numbered anew."""
        some = {name: value[keep] for name, value in vars(self).items()}
        moved = (np.cumsum(keep) - 1)[some["since"]]
        return Practice(**(some | {"window": np.unique(some["window"], return_inverse=True)[1], "since": moved}))


def practice_of(data: Interactions, students: Index, window: int) -> Practice:
    """The windows of some students, in the order of `Windows.in_order`: short ones first, none of length one.

    Raises InputError where nothing is left.
    """
    start, length, owner = cut(*data.rows_of(students), window, data.group)
    start, length, owner = (values[length > 1] for values in (start, length, owner))
    if not len(start):
        raise InputError(f"{data.source}: no student of a part has two interactions, so there is nothing to predict")
    order = np.lexsort((start, owner))
    order = order[np.argsort(length[order], kind="stable")]
    start, length = start[order], length[order]
    which = np.repeat(np.arange(len(length)), length)
    place = start[which] + np.arange(len(which)) - (np.cumsum(length) - length)[which]
    group = None if data.group is None else data.group[place]
    practice = Practice(
        which,
        data.student[place],
        data.skill[place],
        data.response[place],
        np.zeros((0, 2)),
        np.zeros((0, 2)),
        _since(which, group),
        place,
    )
    return counted(practice)


def _since(window: Index, group: Index | None) -> Index:
    every = np.arange(len(window))
    if group is None:
        return every
    new = np.append(True, (group[1:] != group[:-1]) | (window[1:] != window[:-1]))
    return np.asarray(every[new][np.cumsum(new) - 1])


def counted(practice: Practice) -> Practice:
    """The same interactions with their counts of practice."""
    key = practice.window.astype(np.int64) * (int(practice.skill.max(initial=0)) + 1) + practice.skill
    order = np.argsort(key, kind="stable")
    own = np.empty((len(key), 2), np.float32)
    own[order] = _before(key[order], practice.response[order])
    return replace(practice, own=own, other=_before(practice.window, practice.response)[practice.since] - own)


def _before(group: Index, response: Index) -> Array:
    """Earlier incorrect and correct responses of the same group (N, 2); groups stand together."""
    flags = np.stack([response == 0, response == 1], axis=1)
    total = np.cumsum(flags, axis=0) - flags
    new = np.append(True, group[1:] != group[:-1])
    begin = np.nonzero(new)[0][np.cumsum(new) - 1]
    return np.asarray((total - total[begin]).astype(np.float32))
