"""Curves of several runs: on a common axis, and where two of them part."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gainakt.store import Run

ALIGNED = {"step": "Step", "epoch": "Epoch", "minutes": "Time"}
"""What curves can be aligned by; minutes count from a run's start."""


def aligned(rows: pd.DataFrame, runs: Mapping[str, Run], by: str) -> pd.DataFrame:
    """Rows of series or events (run_id, step, epoch, time) with a column `by` to draw them over.

    An epoch is a fraction where the steps of an epoch are known, so that steps within one stand apart.
    """
    if by == "step" or rows.empty:
        return rows.assign(minutes=np.nan) if by == "minutes" else rows
    if by == "minutes":
        begun = {run_id: run.started for run_id, run in runs.items() if run.started is not None}
        first = rows.groupby("run_id")["time"].min()
        start = rows["run_id"].map(lambda run_id: begun.get(run_id, first.get(run_id))).astype(float)
        return rows.assign(minutes=(rows["time"] - start) / 60)
    per_epoch = rows["run_id"].map({run_id: run.steps_per_epoch for run_id, run in runs.items()}).astype(float)
    return rows.assign(epoch=(rows["step"] / per_epoch).fillna(rows["epoch"]))


@dataclass(frozen=True)
class Parting:
    """How two curves over epochs went: the epoch from which they stay apart, None if they end together.

    `first` and `last` are the common epochs, `end` is B minus A at the last, `most` the largest difference and
    `most_at` its epoch.
    """

    since: int | None
    first: int
    last: int
    end: float
    most: float
    most_at: int


def parting(a: pd.Series, b: pd.Series, tolerance: float) -> Parting | None:
    """Where two curves (epoch -> value) part for good, by more than `tolerance`; None without a common epoch."""
    difference = (b - a).dropna().sort_index()
    if difference.empty:
        return None
    together = np.flatnonzero(difference.abs().to_numpy() <= tolerance)
    after = int(together[-1]) + 1 if len(together) else 0
    since = int(difference.index[after]) if after < len(difference) else None
    most_at = difference.abs().idxmax()
    return Parting(
        since,
        int(difference.index[0]),
        int(difference.index[-1]),
        float(difference.iloc[-1]),
        float(difference[most_at]),
        int(most_at),
    )
