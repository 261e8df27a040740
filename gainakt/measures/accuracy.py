"""How well probabilities of a correct response are calibrated, and where they separate responses: by groups, students.

One entry per scored prediction (N,), as everywhere in `measures`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gainakt.measures import metrics

Array = NDArray[np.floating | np.integer]
BINS = 10
"""Equally wide bins of the probability in a reliability diagram, and so in the ECE."""
_FEWEST = 50
"""Predictions of a group below which its AUC is left out."""


@dataclass(frozen=True)
class Reliability:
    """Of each bin that holds predictions: mean probability, share of correct responses, number of predictions."""

    probability: NDArray[np.float64]
    correct: NDArray[np.float64]
    count: NDArray[np.int64]


def reliability(target: Array, probability: Array, bins: int = BINS) -> Reliability:
    """Predicted against observed, over equally wide bins of the probability."""
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    kept = count > 0
    means = [np.bincount(place, values, bins)[kept] / count[kept] for values in (probability, target)]
    return Reliability(means[0], means[1], count[kept])


def ece(target: Array, probability: Array) -> float | None:
    """Expected calibration error (Naeini et al. 2015): mean distance of predicted and observed over the bins."""
    if not len(target):
        return None
    bins = reliability(target, probability)
    return float(np.average(np.abs(bins.probability - bins.correct), weights=bins.count))


def rmse(target: Array, probability: Array) -> float | None:
    """Root mean square error of the probability."""
    return float(np.sqrt(np.mean((target - probability.astype(np.float64)) ** 2))) if len(target) else None


def auc_by(group: NDArray[np.integer], groups: int, target: Array, probability: Array) -> list[float | None]:
    """AUC within each group; None where it has under 50 predictions or one class only."""
    found = []
    for number in range(groups):
        here = group == number
        found.append(metrics.auc(target[here], probability[here]) if here.sum() >= _FEWEST else None)
    return found


def auc_interval(target: Array, probability: Array, student: Array) -> tuple[float | None, float | None]:
    """95 % interval of the AUC over students; (None, None) with one student or class.

    The area plus and minus 1.96 standard errors of placements, summed within students (Obuchowski, Biometrics 1997).
    """
    numbers, owner = np.unique(student, return_inverse=True)
    area = metrics.auc(target, probability)
    if len(numbers) < 2 or area is None:
        return None, None
    correct, values = np.asarray(target) > 0, np.asarray(probability, np.float64)
    placed = np.empty(len(values))
    for here, mean, sign in ((correct, area, 1), (~correct, 1 - area, -1)):
        others = np.sort(values[~here])
        below = (np.searchsorted(others, values[here], "left") + np.searchsorted(others, values[here], "right")) / 2
        placed[here] = sign * (below / len(others) - mean) / here.sum()
    sums = np.bincount(owner, placed)
    apart = 1.96 * float(np.sqrt((sums**2).sum() * len(numbers) / (len(numbers) - 1)))
    return max(area - apart, 0.0), min(area + apart, 1.0)


def earlier(keys: Sequence[NDArray[np.integer]]) -> NDArray[np.int64]:
    """How many entries before each one (N,) have the same keys."""
    place = np.lexsort(keys[::-1])  # stable: in their order within equal keys
    changed = np.any([np.diff(key[place]) != 0 for key in keys], axis=0)
    begin = np.nonzero(np.append(True, changed))[0]
    number = np.empty(len(place), np.int64)
    number[place] = np.arange(len(place)) - np.repeat(begin, np.diff(np.append(begin, len(place))))
    return number
