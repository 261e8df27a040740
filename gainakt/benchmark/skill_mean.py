"""Each skill's share of correct responses among the training students: what is reached without any history."""

from typing import Any

from gainakt.benchmark.part import Array, Part, Predict

SETTINGS: dict[str, Any] = {}


def fit(train: Part, validation: Part) -> Predict:
    """The shares, shrunken a little where a skill is rare."""

    def predict(part: Part) -> Array:
        return part.usual[part.practice.skill]

    return predict
