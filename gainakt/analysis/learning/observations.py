"""Responses as the additive factors model sees them: who answered which item, and what was practised before."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gainakt.data.interactions import Interactions
from gainakt.datasets.describe import opportunities

Array = NDArray[np.floating]
Index = NDArray[np.integer]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Observations:
    """N responses of `students` students: `student`, `response`, and `item` where the data name questions; each (N,).

    `skills` (N, S) is 1 where the response needs a skill, `practice` (N, S) the earlier opportunities on these skills.
    """

    students: int
    student: Index
    response: Index
    item: Index | None
    skills: sparse.csr_array
    practice: sparse.csr_array

    def __len__(self) -> int:
        return len(self.student)

    def some(self, kept: Mask) -> "Observations":
        """The responses (N,) that are kept."""
        item = None if self.item is None else self.item[kept]
        return Observations(
            self.students,
            self.student[kept],
            self.response[kept],
            item,
            self.skills[kept],
            self.practice[kept],
        )

    @cached_property
    def of_students(self) -> sparse.csr_array:
        """(N, B) 1 in the column of each response's student."""
        rows = np.arange(len(self) + 1)
        return sparse.csr_array((np.ones(len(self)), self.student, rows), shape=(len(self), self.students))


def observations(data: Interactions) -> Observations:
    """The responses of a data set; a question whose skills stand in rows of their own is one response."""
    row = response_of(data)
    first = np.unique(row, return_index=True)[1]
    shape = (len(first), len(data.skills))
    before = (opportunities(data) - 1).astype(np.float64)
    return Observations(
        students=len(data.students),
        student=data.student[first],
        response=data.response[first],
        item=None if data.question is None else data.question[first],
        skills=sparse.csr_array((np.ones(len(data)), (row, data.skill)), shape=shape),
        practice=sparse.csr_array((before, (row, data.skill)), shape=shape),
    )


def response_of(data: Interactions) -> Index:
    """The number of the response that each interaction belongs to (N,)."""
    if data.group is None:
        return np.arange(len(data))
    return np.unique(data.group, return_inverse=True)[1]
