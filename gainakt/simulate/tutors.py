"""What a simulated student is asked next: blocked, interleaved, until three correct in a row, or adaptive."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gainakt.simulate.families import Learners
from gainakt.simulate.parameters import BLOCK, Course
from gainakt.simulate.scenario import Scenario

_IN_A_ROW = 3
_CANDIDATES = 4


@dataclass(frozen=True)
class Draws:
    """Uniform numbers in [0, 1), (n, T), for the responses, skills, run lengths and items; and orders of skills (n, S).

    What a scenario does not need is empty, (n, 0).
    """

    response: np.ndarray
    skill: np.ndarray
    run: np.ndarray
    item: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, scenario: Scenario, course: Course, rng: np.random.Generator, steps: int) -> "Draws":
        """All of one block's draws, as many students as `rng`'s block has."""

        def uniform(needed: bool) -> np.ndarray:
            return rng.random((BLOCK, steps if needed else 0), dtype=np.float32)

        response, skill = uniform(True), uniform(scenario.revisit or scenario.sequencing == "adaptive")
        run, item = uniform(scenario.sequencing == "blocked"), uniform(scenario.items_per_skill > 0)
        order = np.zeros((BLOCK, 0), np.int32)
        if not scenario.revisit and scenario.sequencing != "adaptive":
            keys = rng.gumbel(size=(BLOCK, scenario.skills)) + np.log(course.popularity)
            order = np.argsort(-keys, axis=1).astype(np.int32)  # drawn one after the other, by popularity
        return cls(response, skill, run, item, order)

    def first(self, size: int) -> "Draws":
        """Those of the first students."""
        return Draws(*(values[:size] for values in self._all()))

    def ordered(self, order: np.ndarray) -> "Draws":
        """Those of the students in this order."""
        return Draws(*(values[order] for values in self._all()))

    @staticmethod
    def joined(parts: Sequence["Draws"]) -> "Draws":
        """One after the other, padded to the longest."""
        return Draws(*(_stacked(values) for values in zip(*(part._all() for part in parts), strict=True)))

    def _all(self) -> tuple[np.ndarray, ...]:
        return self.response, self.skill, self.run, self.item, self.order


def _stacked(values: Sequence[np.ndarray]) -> np.ndarray:
    width = max(one.shape[1] for one in values)
    return np.concatenate([np.pad(one, ((0, 0), (0, width - one.shape[1]))) for one in values])


class Tutor:
    """Runs of one skill; how long they are is the subclass's matter, here a draw (blocked)."""

    def __init__(self, scenario: Scenario, course: Course, draws: Draws):
        students = len(draws.response)
        self.scenario, self.course, self.draws = scenario, course, draws
        self.cumulated = np.cumsum(course.popularity)[:-1]
        self.skill = np.zeros(students, np.int64)
        self.left = np.zeros(students, np.int64)
        self.taken = np.zeros(students, np.int64)

    def next(self, working: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Labels and items (-1: none) for the first `working` students."""
        rows = np.nonzero(self.left[:working] <= 0)[0]
        if len(rows):
            self.skill[rows] = self._choice(rows, step)
            self.left[rows] = self._length(rows, step)
        skill = self.skill[:working]
        per_skill = self.scenario.items_per_skill
        if not per_skill:
            return skill.copy(), np.full(working, -1)
        item = skill * per_skill + (self.draws.item[:working, step] * per_skill).astype(np.int64)
        return self.course.item_label[item], item

    def take(self, response: np.ndarray) -> None:
        """The responses to what was asked."""
        self.left[: len(response)] -= 1

    def _choice(self, rows: np.ndarray, step: int) -> np.ndarray:
        if not self.scenario.revisit:
            chosen: np.ndarray = self.draws.order[rows, self.taken[rows] % self.scenario.skills]
            self.taken[rows] += 1
            return chosen
        return np.asarray(np.searchsorted(self.cumulated, self.draws.skill[rows, step], side="right"))

    def _length(self, rows: np.ndarray, step: int) -> np.ndarray:
        low, high = self.scenario.block
        return np.asarray(low + (self.draws.run[rows, step] * (high - low + 1)).astype(np.int64))


class Interleaving(Tutor):
    """A new choice at each interaction."""

    def _length(self, rows: np.ndarray, step: int) -> np.ndarray:
        return np.ones(len(rows), np.int64)


class UntilCorrect(Tutor):
    """One skill until three correct responses in a row, or until the tutor gives up."""

    def __init__(self, scenario: Scenario, course: Course, draws: Draws):
        super().__init__(scenario, course, draws)
        self.streak = np.zeros(len(self.left), np.int64)

    def take(self, response: np.ndarray) -> None:
        working = len(response)
        streak = np.where(response > 0, self.streak[:working] + 1, 0)
        done = streak >= _IN_A_ROW
        self.left[:working] = np.where(done, 0, self.left[:working] - 1)
        self.streak[:working] = np.where(self.left[:working] <= 0, 0, streak)

    def _length(self, rows: np.ndarray, step: int) -> np.ndarray:
        return np.full(len(rows), self.scenario.most_attempts)


class Adapting(Interleaving):
    """Of four skills, one from each quarter of the popularity, that whose probability is nearest the target."""

    def __init__(self, scenario: Scenario, course: Course, draws: Draws, state: Learners):
        super().__init__(scenario, course, draws)
        self.state = state

    def _choice(self, rows: np.ndarray, step: int) -> np.ndarray:
        best, nearest = np.zeros(len(rows), np.int64), np.full(len(rows), np.inf)
        for j in range(_CANDIDATES):
            quarter = (self.draws.skill[rows, step] + j / _CANDIDATES) % 1
            skill = np.searchsorted(self.cumulated, quarter, side="right")
            distance = np.abs(self.state.ask(skill, 0.0, step)[1] - self.scenario.target)
            best = np.where(distance < nearest, skill, best)
            nearest = np.minimum(distance, nearest)
        return best


def tutor(scenario: Scenario, course: Course, draws: Draws, state: Learners) -> Tutor:
    """The scenario's tutor for the students of these draws."""
    if scenario.sequencing == "adaptive":
        return Adapting(scenario, course, draws, state)
    kind = {"blocked": Tutor, "interleaved": Interleaving, "until_correct": UntilCorrect}[scenario.sequencing]
    return kind(scenario, course, draws)
