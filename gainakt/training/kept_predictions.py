"""The predictions of the test students, kept in the run's folder: two runs are compared on them, student by student."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Windows
from gainakt.measures.predictions import Predictions, Split
from gainakt.training import checkpoints

NAME = "predictions"
"""As `store.tensors` keeps it."""


def keep(
    folder: Path, predictions: Predictions, place: NDArray[np.integer], data: Interactions, encoders: tuple[str, ...]
) -> None:
    """Write what these encoders predict of the test students, one entry per scored question, ordered by `position`.

    `place` (N,) is where each prediction's interaction stands in the data. The file holds `student` and `skill` (their
    numbers in the data), `position` (the interaction's place in the data), all int32, `response` (uint8) and a
    probability per encoder (float32).
    """
    scored = Split(predictions, len(data.skills))
    probability = {"encoder1": scored.p1, "encoder2": scored.p2}
    columns: dict[str, NDArray[Any]] = {
        "student": scored.student.astype(np.int32),
        "skill": predictions.asked[scored.first].astype(np.int32),
        "position": place[scored.first].astype(np.int32),
        "response": scored.target.astype(np.uint8),
        **{name: probability[name].astype(np.float32) for name in encoders},
    }
    write(folder, columns, data.fingerprint)


def write(folder: Path, columns: dict[str, NDArray[Any]], fingerprint: str) -> None:
    """Write these columns (N,) of the test students' predictions, ordered by `position`."""
    order = np.argsort(columns["position"], kind="stable")
    about: dict[str, Any] = {"split": "test", "data_fingerprint": fingerprint, "predictions": len(order)}
    checkpoints.save({name: torch.from_numpy(column[order]) for name, column in columns.items()}, folder, NAME, about)


def places(windows: Windows) -> NDArray[np.integer]:
    """Where the interactions that `training.evaluate.predict` predicts stand in their data, in its order (N,)."""
    found = []
    for rows, batch in windows.in_order():
        row, step = (index.cpu().numpy() for index in torch.nonzero(batch.scored, as_tuple=True))
        found.append(windows.start[rows][row] + step + 1)
    return np.concatenate(found)
