"""Learned against true parameters of simulated students, and the oracle that knows the true ones: pure functions.

Predictions determine only some quantities: the effective rate, M_sat / T, theta / T, the offset, and gamma relative to
its mean. These are compared; NOT_IDENTIFIED lists what is not.
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
    "beta, gains and mean gamma one by one: the data determine only their product, the effective rate",
    "M_sat, theta and T one by one: the data determine only M_sat / T and theta / T",
)
OTHER_FAMILY = (
    "M_sat / T, theta / T and offset: the simulated students follow another model",
    "RMSE and slope of the rate: true rates are in other units, so only their order is compared",
    "RMSE of mastery: true mastery is another kind of probability, so only its correlation is compared",
)
OTHER_READOUT = (
    "M_sat / T, theta / T and the RMSE of mastery: the simulated students guess or slip, which the model has no"
    " parameter for",
)


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
    """What the model and the truth say at the same M scored interactions; each array is (M,)."""

    student: NDArray[np.integer]
    target: Array
    mastery: Array
    true_mastery: Array
    true_probability: Array


def oracle(scored: Scored) -> dict[str, float | None]:
    """Measures of the predictions from the true parameters; interactions whose truth is unknown are left out."""
    has_truth = ~np.isnan(scored.true_probability)
    target, student = scored.target[has_truth], scored.student[has_truth]
    probability, mastery = scored.true_probability[has_truth], scored.true_mastery[has_truth]
    return {
        "oracle_auc": metrics.auc(target, probability),
        "oracle_log_loss": metrics.log_loss(target, probability),
        "oracle_mastery_correlation": metrics.correlation(mastery, target),
        "oracle_mastery_correlation_by_student": metrics.correlation_by_student(mastery, target, student)[0],
        "oracle_interactions": float(has_truth.sum()),
    }


def true_rates(truth: Mapping[str, Any], skills: int, train: NDArray[np.integer]) -> Array:
    """True effective rate (S,), by the formula of `metrics.effective_rate`; gamma is the mean of the training students.

    NaN where not known.
    """
    if np.isnan(truth["rate"]).all():
        return np.asarray(truth["effective_rate"][:skills])
    mean_gain = (truth["gain_after_correct"] + truth["gain_after_incorrect"]) / 2
    return np.asarray(truth["rate"][:skills] * metrics.known_mean(truth["gamma"][train]) * mean_gain)


def true_gain_ratio(truth: Mapping[str, Any], skill: NDArray[np.integer], response: Array) -> float | None:
    """Mean true gain after correct over that after incorrect responses of some interactions, as `response_gain_ratio`.

    Not the factors' ratio: skills that are learned fast are answered correctly more often. None where not known.
    """
    rate = np.asarray(truth["rate"])[skill]
    right = np.asarray(response) > 0
    if np.isnan(rate).any() or right.all() or not right.any() or not truth["gain_after_incorrect"]:
        return None
    factor = truth["gain_after_correct"] / truth["gain_after_incorrect"]
    return float(factor * rate[right].mean() / rate[~right].mean())


def recovery(
    truth: Mapping[str, Any], learned: Learned, train: NDArray[np.integer], scored: Scored | None
) -> dict[str, Any]:
    """How near the learned parameters are to the true ones; None where that is not defined.

    `truth` has the fields of `simulate.parameters.Truth`; `train` are the students that `learned.gamma` is of.
    `scored` is None where the truth holds too little for the oracle.
    """
    same_model, same_readout = truth["family"] == "own", not (truth["guess"] or truth["slip"])
    same_scale = same_model and same_readout
    true_rate = true_rates(truth, len(learned.rate), train)
    rate = agreement("effective_rate", learned.rate, true_rate)
    both = ~(np.isnan(learned.rate) | np.isnan(true_rate))
    values: dict[str, Any] = {
        **(rate if same_model else _order_only(rate)),
        "rate_cv": metrics.cv(learned.rate),
        "true_rate_cv": metrics.cv(true_rate[both]),
        "rate_skills": float(both.sum()),
        **(_curves(truth, learned, same_readout) if same_model else {}),
        **_order_only(agreement("gamma", learned.gamma, truth["gamma"][train])),
        "oracle_auc": None,
        "oracle_mastery_correlation": None,
        "rmse_mastery": None,
    }
    if scored is not None:
        # The scale of mastery is not identified: learned mastery is read on the true scale, by the ratio of T.
        scale = truth["temperature"] / learned.temperature if same_scale else 1.0
        mastery = agreement("mastery", scored.mastery * scale, scored.true_mastery)
        values |= (mastery if same_scale else _order_only(mastery)) | oracle(scored)
    skipped = OTHER_FAMILY if not same_model else () if same_readout else OTHER_READOUT
    return values | {"not_compared": list(NOT_IDENTIFIED + skipped)}


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
    """Whether the values differ by no more than rounding, or are too few: then no correlation is defined."""
    return len(values) < 3 or bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _order_only(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value for name, value in values.items() if not name.startswith(("rmse_", "slope_"))}


def _curves(truth: Mapping[str, Any], learned: Learned, same_readout: bool) -> dict[str, float | None]:
    """Agreement over skills of the offset and, where nobody guesses or slips, of M_sat / T and theta / T."""
    skills = len(learned.rate)
    values = agreement("offset", learned.offset, truth["offset"][:skills])
    for name in ("saturation", "threshold") if same_readout else ():
        scaled = getattr(learned, name) / learned.temperature
        values |= agreement(f"{name}_over_temperature", scaled, truth[name][:skills] / truth["temperature"])
    return values
