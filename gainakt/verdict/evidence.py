"""The statistics of the tests and their decision rule: pure functions of arrays."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr

from gainakt.curve_model.counts import Practice
from gainakt.measures import metrics

Array = NDArray[np.floating]
Question = Literal["skills", "response"]
QUESTIONS: tuple[Question, ...] = ("skills", "response")
Decision = Literal["pass", "noise", "untested"]
LEVEL = 0.05
_RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Null:
    """A statistic of the data beside those of `n` data sets simulated without the difference."""

    p: float
    n: int
    statistic: float
    null: list[float]


@dataclass(frozen=True)
class Evidence:
    """What the tests of one question found in the data, and what follows by the decision rule.

    `free_minus_tied` is the log-loss in nats per interaction that is lost when the difference is tied away: above 0
    speaks for the free model. `halves` is the rank correlation of the rates learned from disjoint halves of students.
    `bootstrap` is None where the first test has failed already, which decides. `size` is that of the difference in the
    free fits, as `sizes` has it. `rival_minus_free` is the log-loss that
    knowledge tracing with a hidden state loses, in which a response tells of the state and brings nothing by itself.
    """

    question: Question
    free_minus_tied: Interval
    halves: Interval | None
    bootstrap: Null | None
    rival_minus_free: Interval | None = None
    size: float | None = None

    @property
    def decision(self) -> Decision:
        """By science.md: skills need all three tests, the response the first and the last, and to beat the rival."""
        needed = [self.free_minus_tied]
        if self.question == "skills":
            if self.halves is None:
                return "untested"
            needed.append(self.halves)
        elif self.rival_minus_free is not None:
            needed.append(self.rival_minus_free)
        if not all(above(one) for one in needed):
            return "noise"
        if self.bootstrap is None:
            return "untested"
        return "pass" if self.bootstrap.p < LEVEL else "noise"

    def as_json(self) -> dict[str, Any]:
        """As plain values; `halves.r` is the correlation."""
        found = {**asdict(self), "decision": self.decision}
        if self.halves is not None:
            found["halves"] = {"r": self.halves.value, **found["halves"]}
        return found


def above(interval: Interval) -> bool:
    """Whether the interval lies above 0."""
    return interval.low is not None and interval.low > 0


def sizes(rate: Array, gain: Array, seen: Practice) -> dict[Question, float | None]:
    """How large the differences are: the CV of the rates (S,), and how far mean gains by response (S, 2) are apart.

    The latter as |log| of the mean gain after correct over that after incorrect responses. NaN: a skill not known.
    """
    count = np.bincount(2 * seen.skill + seen.response, minlength=gain.size).reshape(gain.shape) * np.isfinite(gain)
    brought, counted = (count * np.nan_to_num(gain)).sum(0), count.sum(0)
    incorrect, correct = (metrics.ratio(*pair) for pair in zip(brought, counted, strict=True))
    apart = metrics.ratio(correct, incorrect)
    return {"skills": metrics.cv(rate), "response": abs(float(np.log(apart))) if apart else None}


def by_student(difference: Array, student: NDArray[np.integer], seed: int = 0) -> Interval:
    """Mean of `difference` (N,) over interactions, with an interval that resamples students."""
    _, owner = np.unique(student, return_inverse=True)
    total, count = np.bincount(owner, difference.astype(np.float64)), np.bincount(owner).astype(np.float64)
    rng, students = np.random.default_rng(seed), len(total)
    chosen = np.full(students, 1 / students)
    drawn = np.empty(_RESAMPLES)
    for at in range(0, _RESAMPLES, 100):  # in parts: students x resamples may be large
        times = rng.multinomial(students, chosen, size=min(100, _RESAMPLES - at))
        drawn[at : at + len(times)] = (times @ total) / (times @ count)
    low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2])
    return Interval(float(total.sum() / count.sum()), float(low), float(high))


def rank_agreement(one: Array, other: Array) -> Interval:
    """Spearman's r with its interval (Bonett and Wright 2000); r = 0 where either side shows no difference at all.

    Where fewer than four pairs are known nothing is said.
    """
    known = ~(np.isnan(one) | np.isnan(other))
    x, y = one[known], other[known]
    if len(x) < 4:
        return Interval(None, None, None)
    flat = any(np.ptp(v) <= 1e-9 * max(np.abs(v).max(), 1e-300) for v in (x, y))
    r = 0.0 if flat else float(spearmanr(x, y).statistic)
    reach = norm.ppf(1 - LEVEL / 2) * np.sqrt((1 + r**2 / 2) / (len(x) - 3))
    middle = np.arctanh(np.clip(r, -0.9999999, 0.9999999))
    return Interval(r, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))


def against(statistic: float, null: list[float]) -> Null:
    """p of a statistic that is large where there is a difference: (1 + null values as large) / (n + 1)."""
    as_large = sum(value >= statistic for value in null)
    return Null((1 + as_large) / (len(null) + 1), len(null), statistic, null)


def hopeless(statistic: float, null: list[float], most: int) -> bool:
    """Whether p can no longer fall below 0.05 with `most` values of the null: the rest need not be simulated."""
    return (1 + sum(value >= statistic for value in null)) / (most + 1) >= LEVEL
