"""Where a run's predictions are right: by opportunity, early on, on rare skills; and how well they are calibrated.

Computed from the predictions of the test students that a run keeps in its folder.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gainakt.analysis.compare.predictions import Columns, digest, read
from gainakt.measures import accuracy
from gainakt.measures.accuracy import Reliability

PREDICTORS = ("encoder1", "encoder2")
LATER = 10
"""Opportunities, and interactions of a student, that stand by themselves; later ones are one group or left out."""
_RARE = (0, 100, 300, 1_000, 3_000, 10_000)
"""Training and validation interactions of a skill from which each group of skills counts."""


@dataclass(frozen=True)
class Accuracy:
    """`groups` has columns what (opportunity, interaction, skill), group, predictor, auc, predictions.

    `reliability` and `ece` are by predictor (encoder1, encoder2).
    """

    groups: pd.DataFrame
    reliability: dict[str, Reliability]
    ece: dict[str, float | None]


def of_run(folder: Path, interactions: tuple[int, ...]) -> Accuracy | None:
    """The accuracy of the run in this folder; None where it kept no predictions. Raises InputError for a damaged file.

    `interactions` (S,) are the training and validation interactions of each skill; empty where they are not known.
    """
    sha256 = digest(folder)
    return None if sha256 is None else _of_run(folder, sha256, interactions)


@lru_cache(16)
def _of_run(folder: Path, _digest: str, interactions: tuple[int, ...]) -> Accuracy:
    return computed(read(folder), np.array(interactions, np.int64))


def kept(folder: Path, predictor: str) -> dict[str, float | None]:
    """Lower and upper end of the AUC's 95 % interval over students, rmse and ece of a predictor's kept predictions.

    Empty where the run kept none. Raises InputError for a damaged file.
    """
    sha256 = digest(folder)
    return {} if sha256 is None else _kept(folder, sha256, predictor)


@lru_cache(256)
def _kept(folder: Path, _digest: str, predictor: str) -> dict[str, float | None]:
    columns = read(folder)
    if predictor not in columns:
        return {}
    pair = columns["response"], columns[predictor]
    lower, upper = accuracy.auc_interval(*pair, columns["student"])
    return {"lower": lower, "upper": upper, "rmse": accuracy.rmse(*pair), "ece": accuracy.ece(*pair)}


def computed(columns: Columns, interactions: NDArray[np.int64]) -> Accuracy:
    """The same from the kept columns: student, skill, position (ascending), response, and one per predictor."""
    student, skill, response = (columns[name].astype(np.int64) for name in ("student", "skill", "response"))
    position = columns["position"].astype(np.int64)
    opportunity = np.minimum(accuracy.earlier((student, skill)), LATER)
    first = np.full(int(student.max()) + 1, position.max())
    np.minimum.at(first, student, position)
    number = position - first[student]  # 0 is the second interaction, the first that is predicted
    labels = {
        "opportunity": [*map(str, range(1, LATER + 1)), "later"],
        "interaction": [*map(str, range(2, LATER + 1))],
        "skill": [f"{low:,} on" for low in _RARE],
    }
    groups = {"opportunity": opportunity, "interaction": number}
    if len(interactions):
        groups["skill"] = np.searchsorted(_RARE, interactions[skill], "right") - 1
    rows = []
    for predictor in (name for name in PREDICTORS if name in columns):
        for what, group in groups.items():
            found = accuracy.auc_by(group, len(labels[what]), response, columns[predictor].astype(np.float64))
            counts = np.bincount(group)[: len(found)]
            counts = np.pad(counts, (0, len(found) - len(counts)))
            rows += [(what, *row) for row in zip(labels[what], [predictor] * len(found), found, counts, strict=True)]
    frame = pd.DataFrame(rows, columns=["what", "group", "predictor", "auc", "predictions"])
    there = [name for name in PREDICTORS if name in columns]
    return Accuracy(
        frame.astype({"auc": float}),
        {name: accuracy.reliability(response, columns[name].astype(np.float64)) for name in there},
        {name: accuracy.ece(response, columns[name].astype(np.float64)) for name in there},
    )
