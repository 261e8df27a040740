"""What a model says of a split as flat arrays, and what measures read of it, each computed once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.measures import metrics
from gainakt.measures.questions import question_scores

Array = NDArray[Any]


@dataclass(frozen=True)
class Predictions:
    """Flat arrays of a split: one entry per scored step, and one per interaction (`gain_*`)."""

    student: Array
    asked: Array
    target: Array
    p1: Array
    p2: Array
    mastery: Array
    gain: Array
    gain_student: Array
    gain_skill: Array
    gain_response: Array
    gain_is_scored: Array
    """Whether the interaction is followed by a scored one."""
    aggregate: Array
    question: Array | None = None
    """Question number of each scored step, where a question's skills stand in rows of their own."""

    def reported(self, gain: str) -> Array:
        """The tensor that gain statistics read: the `practised` gains, or the original study's `aggregate`."""
        return self.aggregate if gain == "aggregate" else self.gain


class Split:
    """A split's predictions as measures read them: scored once per question, gains as reported.

    `skills` is their number; `gain` names the tensor that gain statistics read (see `Predictions.reported`).
    """

    def __init__(self, predictions: Predictions, skills: int, gain: str = "practised"):
        self.predictions, self.skills, self.gains = predictions, skills, predictions.reported(gain)

    @cached_property
    def first(self) -> Array:
        """Places of the scored steps that stand for their question; where rows are siblings, one each."""
        question = self.predictions.question
        if question is None:
            return np.arange(len(self.predictions.target))
        return np.unique(question, return_index=True)[1]

    def _scored(self, value: Array) -> Array:
        question = self.predictions.question
        return value if question is None else question_scores(question, value, self.predictions.target)[1]

    @cached_property
    def target(self) -> Array:
        """Response of each scored step, 0 or 1."""
        return self.predictions.target[self.first]

    @cached_property
    def student(self) -> Array:
        """Student of each scored step."""
        return self.predictions.student[self.first]

    @cached_property
    def p1(self) -> Array:
        """Encoder 1's probability of a correct response."""
        return self._scored(self.predictions.p1)

    @cached_property
    def p2(self) -> Array:
        """Encoder 2's probability of a correct response."""
        return self._scored(self.predictions.p2)

    @cached_property
    def mastery(self) -> Array:
        """Mastery of the next skill before its response."""
        return self._scored(self.predictions.mastery)

    @cached_property
    def gain_statistics(self) -> dict[str, float | None]:
        """`metrics.gain_statistics` of the reported gains."""
        of = self.predictions
        return metrics.gain_statistics(self.gains, of.gain_skill, of.gain_response, self.skills)

    @cached_property
    def variance_components(self) -> dict[str, float]:
        """`metrics.variance_components` of the reported gains."""
        of = self.predictions
        return metrics.variance_components(self.gains, of.gain_skill, of.gain_student, of.gain_response)

    @cached_property
    def mastery_by_student(self) -> tuple[float | None, int]:
        """Mean over students of the correlation of mastery and next response, and how many were left out."""
        return metrics.correlation_by_student(self.mastery, self.target, self.student)

    @cached_property
    def gain_before_next(self) -> Array | None:
        """Reported gain before each scored step; None where the next row may answer the gain's own question."""
        of = self.predictions
        return None if of.question is not None else self.gains[of.gain_is_scored]

    @cached_property
    def gain_by_student(self) -> tuple[float | None, int | None]:
        """Mean over students of the correlation of gain and next response, and how many were left out."""
        gain, of = self.gain_before_next, self.predictions
        return (None, None) if gain is None else metrics.correlation_by_student(gain, of.target, of.student)
