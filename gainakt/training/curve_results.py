"""A fitted learning-curve model in the terms of every run: measures of a split, skills, learned parameters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.counts import Practice
from gainakt.curve_model.fit import Fit
from gainakt.curve_model.predict import predicted
from gainakt.curve_model.scaled import scaled
from gainakt.data.interactions import Interactions
from gainakt.measures import metrics
from gainakt.measures.predictions import Predictions
from gainakt.measures.recovery import Learned
from gainakt.training.evaluate import measure

Array = NDArray[np.floating]
Values = dict[str, float | None]
_OF_ENCODER1 = (
    *("encoder1_auc", "encoder1_correlation", "encoder1_rmse", "encoder1_ece", "bce"),
    *("aggregate_gain_mean", "aggregate_gain_std"),
)


def predictions(fit: Fit, practice: Practice, data: Interactions) -> Predictions:
    """The split's flat arrays in the form that metrics are computed from; Encoder 1's are Encoder 2's."""
    model, units, scored = predicted(fit, practice), scaled(fit), practice.scored
    chance = model.chance[scored]
    return Predictions(
        student=practice.student[scored],
        asked=practice.skill[scored],
        target=practice.response[scored].astype(np.float32),
        p1=chance,
        p2=chance,
        mastery=model.mastery[scored] * units.temperature,
        gain=units.gain[practice.skill, practice.response],
        gain_student=practice.student,
        gain_skill=practice.skill,
        gain_response=practice.response,
        gain_is_scored=np.append(scored[1:], False),
        aggregate=np.zeros(1),
        question=None if data.group is None else data.group[practice.place][scored],
    )


def measured(split: Predictions, skills: int) -> Values:
    """Metrics of one split; null what belongs to Encoder 1 or to the origin's aggregate gain."""
    return measure(split, skills) | dict.fromkeys(_OF_ENCODER1)


def skill_rows(fit: Fit, labels: list[str], *splits: Predictions) -> tuple[list[dict[str, Any]], Values]:
    """One row per skill with its effective rate and parameters, from the given splits; and the run's summary."""
    units = scaled(fit)
    gain, skill, response = (
        np.concatenate([getattr(s, name) for s in splits]) for name in ("gain", "gain_skill", "gain_response")
    )
    beta = np.full(len(labels), units.beta)
    rate, count, _ = metrics.effective_rate(gain, skill, response, beta, 1.0)
    columns = {
        "m_sat": units.saturation,
        "beta": beta,
        "mean_gain": units.gain.mean(1),
        "effective_rate": rate,
        "threshold": units.threshold,
        "offset": units.offset,
        "gain_after_incorrect": units.gain[:, 0],
        "gain_after_correct": units.gain[:, 1],
    }
    rows = [
        {"skill": label, "interactions": int(count[s])}
        | {name: None if np.isnan(column[s]) else float(column[s]) for name, column in columns.items()}
        for s, label in enumerate(labels)
    ]
    rated = int((~np.isnan(rate)).sum())
    return rows, {
        "rate_cv": metrics.cv(rate),
        "rate_skills": float(rated),
        "rate_left_out": float(len(rate) - rated),
        "gamma_mean": 1.0,
        "gamma_std": 0.0,
        "temperature": units.temperature,
        "theta_mean": float(units.threshold.mean()),
        "ability_std": fit.sigma,
        "skill_level_std": fit.skill_sigma,
        **{f"spread_{name}": float(value) for name, value in zip(curve.NAMES, fit.spread, strict=True)},
    }


def learned(fit: Fit, rows: list[dict[str, Any]], students: int) -> Learned:
    """What recovery compares with the truth."""
    units = scaled(fit)
    rate = metrics.column(rows, "effective_rate")
    return Learned(rate, units.saturation, units.threshold, units.offset, units.temperature, np.ones(students))


def parameters(fit: Fit) -> dict[str, dict[str, Any]]:
    """Mean, std and 101 quantiles of each interpretable parameter, as a trained model tells them."""
    units = scaled(fit)
    values = {
        "beta": np.array([units.beta]),
        "gamma": np.ones(1),
        "saturation": units.saturation,
        "threshold": units.threshold,
        "offset": units.offset,
        "temperature": np.array([units.temperature]),
        "transfer": np.minimum(units.transfer.mean(1) / units.gain.mean(1), 1.0),
    }
    return {
        name: {
            "mean": float(value.mean()),
            "std": float(value.std()),
            "quantiles": [float(f"{q:.6g}") for q in np.quantile(value, np.linspace(0, 1, 101))],
        }
        for name, value in values.items()
    }
