"""The statistics of the tests of differentiation and their decision rule: pure functions of arrays."""

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


UNKNOWN = Interval(None, None, None)


@dataclass(frozen=True)
class Bootstrap:
    """A statistic of the data, and `null`, the same of `n` data sets simulated from the restricted model."""

    p: float
    n: int
    statistic: float
    null: list[float]


@dataclass(frozen=True)
class DataTest:
    """What the test on the data found for one question, and the decision that follows.

    `free_minus_tied` is how much higher the held-out log-loss of the restricted (tied) model is than that of the full
    (free) one, in nats per interaction. `halves` is the split-half correlation of rates. `bootstrap` is None where the
    log-loss is not higher, which decides already. `size` is the effect size in the full fits (`effect_sizes`).
    `rival_minus_free` is how much higher the log-loss of BKT is, in which responses reveal knowledge and add none.
    """

    question: Question
    free_minus_tied: Interval
    halves: Interval | None
    bootstrap: Bootstrap | None
    rival_minus_free: Interval | None = None
    size: float | None = None

    @property
    def decision(self) -> Decision:
        """Log-loss and bootstrap must pass; for skills the split-half correlation too, for the response BKT."""
        needed = [self.free_minus_tied]
        if self.question == "skills":
            if self.halves is None:
                return "untested"
            needed.append(self.halves)
        elif self.rival_minus_free is not None:
            needed.append(self.rival_minus_free)
        if not all(above_zero(interval) for interval in needed):
            return "noise"
        if self.bootstrap is None:
            return "untested"
        return "pass" if self.bootstrap.p < LEVEL else "noise"

    def as_json(self) -> dict[str, Any]:
        """As plain values; `halves.r` is the correlation."""
        values = {**asdict(self), "decision": self.decision}
        if self.halves is not None:
            values["halves"] = {"r": self.halves.value, **values["halves"]}
        return values


def above_zero(interval: Interval) -> bool:
    """Whether the whole interval lies above 0."""
    return interval.low is not None and interval.low > 0


def effect_sizes(rate: Array, gain: Array, practice: Practice) -> dict[Question, float | None]:
    """The CV of the rates (S,), and the |log| of the mean gain after correct over that after incorrect responses.

    Mean gains per skill and response (S, 2) are weighted by how often they occur in `practice`. NaN: unknown.
    """
    count = np.bincount(2 * practice.skill + practice.response, minlength=gain.size).reshape(gain.shape)
    count = count * np.isfinite(gain)
    total, counted = (count * np.nan_to_num(gain)).sum(0), count.sum(0)
    incorrect, correct = (metrics.ratio(*pair) for pair in zip(total, counted, strict=True))
    gain_ratio = metrics.ratio(correct, incorrect)
    return {"skills": metrics.cv(rate), "response": abs(float(np.log(gain_ratio))) if gain_ratio else None}


def mean_by_student(difference: Array, student: NDArray[np.integer], seed: int = 0) -> Interval:
    """Mean of `difference` (N,) over interactions, with an interval that resamples students."""
    _, owner = np.unique(student, return_inverse=True)
    total, count = np.bincount(owner, difference.astype(np.float64)), np.bincount(owner).astype(np.float64)
    rng, students = np.random.default_rng(seed), len(total)
    chances = np.full(students, 1 / students)
    means = np.empty(_RESAMPLES)
    for at in range(0, _RESAMPLES, 100):  # in parts: students x resamples may be large
        times = rng.multinomial(students, chances, size=min(100, _RESAMPLES - at))
        means[at : at + len(times)] = (times @ total) / (times @ count)
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    return Interval(float(total.sum() / count.sum()), float(low), float(high))


def rank_correlation(one: Array, other: Array) -> Interval:
    """Spearman's r with its interval (Bonett and Wright 2000); r = 0 where either side is constant.

    Unknown with fewer than four pairs.
    """
    both = ~(np.isnan(one) | np.isnan(other))
    x, y = one[both], other[both]
    if len(x) < 4:
        return UNKNOWN
    flat = any(np.ptp(v) <= 1e-9 * max(np.abs(v).max(), 1e-300) for v in (x, y))
    r = 0.0 if flat else float(spearmanr(x, y).statistic)
    reach = norm.ppf(1 - LEVEL / 2) * np.sqrt((1 + r**2 / 2) / (len(x) - 3))
    middle = np.arctanh(np.clip(r, -0.9999999, 0.9999999))
    return Interval(r, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))


def bootstrap_p(statistic: float, null: list[float]) -> Bootstrap:
    """p of a statistic that is large where there is a difference: (1 + null values as large) / (n + 1)."""
    as_large = sum(value >= statistic for value in null)
    return Bootstrap((1 + as_large) / (len(null) + 1), len(null), statistic, null)


def cannot_pass(statistic: float, null: list[float], most: int) -> bool:
    """Whether p can no longer fall below 0.05 with `most` null values: the rest need not be simulated."""
    return (1 + sum(value >= statistic for value in null)) / (most + 1) >= LEVEL
