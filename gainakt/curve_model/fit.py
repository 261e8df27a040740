"""Fitting the learning-curve model: Fisher scoring, and empirical Bayes for how much skills differ.

A skill's seven numbers are normal around the means of all skills. The spreads are estimated from the data (MacKay's
fixed point of the Laplace approximation), so that shrinkage is strong where a skill has few interactions, and total
where skills do not differ. Levels are normal between students, and between the skills of a student, and summed over a
grid of their values: what a student knew before is weighed by the responses and is not taken for learning.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.counts import Practice
from gainakt.curve_model.parts import Part, parts_of

Array = NDArray[np.floating]
START = np.array([-1.5, 0.0, -4.0, 0.0, 0.5, 1.2, 1.0])
_PRIOR_MEAN = np.array([-1.0, 0.0, -4.0, 0.0, 0.5, 1.4, 1.0, -0.5])
_PRIOR_STD = np.array([1.5, 1.0, 1.5, 1.0, 2.0, 0.5, 2.0, 1.0])
"""A weak prior of the shared means, for data too few or too flat to say."""
_SPREAD = (0.02, 1.5)
_START_SPREAD = 0.3
_START_SIGMA, _START_SKILL_SIGMA, _LEAST_SIGMA = 0.5, 0.1, 0.02
_OF_STUDENT, _OF_SKILL = ("student", "student_skill"), ("student_skill",)
_LEAST_ITERATIONS = 4
_TOLERANCE, _SPREAD_TOLERANCE = 5e-7, 1e-3
"""Rise of the log-likelihood per interaction, and change of the log spreads, below which a fit has converged."""

_GIVEN = os.environ.get("OMP_NUM_THREADS", "")
_THREADS = int(_GIVEN) if _GIVEN.isdecimal() and int(_GIVEN) else os.cpu_count() or 1
"""As many as torch takes."""

LevelKind = Literal["none", "student", "student_skill"]


@dataclass(frozen=True)
class Tie:
    """What the gain path must not see: which skill it is, or what the response was; and whose `level` is apart."""

    skills: bool = False
    response: bool = False
    level: LevelKind = "student"


@dataclass(frozen=True)
class Fit:
    """Skills' numbers `theta` (S, 7), their shared means and spreads (7,), the levels' spreads, and how it went.

    `sigma` is the spread of the level between students, `skill_sigma` that between the skills of a student.
    """

    theta: Array
    mean: Array
    spread: Array
    sigma: float
    skill_sigma: float
    tie: Tie
    objective: float
    iterations: int
    converged: bool = False

    @property
    def rate(self) -> Array:
        """Effective rate per skill (S,)."""
        return np.asarray(np.exp(self.theta[:, curve.LEVEL]))

    @property
    def gains(self) -> Array:
        """What one response brings a skill (S, 2, 2): [:, 0] its own, [:, 1] to others; after incorrect and correct."""
        tilt = np.tanh(self.theta[:, [curve.CONTRAST, curve.TRANSFER_CONTRAST]])
        scale = np.exp(self.theta[:, [curve.LEVEL, curve.TRANSFER]])
        return np.asarray(scale[:, :, None] * np.stack([1 - tilt, 1 + tilt], axis=2))


def start(skills: int, tie: Tie) -> Fit:
    """The untrained model: all skills alike."""
    spread = np.full(7, _START_SPREAD)
    if tie.skills:
        spread[list(curve.GAIN_PATH)] = 0.0
    if tie.response:
        spread[list(curve.CONTRASTS)] = 0.0
    theta = np.tile(START, (skills, 1))
    sigma = _START_SIGMA if tie.level in _OF_STUDENT else 0.0
    skill_sigma = _START_SKILL_SIGMA if tie.level in _OF_SKILL else 0.0
    return Fit(theta, START.copy(), spread, sigma, skill_sigma, tie, -np.inf, 0)


@dataclass(frozen=True)
class _Slopes:
    """At one fit: log-likelihood, gradient (S, 8) and information (S, 8, 8) per skill.

    The eighth number, that all skills share, is the logarithm of `sigma`; `student` is the mean over windows of the
    students' level and of its square, in units of sigma, as the responses tell it. `skill_level` is gradient and
    information of the logarithm of `skill_sigma`.
    """

    log_likelihood: float
    gradient: Array
    information: Array
    student: Array
    skill_level: Array


def fitting(practice: Practice, fit: Fit, most: int) -> Iterator[Fit]:
    """The fit after each of at most `most` iterations; ends when it has converged."""
    parts = parts_of(practice, len(fit.theta), fit.tie.level in _OF_SKILL)
    here = _slopes(parts, fit)
    fit = replace(fit, objective=here.log_likelihood - _penalty(fit))
    for iteration in range(1, most + 1):
        fit, here, gained = _step(parts, fit, here)
        moved = 0.0
        if iteration > 1:  # the first step leaves the start values, which say nothing of the spreads
            fit, moved = _spreads(fit, here)
        small = gained < max(_TOLERANCE * len(practice), 0.05) and moved < _SPREAD_TOLERANCE
        settled = iteration > _LEAST_ITERATIONS and small
        objective = here.log_likelihood - _penalty(fit)
        fit = replace(fit, iterations=iteration, objective=objective, converged=settled)
        yield fit
        if settled:
            return


def fitted(practice: Practice, fit: Fit, most: int = 60) -> Fit:
    """The last of `fitting`."""
    for last in fitting(practice, fit, most):
        fit = last
    return fit


def _slopes(parts: list[Part], fit: Fit) -> _Slopes:
    with ThreadPoolExecutor(_THREADS) as threads:  # numpy lets go of the interpreter while it computes
        sums = list(threads.map(lambda part: _part_slopes(part, fit), parts))
    log_likelihood, columns, student, skill_level = (sum(values) for values in zip(*sums, strict=True))
    gradient, information = _unpacked(columns)
    windows = sum(part.practice.windows for part in parts)
    return _Slopes(log_likelihood, gradient, information, student / windows, skill_level)


def _part_slopes(part: Part, fit: Fit) -> tuple[float, Array, Array, Array]:
    """Log-likelihood, sums of `_columns` per skill (S, 44), sums over windows of the student's level and its square
    (2,), and what the windows say of `skill_sigma` (2,)."""
    practice, numbers = part.practice, fit.theta[part.practice.skill].astype(np.float32)
    grid = curve.grid(fit.tie.level)
    of_student, of_skill = grid.parts(fit.sigma, fit.skill_sigma)
    effective = curve.practised(fit.theta, practice)
    share = curve.sigmoid((effective.amount - numbers[:, curve.OFFSET])[:, None] + (of_student + of_skill))  # (N, K)
    raised = np.exp(numbers[:, curve.HEIGHT])[:, None] * share
    signs = (2 * practice.response - 1).astype(np.float32)[:, None]
    right = curve.sigmoid(signs * (raised - numbers[:, curve.FLOOR][:, None]))  # probability of what was answered
    logs = np.add.reduceat(np.log(np.maximum(right, 1e-30)), part.start, axis=0, dtype=np.float64)
    logs, skill_weight = grid.marginal(logs)
    logs, weight = grid.posterior(np.add.reduceat(logs, part.first, axis=0))
    whole = weight[practice.window[part.start]][:, :, None] * skill_weight  # (G, Q, D)
    here = whole.reshape(len(whole), -1).astype(np.float32)[part.group]
    powers = np.stack([np.ones_like(of_student), of_student, of_student**2], axis=1)  # (K, 3)
    slope = raised * (1 - share)
    wrong = here * signs * (1 - right)  # weighted response - p
    here *= right * (1 - right)
    tilted, lifted = here * slope, here * raised
    one = powers[:, 0]  # a product with ones: several times as fast as a sum over so few columns
    along = wrong * slope
    first = [along @ powers[:, :2], (wrong * raised) @ one, wrong @ one]
    second = [(tilted * slope) @ powers, (tilted * raised) @ powers[:, :2], tilted @ powers[:, :2]]
    second += [(lifted * raised) @ one, lifted @ one, here @ one]
    sums = part.by_skill @ _columns(effective.slopes, np.column_stack(first), np.column_stack(second))
    moments = weight.sum(0) @ np.stack([grid.student, grid.student**2], axis=1).astype(np.float64)
    said = np.add.reduceat((along @ of_skill).astype(np.float64), practice.start)
    return float(logs.sum()), sums.astype(np.float64), moments, np.array([said.sum(), (said**2).sum()])


_PAIRS = np.triu_indices(5)


def _columns(slopes: Array, first: Array, second: Array) -> Array:
    """Gradient and information of each interaction (N, 44), from what it says along practice, height and floor.

    `first` (N, 4): residual along practice, the same times ability, along height, floor. `second` (N, 10): products of
    practice with itself (times 1, ability, ability squared), with height and with floor (times 1, ability), and of
    height and floor with themselves.
    """
    along = np.concatenate([slopes, np.full((len(slopes), 1), -1, np.float32)], axis=1)  # offset: against practice
    pp, pa, aa, ph, ha, pf, fa, hh, hf, ff = (second[:, [j]] for j in range(10))
    return np.concatenate(
        [
            along * first[:, :1],
            first[:, 2:3],
            -first[:, 3:],
            first[:, 1:2],
            along[:, _PAIRS[0]] * along[:, _PAIRS[1]] * pp,
            along * ph,
            -along * pf,
            along * pa,
            hh,
            -hf,
            ha,
            ff,
            -fa,
            aa,
        ],
        axis=1,
    )


def _unpacked(sums: Array) -> tuple[Array, Array]:
    """Gradient (S, 8) and information (S, 8, 8) from sums of `_columns`."""
    half = np.zeros((len(sums), 8, 8))
    half[:, _PAIRS[0], _PAIRS[1]] = sums[:, 8:23]
    half[:, :5, 5], half[:, :5, 6], half[:, :5, 7] = sums[:, 23:28], sums[:, 28:33], sums[:, 33:38]
    rows, columns = np.triu_indices(3)
    half[:, 5 + rows, 5 + columns] = sums[:, 38:]
    return sums[:, :8], half + np.triu(half, 1).transpose(0, 2, 1)


def _penalty(fit: Fit) -> float:
    free = fit.spread > 0
    apart = (fit.theta - fit.mean)[:, free] / fit.spread[free]
    return float((apart**2).sum() / 2 + (((_shared(fit) - _PRIOR_MEAN) / _PRIOR_STD) ** 2).sum() / 2)


def log_likelihood(fit: Fit) -> float:
    """In nats, of the data it was fitted to: its objective without the penalties."""
    return fit.objective + _penalty(fit)


def _shared(fit: Fit) -> Array:
    """What all skills share (8,): the means, and the logarithm of the ability's spread."""
    return np.append(fit.mean, np.log(fit.sigma) if fit.tie.level in _OF_STUDENT else _PRIOR_MEAN[-1])


def _step(parts: list[Part], fit: Fit, here: _Slopes) -> tuple[Fit, _Slopes, float]:
    """The best of a few step lengths along the scoring direction, and how much the objective rose."""
    towards_mean, towards = _direction(fit, here)
    towards_skill = float(np.clip(here.skill_level[0] / (here.skill_level[1] + 1), -1, 1))
    if fit.iterations < _LEAST_ITERATIONS:
        towards_skill = 0.0  # levels on skills would take up what the curves do not yet fit
    length = 1.0
    for _ in range(6):
        mean = fit.mean + length * towards_mean[:7]
        apart = fit.theta - fit.mean + length * towards
        sigma, skill_sigma = (
            max(_LEAST_SIGMA, size * float(np.exp(length * by))) if size else 0.0
            for size, by in ((fit.sigma, towards_mean[7]), (fit.skill_sigma, towards_skill))
        )
        new = replace(fit, mean=mean, theta=mean + apart, sigma=sigma, skill_sigma=skill_sigma)
        there = _slopes(parts, new)
        objective = there.log_likelihood - _penalty(new)
        if objective >= fit.objective:
            return replace(new, objective=objective), there, objective - fit.objective
        length /= 3
    return fit, here, 0.0


def _direction(fit: Fit, here: _Slopes) -> tuple[Array, Array]:
    """Scoring step of what skills share (8,) and of the skills' distances from them (S, 7), solved together."""
    means = np.append(np.ones(7, bool), fit.tie.level in _OF_STUDENT)
    if fit.tie.response:
        means[list(curve.CONTRASTS)] = False
    own, shared = np.nonzero(fit.spread > 0)[0], np.nonzero(means)[0]
    gradient, information = here.gradient, here.information
    apart = fit.theta - fit.mean
    ease = 1 / fit.spread[own] ** 2
    inner = information[:, own[:, None], own] + np.diag(ease)
    pull = gradient[:, own] - apart[:, own] * ease
    cross = information[:, own[:, None], shared]  # (S, own, shared)
    solved = np.linalg.solve(inner, np.concatenate([cross, pull[:, :, None]], axis=2))
    outer = information[:, shared[:, None], shared].sum(0) + np.diag(1 / _PRIOR_STD[shared] ** 2)
    outer -= np.einsum("soa,sob->ab", cross, solved[:, :, :-1])
    force = gradient[:, shared].sum(0) - (_shared(fit) - _PRIOR_MEAN)[shared] / _PRIOR_STD[shared] ** 2
    force -= np.einsum("soa,so->a", cross, solved[:, :, -1])
    towards_mean, towards = np.zeros(8), np.zeros_like(fit.theta)
    towards_mean[shared] = np.linalg.solve(outer, force)
    towards[:, own] = solved[:, :, -1] - solved[:, :, :-1] @ towards_mean[shared]
    if fit.tie.level in _OF_STUDENT:  # the levels' own mean and spread, folded into the offsets and sigma (PX-EM)
        towards_mean[curve.OFFSET] -= fit.sigma * here.student[0]
        towards_mean[7] += np.log(max(here.student[1] - here.student[0] ** 2, 0.25)) / 2
    largest = max(np.abs(towards_mean).max(), np.abs(towards).max(), 1e-9)
    limit = min(1.0, 1.5 / largest)
    return limit * towards_mean, limit * towards


def _spreads(fit: Fit, here: _Slopes) -> tuple[Fit, float]:
    """Spreads re-estimated, and the largest change of their logarithms, as far as the data speak of them."""
    own = np.nonzero(fit.spread > 0)[0]
    ease = 1 / fit.spread[own] ** 2
    variance = np.diagonal(np.linalg.inv(here.information[:, own[:, None], own] + np.diag(ease)), axis1=1, axis2=2)
    informed = np.maximum((1 - variance * ease).sum(0), 1e-3)  # how many skills' worth the data say
    square = ((fit.theta - fit.mean)[:, own] ** 2).sum(0) / informed
    spread = fit.spread.copy()
    spread[own] = np.clip(np.sqrt(square), *_SPREAD)
    moved = np.abs(np.log(spread[own] / fit.spread[own])) * informed / len(fit.theta)
    return replace(fit, spread=spread), float(moved.max(initial=0.0))
