"""True against learned parameters of simulated students, and the oracle that knows the true ones: pure functions.

Predictions hold only some quantities apart. What they do not is listed in NOT_IDENTIFIED and never compared; what is
compared is what they determine: the effective rate, M_sat / T, theta / T, the offset, gamma relative to its mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from gainakt.measures import metrics

Array = NDArray[np.floating]

NOT_IDENTIFIED = (
    "beta, gain and the level of gamma apart: only their product, the effective rate",
    "M_sat, theta and T apart: only M_sat / T and theta / T",
)
OTHER_FAMILY = (
    "M_sat / T, theta / T and offset: the truth is of another family",
    "RMSE and slope of the rate: the truth's rates are in other units, only their order compares",
    "RMSE of mastery: the truth's mastery is a probability of its own kind, only its correlation compares",
)
OTHER_READOUT = ("M_sat / T, theta / T and the RMSE of mastery: the truth guesses or slips, the model does not",)


@dataclass(frozen=True)
class Learned:
    """A model's parameters: rate, saturation, threshold, offset per skill (S,), NaN where unknown, and gamma (n,)."""

    rate: Array
    saturation: Array
    threshold: Array
    offset: Array
    temperature: float
    gamma: Array


@dataclass(frozen=True)
class Scored:
    """What the model and the truth say at the same scored interactions (M,); see `positions`."""

    student: NDArray[np.integer]
    target: Array
    mastery: Array
    true_mastery: Array
    true_probability: Array


def positions(student: NDArray[np.integer], students: NDArray[np.integer], window: int) -> NDArray[np.integer]:
    """Indices of the interactions that are scored, in the order of `training.evaluate.Predictions`.

    `student` (N,) is sorted; `students` are those of the split. A window's first interaction is not scored.
    """
    first, last = (np.searchsorted(student, students, side) for side in ("left", "right"))
    count = -(-(last - first) // window)
    owner = np.repeat(np.arange(len(students)), count)
    start = first[owner] + (np.arange(len(owner)) - (np.cumsum(count) - count)[owner]) * window
    length = np.minimum(last[owner] - start, window)
    start, length = start[length > 1], length[length > 1]
    order = np.argsort(length, kind="stable")  # short windows come first
    start, scored = start[order], length[order] - 1
    within = np.arange(scored.sum()) - np.repeat(np.cumsum(scored) - scored, scored)
    return np.asarray(np.repeat(start, scored) + 1 + within)


def oracle(seen: Scored) -> dict[str, float | None]:
    """What knowing every true parameter is worth on these interactions; those of unknown truth are left out."""
    known = ~np.isnan(seen.true_probability)
    target, chance, mastery = seen.target[known], seen.true_probability[known], seen.true_mastery[known]
    return {
        "oracle_auc": metrics.auc(target, chance),
        "oracle_log_loss": metrics.log_loss(target, chance),
        "oracle_mastery_correlation": metrics.correlation(mastery, target),
        "oracle_mastery_correlation_by_student": metrics.correlation_by_student(mastery, target, seen.student[known])[
            0
        ],
        "oracle_interactions": float(known.sum()),
    }


def true_rates(truth: Mapping[str, Any], skills: int, train: NDArray[np.integer]) -> Array:
    """True effective rate (S,), by the formula of `metrics.effective_rate`; gamma is the mean of the training students.

    NaN where not known.
    """
    if np.isnan(truth["rate"]).all():
        return np.asarray(truth["effective_rate"][:skills])
    even = (truth["gain_after_correct"] + truth["gain_after_incorrect"]) / 2
    return np.asarray(truth["rate"][:skills] * np.nanmean(truth["gamma"][train]) * even)


def recovery(
    truth: Mapping[str, Any], learned: Learned, train: NDArray[np.integer], seen: Scored | None
) -> dict[str, Any]:
    """How near the learned parameters are to the true ones; None where it cannot be said.

    `truth` has the fields of `data.simulate.parameters.Truth`; `train` are the students that `learned.gamma` is of.
    `seen` is None where the truth holds too little for the oracle.
    """
    own, plain = truth["family"] == "own", not (truth["guess"] or truth["slip"])
    true_rate = true_rates(truth, len(learned.rate), train)
    rate = agreement("effective_rate", learned.rate, true_rate)
    both = ~(np.isnan(learned.rate) | np.isnan(true_rate))
    found: dict[str, Any] = {
        **(rate if own else _order_only(rate)),
        "rate_cv": metrics.cv(learned.rate),
        "true_rate_cv": metrics.cv(true_rate[both]),
        "rate_skills": float(both.sum()),
        **(_curves(truth, learned, plain) if own else {}),
        **_order_only(agreement("gamma", learned.gamma, truth["gamma"][train])),
        "oracle_auc": None,
        "oracle_mastery_correlation": None,
        "rmse_mastery": None,
    }
    if seen is not None:
        # Mastery's scale is not identified: the learned is read in the truth's, by the ratio of T.
        scale = truth["temperature"] / learned.temperature if own and plain else 1.0
        mastery = agreement("mastery", seen.mastery * scale, seen.true_mastery)
        found |= (mastery if own and plain else _order_only(mastery)) | oracle(seen)
    return found | {
        "not_compared": list(NOT_IDENTIFIED + (OTHER_FAMILY if not own else () if plain else OTHER_READOUT))
    }


def agreement(name: str, learned: Array, true: Array) -> dict[str, float | None]:
    """Spearman, Pearson, RMSE and calibration slope (of the true on the learned: 1 is ideal) where both are known."""
    both = ~(np.isnan(learned) | np.isnan(true))
    x, y = learned[both].astype(np.float64), true[both].astype(np.float64)
    pearson = None if _constant(x) or _constant(y) else metrics.correlation(x, y)
    return {
        f"spearman_{name}": None if pearson is None else float(spearmanr(x, y).statistic),
        f"pearson_{name}": pearson,
        f"rmse_{name}": float(np.sqrt(np.mean((x - y) ** 2))) if len(x) else None,
        f"slope_{name}": None if pearson is None else float(pearson * y.std() / x.std()),
    }


def _constant(values: Array) -> bool:
    """Whether the values differ by no more than rounding: then no correlation is defined."""
    return len(values) < 3 or bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _order_only(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value for name, value in values.items() if not name.startswith(("rmse_", "slope_"))}


def _curves(truth: Mapping[str, Any], learned: Learned, plain: bool) -> dict[str, float | None]:
    """Per skill: the offset and, without guesses and slips, M_sat / T and theta / T."""
    skills = len(learned.rate)
    found = agreement("offset", learned.offset, truth["offset"][:skills])
    for name in ("saturation", "threshold") if plain else ():
        values = getattr(learned, name) / learned.temperature
        found |= agreement(f"{name}_over_temperature", values, truth[name][:skills] / truth["temperature"])
    return found
