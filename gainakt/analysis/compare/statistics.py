"""Is the difference between two runs more than chance? Pure functions of predictions, or of one number per seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gainakt.measures import metrics

Array = NDArray[np.floating | np.integer]

RESAMPLES = 1000
CLASSES = 1000
"""Most distinct probabilities that resamples of an AUC tell apart; more are put into so many equally large classes."""
LEVEL = 0.95
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Difference:
    """A difference with its 95 % interval; `p` is two-sided, under the hypothesis that there is none."""

    value: float
    low: float
    high: float
    p: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def auc(target: Array, probability: Array) -> float:
    """Area under the ROC curve of N predictions, ties counting half; both responses must occur."""
    positive = target > 0
    p, n = int(positive.sum()), int((~positive).sum())
    return float((_ranks(probability)[positive].sum() - p * (p + 1) / 2) / (p * n))


def bootstrap(
    target: Array, a: Array, b: Array, student: Array, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Difference | None]:
    """B minus A in AUC and log-loss, by a paired bootstrap: whole students are drawn, with both runs' predictions.

    `target`, `a`, `b`, `student` are (N,): response, both probabilities, whose it is. The interval is the percentile
    interval; p is the normal one with the bootstrap's standard error. None where a measure is not defined. Efron and
    Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13; on clusters Field and Welsh (2007).
    """
    owner = np.unique(student, return_inverse=True)[1]
    students = int(owner.max()) + 1 if len(owner) else 0
    if students < 2:
        return {"auc": None, "log_loss": None}
    times = _drawn(students, resamples, seed)  # (R, students)
    loss = metrics.log_losses(target, b) - metrics.log_losses(target, a)
    drawn = (times @ np.bincount(owner, loss)) / (times @ np.bincount(owner))
    found: dict[str, Difference | None] = {"auc": None, "log_loss": _difference(float(loss.mean()), drawn)}
    if target.min() != target.max():
        value = auc(target, b) - auc(target, a)
        resampled = _resampled_auc(target, b, owner, times) - _resampled_auc(target, a, owner, times)
        found["auc"] = _difference(value, resampled)
    return found


def _drawn(students: int, resamples: int, seed: int) -> NDArray[np.float32]:
    """How often each student is in each resample (R, students)."""
    rng = np.random.default_rng(seed)
    times = np.zeros((resamples, students), np.float32)
    for row in times:
        row += np.bincount(rng.integers(students, size=students), minlength=students)
    return times


def _difference(value: float, drawn: Array) -> Difference:
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    error = float(known.std(ddof=1))
    return Difference(value, float(low), float(high), _two_sided(value, error))


def _two_sided(value: float, error: float) -> float:
    """The normal p value of a value with this standard error."""
    return 2 * NormalDist().cdf(-abs(value) / error) if error > 0 else float(value == 0)


def _ranks(values: Array) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing their mean rank."""
    return np.asarray(pd.Series(values).rank(), np.float64)


def _resampled_auc(target: Array, probability: Array, owner: Array, times: NDArray[np.float32]) -> NDArray[np.float64]:
    """AUC of each resample (R,), from each student's number of correct and incorrect responses per class."""
    from scipy.sparse import coo_array

    place, classes = _classes(probability)
    students, positive = times.shape[1], target > 0
    counts = [
        coo_array((np.ones(int(some.sum()), np.float32), (place[some], owner[some])), (classes, students)).tocsr()
        for some in (positive, ~positive)
    ]
    found = np.empty(len(times))
    step = max(1, _AT_ONCE // classes)
    for begin in range(0, len(times), step):
        part = np.ascontiguousarray(times[begin : begin + step].T)  # (students, R)
        correct, incorrect = (count @ part for count in counts)  # (classes, R)
        below = np.cumsum(incorrect, axis=0, dtype=np.float64) - incorrect / 2
        with np.errstate(invalid="ignore"):
            pairs = correct.sum(0, dtype=np.float64) * incorrect.sum(0, dtype=np.float64)
            found[begin : begin + step] = np.einsum("cr,cr->r", correct, below) / pairs
    return found


def _classes(probability: Array) -> tuple[Array, int]:
    """The class of each prediction, in order of probability, and how many there are; equal ones share a class."""
    values, place, count = np.unique(probability, return_inverse=True, return_counts=True)
    if len(values) <= CLASSES:
        return place, len(values)
    middle = (np.cumsum(count) - count / 2) / len(probability)
    return np.minimum((middle * CLASSES).astype(np.int64), CLASSES - 1)[place], CLASSES


def delong(target: Array, a: Array, b: Array) -> Difference | None:
    """B minus A in AUC with DeLong's interval, which takes interactions as independent; None where not defined.

    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44; by ranks as in Sun and Xu (2014), IEEE Signal Processing
    Letters 21.
    """
    positive = target > 0
    p, n = int(positive.sum()), int((~positive).sum())
    if p < 2 or n < 2:
        return None
    above, below = np.empty((2, p)), np.empty((2, n))
    for row, probability in enumerate((a, b)):
        every = _ranks(probability)
        above[row] = (every[positive] - _ranks(probability[positive])) / n
        below[row] = 1 - (every[~positive] - _ranks(probability[~positive])) / p
    value = float(above[1].mean() - above[0].mean())
    variance = _of_difference(np.cov(above)) / p + _of_difference(np.cov(below)) / n
    error = float(np.sqrt(max(variance, 0.0)))
    reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * error
    return Difference(value, value - reach, value + reach, _two_sided(value, error))


def _of_difference(covariance: Array) -> float:
    return float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])


def welch(a: Sequence[float], b: Sequence[float]) -> Difference | None:
    """Mean of b minus mean of a, one value per seed, with Welch's interval; None with fewer than two of either.

    The interval covers what other seeds would have given: initial weights, order of batches, and the students' split
    where the seed draws it; not other students. Welch (1947), Biometrika 34.
    """
    from scipy.stats import ttest_ind  # slow to load

    if min(len(a), len(b)) < 2:
        return None
    value = float(np.mean(b) - np.mean(a))
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        return Difference(value, value, value, float(value == 0))
    test = ttest_ind(b, a, equal_var=False)
    around = test.confidence_interval(LEVEL)
    return Difference(value, float(around.low), float(around.high), float(test.pvalue))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given. Holm (1979), Scandinavian Journal of Statistics 6."""
    order = np.argsort(p, kind="stable")
    steps = np.asarray(p, float)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]
