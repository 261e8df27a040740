"""Bayesian knowledge tracing by EM: learning that no response changes, of which responses only tell.

It is the rival of "the response matters": where knowing is a hidden state, a correct response predicts the next one
although it brings no more practice than an incorrect one. Per skill: P(known at first), P(learn), P(guess), P(slip).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model.counts import Practice

Array = NDArray[np.floating]
Index = NDArray[np.integer]
START = (0.4, 0.15, 0.25, 0.15)
_PRIOR = 10.0
"""How many students' worth of the mean skill pulls at a skill's four numbers."""
_LOW, _HIGH = 1e-3, 0.999
_ITERATIONS = 60
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Bkt:
    """Four probabilities per skill, each (S,)."""

    known: Array
    learn: Array
    guess: Array
    slip: Array


@dataclass(frozen=True)
class _Sequences:
    """P sequences of one student's responses to one skill, longest first; `place[k]` are the rows of their k-th."""

    skill: Index
    response: list[Array]
    place: list[Index]

    @classmethod
    def of(cls, practice: Practice) -> "_Sequences":
        key = practice.window.astype(np.int64) * (int(practice.skill.max()) + 1) + practice.skill
        order = np.argsort(key, kind="stable")
        begin = np.nonzero(np.append(True, np.diff(key[order]) != 0))[0]
        length = np.diff(np.append(begin, len(key)))
        longest = np.argsort(-length, kind="stable")
        begin, length = begin[longest], length[longest]
        places: list[Index] = [order[begin[: np.searchsorted(-length, -k, "left")] + k] for k in range(int(length[0]))]
        return cls(
            practice.skill[order[begin]], [practice.response[place].astype(np.float64) for place in places], places
        )


def fitted_bkt(practice: Practice, skills: int) -> Bkt:
    """Maximum a posteriori by EM; skills with few students are drawn to the others."""
    data = _Sequences.of(practice)
    model, before = Bkt(*(np.full(skills, value) for value in START)), -np.inf
    for _ in range(_ITERATIONS):
        model, likelihood = _improved(model, data)
        if likelihood - before < _TOLERANCE * len(practice):
            break
        before = likelihood
    return model


def predicted_bkt(model: Bkt, practice: Practice) -> Array:
    """Probability of a correct response before each interaction (N,)."""
    known, skill = known_bkt(model, practice), practice.skill
    return np.asarray(known * (1 - model.slip[skill]) + (1 - known) * model.guess[skill])


def known_bkt(model: Bkt, practice: Practice) -> Array:
    """P(known) before each interaction, as the earlier responses tell it (N,)."""
    data, known = _Sequences.of(practice), np.empty(len(practice))
    for place, values in zip(data.place, _filtered(model, data), strict=True):
        known[place] = values
    return known


def _skills(data: _Sequences) -> list[Index]:
    return [data.skill[: len(place)] for place in data.place]


def _emissions(model: Bkt, skill: Index, response: Array) -> tuple[Array, Array]:
    """Probability of what was answered, if known and if not."""
    known = np.where(response > 0, 1 - model.slip[skill], model.slip[skill])
    return known, np.where(response > 0, model.guess[skill], 1 - model.guess[skill])


def _filtered(model: Bkt, data: _Sequences) -> list[Array]:
    """P(known) before each response, by how many came before."""
    known, found = model.known[data.skill], []
    for skill, response in zip(_skills(data), data.response, strict=True):
        known = known[: len(skill)]
        found.append(known)
        if_known, if_not = _emissions(model, skill, response)
        after = known * if_known / (known * if_known + (1 - known) * if_not)
        known = after + (1 - after) * model.learn[skill]
    return found


def _improved(model: Bkt, data: _Sequences) -> tuple[Bkt, float]:
    """One step of EM, and the log-likelihood before it."""
    filtered, likelihood, skills = _filtered(model, data), 0.0, len(model.known)
    sums = np.zeros((4, 2, skills))  # of each of the four: how often, of how many
    ahead = np.ones((2, 0))  # probability of all that follows, if known and if not, for the sequences that go on
    for skill, response, known in zip(
        reversed(_skills(data)), reversed(data.response), reversed(filtered), strict=True
    ):
        if_known, if_not = _emissions(model, skill, response)
        learn, goes_on = model.learn[skill], ahead.shape[1]
        rest = np.ones((2, len(skill)))
        rest[0, :goes_on] = ahead[0]
        rest[1, :goes_on] = learn[:goes_on] * ahead[0] + (1 - learn[:goes_on]) * ahead[1]
        total = known * if_known * rest[0] + (1 - known) * if_not * rest[1]
        posterior = known * if_known * rest[0] / total
        likelihood += float(np.log(known * if_known + (1 - known) * if_not).sum())
        for row, weight, right in ((2, 1 - posterior, response), (3, posterior, 1 - response)):
            sums[row] += [np.bincount(skill, weight * right, skills), np.bincount(skill, weight, skills)]
        gone = slice(0, goes_on)
        jumped = (1 - posterior[gone]) * learn[gone] * ahead[0] / rest[1, gone]
        sums[1] += [np.bincount(skill[gone], jumped, skills), np.bincount(skill[gone], 1 - posterior[gone], skills)]
        scale = total / (known * if_known + (1 - known) * if_not)  # keeps the products from vanishing
        ahead = np.stack([if_known * rest[0], if_not * rest[1]]) / np.maximum(scale, 1e-300)
    sums[0] = [np.bincount(data.skill, posterior, skills), np.bincount(data.skill, minlength=skills)]
    whole = sums.sum(2)
    mean = whole[:, 0] / np.maximum(whole[:, 1], 1e-9)
    better = (sums[:, 0] + _PRIOR * mean[:, None]) / (sums[:, 1] + _PRIOR)
    known, learn, guess, slip = np.clip(better, _LOW, _HIGH)
    return Bkt(known, learn, np.minimum(guess, 0.5), np.minimum(slip, 0.5)), likelihood
