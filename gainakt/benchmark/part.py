"""A part of the data as yardsticks see it: training, validation or test students, in windows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from gainakt.curve_model.counts import Practice, practice_of
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Split, Windows, windows_of
from gainakt.measures.questions import question_scores
from gainakt.model.history import history
from gainakt.training.prior import usual_share

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Part:
    """N interactions in windows: flat as `practice`, and as batches of `windows`, in the same order (`in_order`).

    `usual` (S,) is each skill's share of correct responses among the training students.
    """

    practice: Practice
    windows: Windows
    usual: Array
    question: NDArray[np.integer] | None
    seed: int

    @property
    def skills(self) -> int:
        """Number of skills."""
        return len(self.usual)

    @cached_property
    def history(self) -> Array:
        """What came before each interaction (N, features); see `model.history`."""
        usual = torch.as_tensor(self.usual, dtype=torch.float32)
        rows = [history(batch, usual)[batch.valid] for _, batch in self.windows.in_order()]
        return np.asarray(torch.cat(rows).numpy())

    def earlier(self, back: int) -> NDArray[np.integer]:
        """Place of the interaction so many before each one of its window (N,); -1 where there is none."""
        place = self.practice.since - back
        return np.where(place >= self.practice.start[self.practice.window], place, -1)

    def by_skill(self, values: Array) -> sparse.csr_array:
        """Values (N,) in the column of each interaction's skill (N, S)."""
        rows = np.arange(len(values))
        return sparse.csr_array((values, (rows, self.practice.skill)), shape=(len(values), self.skills))

    def scored(self, probability: Array) -> "Scored":
        """What is scored of a probability per interaction (N,); a question in several rows once, by their mean."""
        practice, kept = self.practice, self.practice.scored
        chance = probability[kept]
        first = np.arange(len(chance))
        if self.question is not None:
            question = self.question[kept]
            first = np.unique(question, return_index=True)[1]
            chance = question_scores(question, chance, practice.response[kept])[1]
        columns = (practice.response, practice.student, practice.skill, practice.place)
        return Scored(chance, *(column[kept][first] for column in columns))


@dataclass(frozen=True)
class Scored:
    """Scored predictions: probability of a correct response, response, student, skill, place in the data; each (M,)."""

    probability: Array
    response: NDArray[np.integer]
    student: NDArray[np.integer]
    skill: NDArray[np.integer]
    place: NDArray[np.integer]


Predict = Callable[[Part], Array]
"""Probability of a correct response before each of a part's N interactions (N,); what is not scored may be anything."""


def parts_of(data: Interactions, split: Split, window: int, seed: int) -> dict[str, Part]:
    """The training, validation and test students as yardsticks see them."""
    windows = windows_of(data, split, window, torch.device("cpu"))
    usual = usual_share(data, split.train)
    parts = {}
    for name, some in windows.items():
        practice = practice_of(data, getattr(split, name), window)
        question = None if data.group is None else data.group[practice.place]
        parts[name] = Part(practice, some, usual, question, seed)
    return parts
