"""Gradient boosting (LightGBM) on counts and recency: what tabular data say of the next response."""

from typing import Any

import numpy as np

from gainakt.benchmark.part import Array, Part, Predict

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "rounds": 1000,
    "patience": 30,
}


def fit(train: Part, validation: Part) -> Predict:
    """Boost until the log-loss of the validation students no longer falls."""
    import lightgbm

    def dataset(part: Part, reference: Any = None) -> Any:
        kept = part.practice.scored
        return lightgbm.Dataset(_columns(part)[kept], part.practice.response[kept], reference=reference)

    known = {name: SETTINGS[name] for name in ("learning_rate", "num_leaves", "min_data_in_leaf")}
    booster = lightgbm.train(
        {**known, "objective": "binary", "verbosity": -1, "seed": train.seed, "num_threads": 1},
        within := dataset(train),
        SETTINGS["rounds"],
        [dataset(validation, within)],
        callbacks=[lightgbm.early_stopping(SETTINGS["patience"], verbose=False)],
    )
    return lambda part: np.asarray(booster.predict(_columns(part)))


def _columns(part: Part) -> Array:
    """History, skill, previous skill, the last four responses to anything (N, F); NaN where there is none."""
    practice = part.practice
    columns = [practice.skill]
    for back, values in ((1, practice.skill), *((back, practice.response) for back in (1, 2, 3, 4))):
        earlier = part.earlier(back)
        columns.append(np.where(earlier >= 0, values[earlier], np.nan))
    history = np.round(
        part.history, 4
    )  # a tree could read what the last bits of a running sum still hold of a response
    return np.column_stack([history, *columns]).astype(np.float32)
