"""Three families of learners: what they know, how likely they answer correctly, what they learn from it.

Each is one small state over students; a simulation and the replay of given responses run the same code.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gainakt.simulate.parameters import Truth, start_level

Array = NDArray[np.floating]
Index = NDArray[np.integer]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), for arguments of either sign and any size."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -700, 700))))


class Learners(Protocol):
    """n students; the first k of them are asked at each step, `label` and `difficulty` are (k,)."""

    def ask(self, label: Index, difficulty: Array | float, step: int) -> tuple[Array, Array]:
        """Mastery of what is asked, and probability of a correct response, both (k,), before the response."""

    def learn(self, label: Index, response: Index, step: int) -> None:
        """Take in the responses to what was asked last."""


@dataclass(frozen=True)
class Students:
    """Velocity, ability and number (n,) of some students."""

    gamma: Array
    ability: Array
    number: Index


def learners(truth: Truth, students: Students) -> Learners:
    """These students before their first interaction."""
    kind = Knowing if truth.family == "bkt" else Practising
    return kind(truth, students)


class Practising:
    """The model's own family and PFA: practice W counts gains, weighted by the response, decayed by forgetting.

    E = (1 - transfer) W[s] + transfer W[group of s], where a group's W counts all of its skills' interactions.
    Several skills at once: the mean of their log-odds; each is practised.
    """

    def __init__(self, truth: Truth, students: Students):
        self.truth, self.students, size = truth, students, len(students.gamma)
        self.practice = _Tally(size, len(truth.rate), truth.forgetting)
        groups = int(truth.group.max(initial=-1)) + 1
        self.shared = _Tally(size, groups, truth.forgetting) if truth.transfer and groups else None

    def ask(self, label: Index, difficulty: Array | float, step: int) -> tuple[Array, Array]:
        truth = self.truth
        if truth.parts.shape[1] == 1:
            mastery, odds = self._one(label, step)
        else:
            parts = truth.parts[label]  # (k, K)
            known = parts >= 0
            each = [self._one(np.where(known[:, j], parts[:, j], label), step) for j in range(parts.shape[1])]
            mastery, odds = (
                np.where(known, np.stack(values, axis=1), 0).sum(1) / known.sum(1) for values in zip(*each, strict=True)
            )
        chance = sigmoid(odds - difficulty)
        return mastery, truth.guess + (1 - truth.guess - truth.slip) * chance

    def _one(self, skill: Index, step: int) -> tuple[Array, Array]:
        """Mastery of one skill per student, and log-odds of a correct response."""
        truth, k = self.truth, len(skill)
        practice = self.practice.at(skill, step)
        if self.shared is not None:
            group = truth.group[skill]
            fed = np.where(group >= 0, self.shared.at(np.maximum(group, 0), step), practice)
            practice = practice + truth.transfer * (fed - practice)
        level = self.students.ability[:k] + start_level(truth, self.students.number[:k], skill)
        curve = self.students.gamma[:k] * truth.rate[skill] * practice + level - truth.offset[skill]
        mastery = sigmoid(curve)
        if truth.family == "pfa":
            return mastery, curve
        mastery = truth.saturation[skill] * mastery
        return mastery, (mastery - truth.threshold[skill]) / truth.temperature

    def learn(self, label: Index, response: Index, step: int) -> None:
        gain = np.where(response > 0, self.truth.gain_after_correct, self.truth.gain_after_incorrect)
        for j in range(self.truth.parts.shape[1]):
            skill = self.truth.parts[label, j]
            rows = np.nonzero(skill >= 0)[0]
            self.practice.add(rows, skill[rows], gain[rows], step)
            if self.shared is not None:
                grouped = rows[self.truth.group[skill[rows]] >= 0]
                self.shared.add(grouped, self.truth.group[skill[grouped]], gain[grouped], step)


class _Tally:
    """Sums (n, C) that lose the share `decay` at every step; brought up to date only where they are read."""

    def __init__(self, rows: int, columns: int, decay: float):
        self.columns, self.keep = columns, 1 - decay
        self.value = np.zeros(rows * columns)
        self.since = np.zeros(rows * columns if decay else 0, np.int32)
        self.start = np.arange(rows) * columns

    def at(self, column: Index, step: int) -> Array:
        place = self.start[: len(column)] + column
        value: Array = self.value[place]
        return value if self.keep == 1 else np.asarray(value * self.keep ** (step - self.since[place]))

    def add(self, rows: Index, column: Index, amount: Array, step: int) -> None:
        place = self.start[rows] + column
        if self.keep != 1:
            self.value[place] *= self.keep ** (step - self.since[place])
            self.since[place] = step
        self.value[place] += amount


class Knowing:
    """BKT as the filter of its true parameters: P(known | responses so far), which is all that can be known.

    P(known) starts at sigmoid(ability + start level - offset); learning happens with 1 - exp(-gamma rate gain);
    forgetting takes its share of P(known) at every interaction after the first with the skill.
    """

    def __init__(self, truth: Truth, students: Students):
        self.truth, self.gamma, skills = truth, students.gamma, len(truth.rate)
        level = students.ability[:, None] + start_level(truth, students.number[:, None], np.arange(skills))
        self.known = sigmoid(level - truth.offset).ravel()
        self.since = np.full(len(self.known), -1, np.int32)
        self.start = np.arange(len(students.gamma)) * skills
        self.gain = np.array([truth.gain_after_incorrect, truth.gain_after_correct])

    def ask(self, label: Index, difficulty: Array | float, step: int) -> tuple[Array, Array]:
        place = self.start[: len(label)] + label
        known = self.known[place]
        if self.truth.forgetting:
            since = self.since[place]
            known = known * (1 - self.truth.forgetting) ** np.where(since < 0, 0, step - since)
        return known, known * (1 - self.truth.slip) + (1 - known) * self.truth.guess

    def learn(self, label: Index, response: Index, step: int) -> None:
        known, chance = self.ask(label, 0.0, step)
        place = self.start[: len(label)] + label
        correct = known * (1 - self.truth.slip) / np.maximum(chance, 1e-300)
        wrong = known * self.truth.slip / np.maximum(1 - chance, 1e-300)
        known = np.where(response > 0, correct, wrong)
        hazard = self.gamma[: len(label)] * self.truth.rate[label] * self.gain[response]
        self.known[place] = known + (1 - known) * -np.expm1(-hazard)
        self.since[place] = step
