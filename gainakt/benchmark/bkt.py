"""Bayesian knowledge tracing (Corbett, Anderson 1995) by EM, skills with few students drawn to the others."""

from typing import Any

from gainakt.benchmark.part import Part, Predict
from gainakt.curve_model.bkt import fitted_bkt, predicted_bkt

SETTINGS: dict[str, Any] = {}


def fit(train: Part, validation: Part) -> Predict:
    """Fit it to the training students."""
    model = fitted_bkt(train.practice, train.skills)
    return lambda part: predicted_bkt(model, part.practice)
