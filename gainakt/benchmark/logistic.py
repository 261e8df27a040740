"""Logistic regression on columns that a yardstick makes of a part, its penalty chosen on the validation students."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from gainakt.benchmark.part import Array, Part, Predict
from gainakt.measures.metrics import log_losses

Columns = Callable[[Part], sparse.csr_array]
SETTINGS: dict[str, Any] = {"inverse_penalties": [0.1, 1.0, 10.0], "solver": "newton-cg", "tolerance": 1e-6}
"""The tolerance is of the mean loss's slope by any number: of a thousand skills each has a thousandth of that slope."""


def fitted(columns: Columns, train: Part, validation: Part) -> Predict:
    """The regression of the scored responses on `columns` (N, F) whose validation log-loss is least."""

    def predictor(model: LogisticRegression) -> Predict:
        return lambda part: np.asarray(model.predict_proba(columns(part))[:, 1])

    def loss(predict: Predict) -> float:
        scored = validation.scored(predict(validation))
        return float(log_losses(scored.response, scored.probability).mean())

    kept, scored = columns(train), train.practice.scored
    found = []
    for inverse in SETTINGS["inverse_penalties"]:
        model = LogisticRegression(C=inverse, solver=SETTINGS["solver"], tol=SETTINGS["tolerance"], max_iter=200)
        found.append(predictor(model.fit(kept[scored], train.practice.response[scored])))
    return min(found, key=loss)


def logs(counts: Array) -> Array:
    """log(1 + count)."""
    return np.log1p(counts.astype(np.float64))
