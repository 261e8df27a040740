"""Fitting the stand-in: Fisher scoring of skills' numbers around their shared means, the spreads by empirical Bayes.

A skill's seven numbers are normal around the means of all skills. The spreads are estimated from the data (MacKay's
fixed point of the Laplace approximation), so that shrinkage is strong where a skill has few interactions, and total
where skills do not differ. Ability is normal between students and summed over a grid of its values.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gainakt.parametric import curve
from gainakt.parametric.counts import Practice

Array = NDArray[np.floating]
START = np.array([-1.5, 0.0, -4.0, 0.0, 0.5, 1.2, 1.0])
_PRIOR_MEAN = np.array([-1.0, 0.0, -4.0, 0.0, 0.5, 1.4, 1.0])
_PRIOR_STD = np.array([1.5, 1.0, 1.5, 1.0, 2.0, 0.5, 2.0])
"""A weak prior of the shared means, for data too few or too flat to say."""
_SPREAD = (0.02, 1.5)
_START_SPREAD = 0.3
_WARM_UP = 4
_TOLERANCE = 2e-6


@dataclass(frozen=True)
class Tie:
    """What the gain path must not see: which skill it is, or what the response was; `ability` of students or not."""

    skills: bool = False
    response: bool = False
    ability: bool = True


@dataclass(frozen=True)
class Fit:
    """Skills' numbers `theta` (S, 7), their shared means and spreads (7,), the ability's spread, and how it went."""

    theta: Array
    mean: Array
    spread: Array
    sigma: float
    tie: Tie
    objective: float
    iterations: int
    converged: bool = False

    @property
    def rate(self) -> Array:
        """Effective rate per skill (S,)."""
        return np.asarray(np.exp(self.theta[:, curve.LEVEL]))


def start(skills: int, tie: Tie) -> Fit:
    """The untrained stand-in: all skills alike."""
    spread = np.full(7, _START_SPREAD)
    if tie.skills:
        spread[list(curve.GAIN_PATH)] = 0.0
    if tie.response:
        spread[list(curve.CONTRASTS)] = 0.0
    theta = np.tile(START, (skills, 1))
    return Fit(theta, START.copy(), spread, 0.5 if tie.ability else 0.0, tie, -np.inf, 0)


@dataclass(frozen=True)
class _Slopes:
    """At one fit: log-likelihood minus penalties, gradient (S, 7) and information (S, 7, 7) per skill, E[ability^2]."""

    objective: float
    gradient: Array
    information: Array
    ability: float


def fitting(seen: Practice, fit: Fit, most: int) -> Iterator[Fit]:
    """The fit after each of at most `most` iterations; ends when nothing moves any more."""
    sums = _Sums.of(seen, len(fit.theta))
    here = _slopes(sums, fit)
    fit = replace(fit, objective=here.objective)
    for iteration in range(1, most + 1):
        fit, here, gained = _step(sums, fit, here)
        moved = 0.0
        if iteration > _WARM_UP or fit.iterations:
            fit, moved = _spreads(fit, here)
        settled = iteration > _WARM_UP and gained < _TOLERANCE * len(seen) and moved < 0.03
        here = _slopes(sums, fit)
        fit = replace(fit, iterations=iteration, objective=here.objective, converged=settled)
        yield fit
        if settled:
            return


def fitted(seen: Practice, fit: Fit, most: int = 60) -> Fit:
    """The last of `fitting`."""
    for last in fitting(seen, fit, most):
        fit = last
    return fit


@dataclass(frozen=True)
class _Sums:
    """The data with the matrices that sum over a skill's interactions (S, N) and over a window's (W, N)."""

    seen: Practice
    by_skill: sparse.csr_array
    by_window: sparse.csr_array

    @classmethod
    def of(cls, seen: Practice, skills: int) -> "_Sums":
        one, place = np.ones(len(seen), np.float32), np.arange(len(seen))
        return cls(
            seen,
            sparse.csr_array((one, (seen.skill, place)), shape=(skills, len(seen))),
            sparse.csr_array((one, (seen.window, place)), shape=(seen.windows, len(seen))),
        )


def _slopes(sums: _Sums, fit: Fit) -> _Slopes:
    seen, mine = sums.seen, fit.theta[sums.seen.skill].astype(np.float32)
    at, prior = curve.nodes(fit.tie.ability)
    practice = curve.practised(fit.theta, seen)
    height = np.exp(mine[:, curve.HEIGHT])[:, None]
    share = curve.sigmoid((practice.amount - mine[:, curve.OFFSET])[:, None] + np.float32(fit.sigma) * at)  # (N, Q)
    raised = height * share
    signs = (2 * seen.response - 1).astype(np.float32)[:, None]
    right = curve.sigmoid(signs * (raised - mine[:, curve.FLOOR][:, None]))  # probability of what was answered
    logs = (sums.by_window @ np.log(np.maximum(right, 1e-30))).astype(np.float64) + np.log(prior)
    most = logs.max(1, keepdims=True)
    weight = np.exp(logs - most)
    total = weight.sum(1, keepdims=True)
    weight /= total
    here = weight.astype(np.float32)[seen.window]
    wrong = here * signs * (1 - right)  # weighted response - p
    slope = raised * (1 - share)
    first = np.stack([(wrong * slope).sum(1), (wrong * raised).sum(1), wrong.sum(1)], axis=1)
    here *= right * (1 - right)
    tilted, lifted = here * slope, here * raised
    second = np.stack(
        [(tilted * slope).sum(1), (tilted * raised).sum(1), tilted.sum(1), (lifted * raised).sum(1), lifted.sum(1),
         here.sum(1)], axis=1,
    )  # fmt: skip
    likelihood = float((most + np.log(total)).sum())
    gradient, information = _per_skill(sums, practice.slopes, first, second)
    return _Slopes(likelihood - _penalty(fit), gradient, information, float((weight @ at.astype(np.float64) ** 2).mean()))


def _per_skill(sums: _Sums, slopes: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """Gradient (S, 7) and information (S, 7, 7) from what each interaction says along practice, height and floor."""
    along = np.concatenate([slopes, np.full((len(slopes), 1), -1, np.float32)], axis=1)  # offset: against practice
    columns = [along * first[:, :1], first[:, 1:2], -first[:, 2:]]
    pairs = [(i, j) for i in range(5) for j in range(i, 5)]
    columns += [along[:, [i]] * along[:, [j]] * second[:, :1] for i, j in pairs]
    columns += [along * second[:, 1:2], -along * second[:, 2:3], second[:, 3:4], -second[:, 4:5], second[:, 5:6]]
    summed = np.asarray(sums.by_skill @ np.concatenate(columns, axis=1), np.float64)
    gradient, rest = summed[:, :7], summed[:, 7:]
    information = np.zeros((len(summed), 7, 7))
    for k, (i, j) in enumerate(pairs):
        information[:, i, j] = rest[:, k]
    information[:, :5, 5], information[:, :5, 6] = rest[:, 15:20], rest[:, 20:25]
    information[:, 5, 5], information[:, 5, 6], information[:, 6, 6] = rest[:, 25:28].T
    upper = np.triu(information, 1)
    return gradient, information + upper.transpose(0, 2, 1)


def _penalty(fit: Fit) -> float:
    free = fit.spread > 0
    apart = (fit.theta - fit.mean)[:, free] / fit.spread[free]
    return float((apart**2).sum() / 2 + (((fit.mean - _PRIOR_MEAN) / _PRIOR_STD) ** 2).sum() / 2)


def _step(sums: _Sums, fit: Fit, here: _Slopes) -> tuple[Fit, _Slopes, float]:
    """The best of a few step lengths along the scoring direction, and how much the objective rose."""
    towards_mean, towards = _direction(fit, here)
    length = 1.0
    for _ in range(6):
        mean = fit.mean + length * towards_mean
        apart = fit.theta - fit.mean + length * towards
        new = replace(fit, mean=mean, theta=mean + apart)
        there = _slopes(sums, new)
        if there.objective >= here.objective:
            return replace(new, objective=there.objective), there, there.objective - here.objective
        length /= 3
    return fit, here, 0.0


def _direction(fit: Fit, here: _Slopes) -> tuple[Array, Array]:
    """Scoring step of the shared means (7,) and of the skills' distances from them (S, 7), solved together."""
    means = np.ones(7, bool)
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
    force = gradient[:, shared].sum(0) - (fit.mean - _PRIOR_MEAN)[shared] / _PRIOR_STD[shared] ** 2
    force -= np.einsum("soa,so->a", cross, solved[:, :, -1])
    towards_mean, towards = np.zeros(7), np.zeros_like(fit.theta)
    towards_mean[shared] = np.linalg.solve(outer, force)
    towards[:, own] = solved[:, :, -1] - solved[:, :, :-1] @ towards_mean[shared]
    largest = max(np.abs(towards_mean).max(), np.abs(towards).max(), 1e-9)
    limit = min(1.0, 1.5 / largest)
    return limit * towards_mean, limit * towards


def _spreads(fit: Fit, here: _Slopes) -> tuple[Fit, float]:
    """Spreads and the ability's sigma re-estimated; and the largest change of their logarithms."""
    own = np.nonzero(fit.spread > 0)[0]
    ease = 1 / fit.spread[own] ** 2
    variance = np.diagonal(np.linalg.inv(here.information[:, own[:, None], own] + np.diag(ease)), axis1=1, axis2=2)
    told = np.maximum((1 - variance * ease).sum(0), 1e-3)  # skills' worth of what the data say
    square = ((fit.theta - fit.mean)[:, own] ** 2).sum(0) / told
    spread = fit.spread.copy()
    spread[own] = np.clip(np.sqrt(square), *_SPREAD)
    sigma = fit.sigma * here.ability if fit.tie.ability else 0.0  # EM's step of log sigma, twice as long
    sigma = max(sigma, 0.02) if fit.tie.ability else 0.0
    moved = max(np.abs(np.log(spread[own] / fit.spread[own])).max(initial=0.0), abs(np.log(sigma / fit.sigma)) if sigma else 0.0)
    return replace(fit, spread=spread, sigma=sigma), float(moved)
