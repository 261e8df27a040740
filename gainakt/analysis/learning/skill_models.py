"""The KC models of one file, compared as DataShop does: AFM on each, by AIC, BIC and cross-validation."""

from typing import Any

import pandas as pd

from gainakt.analysis.learning.afm import cross_validated, fitted
from gainakt.analysis.learning.observations import Observations

COLUMNS = (
    "model", "skills", "responses", "parameters", "log_likelihood", "aic", "bic", "rmse_student", "rmse_item",
)  # fmt: skip


def compared(name: str, data: Observations) -> dict[str, Any]:
    """A model's row; slopes do not fall, as in DataShop. `rmse_item` is None where the data name no items."""
    model = fitted(data, falling=False)
    return {
        "model": name,
        "skills": data.skills.shape[1],
        "responses": len(data),
        "parameters": model.parameters,
        "log_likelihood": model.log_likelihood,
        "aic": model.aic,
        "bic": model.bic,
        "rmse_student": cross_validated(data, "student"),
        "rmse_item": cross_validated(data, "item"),
    }


def comparison(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The models, best by BIC first; `same_responses` is false where another number of responses makes the criteria of
    two models incomparable."""
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("bic", kind="stable", ignore_index=True)
    return table.assign(same_responses=table["responses"] == table["responses"].max())
