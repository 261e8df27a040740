"""Gradient boosting (LightGBM) on counts and recency: what tabular data say of the next response."""

from typing import Any

import numpy as np

from gainakt.benchmark.part import Array, Part, Predict

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.05, "num_leaves": 63, "min_data_in_leaf": 100, "feature_fraction": 0.7, "bagging_fraction": 0.8,
    "bagging_freq": 1, "rounds": 1000, "patience": 40,
}  # fmt: skip
"""Chosen by the validation AUC on fold 0 of ASSIST2015; skills as categories instead of numbers are worth 0.002."""
_OWN = ("rounds", "patience")


def fit(train: Part, validation: Part) -> Predict:
    """Boost until the log-loss of the validation students no longer falls."""
    import lightgbm

    def dataset(part: Part, reference: Any = None) -> Any:
        kept = part.practice.scored
        columns = _columns(part)
        skills = [columns.shape[1] - 2, columns.shape[1] - 1]
        return lightgbm.Dataset(columns[kept], part.practice.response[kept], reference, categorical_feature=skills)

    known = {name: value for name, value in SETTINGS.items() if name not in _OWN}
    booster = lightgbm.train(
        {**known, "objective": "binary", "verbosity": -1, "seed": train.seed, "num_threads": 1},
        within := dataset(train),
        SETTINGS["rounds"],
        [dataset(validation, within)],
        callbacks=[lightgbm.early_stopping(SETTINGS["patience"], verbose=False)],
    )
    return lambda part: np.asarray(booster.predict(_columns(part)))


def _columns(part: Part) -> Array:
    """History, the last four responses to anything, previous skill, skill (N, F); NaN where there is none."""
    practice = part.practice
    columns = []
    for back, values in (*((back, practice.response) for back in (1, 2, 3, 4)), (1, practice.skill)):
        earlier = part.earlier(back)
        columns.append(np.where(earlier >= 0, values[earlier], np.nan))
    # rounded, as a tree could read what the last bits of a running sum still hold of a response
    history = np.round(part.history, 4)
    return np.column_stack([history, *columns, practice.skill]).astype(np.float32)
