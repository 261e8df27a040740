"""Responses drawn from a fitted curve model: on the data's own sequences of skills, or under a stopping rule."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.counts import Practice, counted
from gainakt.curve_model.fit import Fit

Index = NDArray[np.integer]
Array = NDArray[np.floating]
_IN_A_ROW = 3
_MOST = 0.5
_LONGEST = 1000


@dataclass(frozen=True)
class Stopping:
    """How runs of one skill end: at three correct in a row with this `share`, before with hazard `given_up[k]`.

    `given_up[k]` is the share of the runs without three correct in a row that end after k + 1 attempts, `elsewhere`
    that of all such runs after three attempts or more.
    """

    share: float
    given_up: Array
    elsewhere: float

    @property
    def stops(self) -> bool:
        """Whether the data stop at mastery: most runs end at three correct in a row, and most do not end otherwise."""
        return self.share > _MOST > self.elsewhere


def stopping(practice: Practice) -> Stopping:
    """What the runs say about when a skill ends: the share of those with three correct in a row that end there."""
    run, begin = _runs(practice)
    length = np.diff(np.append(begin, len(practice)))
    position = np.arange(len(practice)) - begin[run]
    correct = practice.response > 0
    streak = correct & np.roll(correct, 1) & np.roll(correct, 2) & (position >= _IN_A_ROW - 1)
    first = np.full(len(begin), _LONGEST)
    np.minimum.at(first, run[streak], position[streak] + 1)
    final = np.append(practice.window[begin[1:]] != practice.window[begin[:-1]], True)  # cut off by the window's end
    reached = (first < _LONGEST) & ~(final & (first == length))
    share = float((first == length)[reached].mean()) if reached.any() else 0.0
    unmastered = np.minimum(length, np.where(first < _LONGEST, first - 1, length))
    gave_up = (first == _LONGEST) & ~final
    most = int(length.max(initial=1))
    at_risk = np.bincount(unmastered, minlength=most + 1)[::-1].cumsum()[::-1][1:]
    ended = np.bincount(length[gave_up], minlength=most + 1)[1:]
    hazard = np.where(at_risk > 0, ended / np.maximum(at_risk, 1), 1.0)
    hazard[-1] = 1.0
    late = slice(_IN_A_ROW - 1, None)
    return Stopping(share, hazard, float(ended[late].sum() / max(at_risk[late].sum(), 1)))


def _runs(practice: Practice) -> tuple[Index, Index]:
    """Run of each interaction (N,) and where the runs begin: neighbours of one window and skill."""
    new = np.append(True, (practice.window[1:] != practice.window[:-1]) | (practice.skill[1:] != practice.skill[:-1]))
    return np.cumsum(new) - 1, np.nonzero(new)[0]


def drawn(fit: Fit, practice: Practice, rng: np.random.Generator) -> Practice:
    """The same windows with new responses; where the data stop at mastery, runs get new lengths as well."""
    rule = stopping(practice)
    if rule.stops and (practice.since == np.arange(len(practice))).all():
        return _with_runs(fit, practice, rule, rng)
    length = np.bincount(practice.window)
    order = np.argsort(-length, kind="stable")
    state = _State(fit, practice.windows, rng)
    response = np.zeros(len(practice), np.int8)
    for step in range(int(length.max())):
        some = order[: np.searchsorted(-length[order], -step, "left")]
        place = practice.start[some] + step
        response[place] = state.answer(some, practice.skill[place])
    first = practice.since  # rows of one question share an answer
    return counted(replace(practice, response=response[first]))


def _with_runs(fit: Fit, practice: Practice, rule: Stopping, rng: np.random.Generator) -> Practice:
    """Each window's runs in their order, each as long as the rule says."""
    begin = _runs(practice)[1]
    owner, skill = practice.window[begin], practice.skill[begin]
    runs = np.bincount(owner)
    first = np.cumsum(runs) - runs
    current, attempt, streak = np.zeros_like(runs), np.zeros_like(runs), np.zeros_like(runs)
    state = _State(fit, practice.windows, rng)
    working, parts = np.arange(len(runs)), []
    while len(working):
        asked = skill[first[working] + current[working]]
        answer = state.answer(working, asked)
        parts.append((working, asked, answer))
        streak[working] = np.where(answer > 0, streak[working] + 1, 0)
        leaves = rng.random(len(working)) < rule.given_up[np.minimum(attempt[working], len(rule.given_up) - 1)]
        attempt[working] += 1
        done = working[(streak[working] >= _IN_A_ROW) | leaves]
        current[done] += 1
        attempt[done], streak[done] = 0, 0
        working = working[current[working] < runs[working]]
    window, asked, answer = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(window, kind="stable")
    every = np.arange(len(order))
    return counted(
        Practice(
            window[order],
            practice.student[practice.start][window[order]],
            asked[order].astype(practice.skill.dtype),
            answer[order],
            practice.own[:0],
            practice.other[:0],
            every,
            every,
        )
    )


class _State:
    """Counts of W windows that answer one interaction after the other."""

    def __init__(self, fit: Fit, windows: int, rng: np.random.Generator):
        self.theta, self.rng = fit.theta, rng
        self.level = fit.sigma * rng.standard_normal((windows, 1))
        if fit.skill_sigma:
            self.level = self.level + fit.skill_sigma * rng.standard_normal((windows, len(fit.theta)))
        self.own = np.zeros((windows, len(fit.theta), 2), np.float32)
        self.total = np.zeros((windows, 2), np.float32)

    def answer(self, window: Index, skill: Index) -> Index:
        """Responses (n,) of these windows to these skills, drawn and taken in."""
        own = self.own[window, skill]
        one = Practice(window, window, skill, skill, own, self.total[window] - own, window, window)
        level = self.level[window, skill if self.level.shape[1] > 1 else 0]
        argument = curve.practised(self.theta, one).amount - self.theta[skill, curve.OFFSET] + level
        odds = np.exp(self.theta[skill, curve.HEIGHT]) * curve.sigmoid(argument) - self.theta[skill, curve.FLOOR]
        answer = (self.rng.random(len(window)) < curve.sigmoid(odds)).astype(np.int8)
        self.own[window, skill, answer] += 1
        self.total[window, answer] += 1
        return answer
