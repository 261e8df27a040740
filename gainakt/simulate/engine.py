"""Students through a course, step by step and vectorised over students: simulated, or replayed from responses."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gainakt.simulate.families import Learners, Students, learners
from gainakt.simulate.parameters import BLOCK, STREAM, Course, Truth, draw_skills, draw_students
from gainakt.simulate.scenario import Scenario
from gainakt.simulate.tutors import Draws, tutor

_CELLS = 4_000_000
"""Most cells of one (students, steps) or (students, skills) array."""


@dataclass(frozen=True)
class Part:
    """Consecutive students, the first of them number `first`, and their interactions, flat and in order.

    `gamma`, `ability`, `length` are per student; `label`, `item` (-1: no items), `response` per interaction.
    """

    first: int
    gamma: np.ndarray
    ability: np.ndarray
    length: np.ndarray
    label: np.ndarray
    item: np.ndarray
    response: np.ndarray


def run(scenario: Scenario, seed: int, blocks: int | None = None) -> tuple[Course, Truth, Iterator[Part]]:
    """The course, its truth without students, and the students, `blocks` random streams at a time.

    What is drawn does not depend on `blocks`, which only trades memory for speed.
    """
    course, truth = draw_skills(scenario, seed)
    cells = BLOCK * max(scenario.lengths[-1], len(course.labels))
    return course, truth, _parts(scenario, seed, course, truth, blocks or max(1, min(8, _CELLS // cells)))


def _parts(scenario: Scenario, seed: int, course: Course, truth: Truth, blocks: int) -> Iterator[Part]:
    for first in range(0, scenario.students, blocks * BLOCK):
        drawn = []
        for start in range(first, min(first + blocks * BLOCK, scenario.students), BLOCK):
            rng = np.random.default_rng([seed, STREAM, start // BLOCK + 1])
            size = min(BLOCK, scenario.students - start)
            gamma, ability, length = draw_students(scenario, rng, BLOCK)
            draws = Draws.of(scenario, course, rng, int(length.max())).first(size)
            drawn.append((gamma[:size], ability[:size], length[:size], draws))
        gamma, ability, length = (np.concatenate([one[j] for one in drawn]) for j in range(3))
        yield _part(scenario, course, truth, (first, gamma, ability, length), Draws.joined([one[3] for one in drawn]))


def _part(
    scenario: Scenario,
    course: Course,
    truth: Truth,
    students: tuple[int, np.ndarray, np.ndarray, np.ndarray],
    draws: Draws,
) -> Part:
    first, gamma, ability, length = students
    order = np.argsort(-length, kind="stable")  # so that those still at work are always the first k
    draws = draws.ordered(order)
    state = learners(truth, Students(gamma[order], ability[order], first + order))
    guide = tutor(scenario, course, draws, state)
    shape = (len(order), int(length.max()))
    label, item, response = np.zeros(shape, np.int32), np.full(shape, -1, np.int32), np.zeros(shape, np.int8)
    for step, working in enumerate(_working(length)):
        asked, asked_item = guide.next(working, step)
        difficulty = truth.item_difficulty[asked_item] if truth.item_sd else 0.0
        _, chance = state.ask(asked, difficulty, step)
        answer = (draws.response[:working, step] < chance).astype(np.int8)
        state.learn(asked, answer, step)
        guide.take(answer)
        label[:working, step], item[:working, step], response[:working, step] = asked, asked_item, answer
    back = np.argsort(order, kind="stable")
    inside = np.arange(shape[1]) < length[:, None]
    return Part(first, gamma, ability, length, *(values[back][inside] for values in (label, item, response)))


def _working(length: np.ndarray) -> np.ndarray:
    """How many students have more than 0, 1, 2, ... interactions."""
    return np.cumsum(np.bincount(length)[::-1])[::-1][1:]


def replay(
    truth: Truth, student: np.ndarray, label: np.ndarray, response: np.ndarray, item: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """True mastery and probability (N,) before each of N given interactions, sorted by student and order.

    NaN where a parameter is not known; `item` (N,) indexes `truth.item_difficulty`.
    """
    mastery, chance = np.full(len(student), np.nan), np.full(len(student), np.nan)
    length = np.bincount(student, minlength=len(truth.gamma))
    start = np.cumsum(length) - length
    order = np.argsort(-length, kind="stable")[: int((length > 0).sum())]
    most = max(1, _CELLS // len(truth.rate))
    for students in (order[cut : cut + most] for cut in range(0, len(order), most)):
        who = Students(truth.gamma[students], truth.ability[students], truth.number[students])
        state: Learners = learners(truth, who)
        for step, working in enumerate(_working(length[students])):
            place = start[students[:working]] + step
            asked = label[place]
            difficulty = truth.item_difficulty[item[place]] if truth.item_sd and item is not None else 0.0
            mastery[place], chance[place] = state.ask(asked, difficulty, step)
            state.learn(asked, response[place], step)
    return mastery, chance


def with_students(truth: Truth, gamma: np.ndarray, ability: np.ndarray) -> Truth:
    """The truth of a course and these students, effective rates (mean gamma of all of them) included."""
    even = (truth.gain_after_correct + truth.gain_after_incorrect) / 2
    number = np.arange(len(gamma))
    return replace(truth, gamma=gamma, ability=ability, number=number, effective_rate=truth.rate * gamma.mean() * even)
