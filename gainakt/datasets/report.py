"""All that the Data page shows of a data set, without its interactions: small enough to cache."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gainakt.config import DataConfig
from gainakt.data import files
from gainakt.data.interactions import Interactions
from gainakt.datasets import describe
from gainakt.datasets.load import load

LONGEST = 10
"""Opportunities that a learning curve shows."""
FARTHEST = 30
ENOUGH = 20
"""Students that a point of a learning curve needs to enter a skill's change."""
STUDENTS_SHOWN = 1000


@dataclass(frozen=True)
class Report:
    """A data set as figures and tables.

    `lengths` and `shares` (B,) are interactions and share correct per student; `reached[n]` is the share of (student,
    skill) runs with more than n opportunities; `skills` has a row per skill, with `change` over its learning curve,
    `atomic` one per atomic skill of joined labels.
    """

    summary: dict[str, Any]
    overview: dict[str, Any]
    problems: list[describe.Problem]
    lengths: np.ndarray
    shares: np.ndarray
    reached: np.ndarray
    students: pd.DataFrame
    skills: pd.DataFrame
    atomic: pd.DataFrame
    curves: pd.DataFrame
    rejected: pd.DataFrame

    @property
    def fingerprint(self) -> str:
        """Of the interactions as they were read."""
        return str(self.summary["fingerprint"])


def report_on(config: DataConfig) -> Report:
    """Read the data and describe them; raises InputError."""
    return report_of(load(config), config.window)


def report_of(data: Interactions, window: int) -> Report:
    """The report on these data, to be cut into windows of this many interactions."""
    students, curves = describe.students(data), describe.learning_curves(data, LONGEST)
    number = describe.opportunities(data)
    reached = np.bincount(np.minimum(number, FARTHEST + 1), minlength=FARTHEST + 2)[1 : FARTHEST + 1]
    return Report(
        summary=data.summary(),
        overview=describe.overview(data),
        problems=describe.problems(data, window),
        lengths=students["interactions"].to_numpy(),
        shares=students["share_correct"].to_numpy(),
        reached=reached / max(1, reached[0]),
        students=students.nlargest(STUDENTS_SHOWN, "interactions"),
        skills=describe.skills(data).assign(change=_change(curves, len(data.skills), data.skills)),
        atomic=describe.atomic_skills(data),
        curves=curves,
        rejected=data.rejected,
    )


def _change(curves: pd.DataFrame, size: int, labels: list[str]) -> np.ndarray:
    """(S,) share correct at the last opportunity that ENOUGH students reach, less that at the first; NaN with none."""
    enough = curves[curves["students"] >= ENOUGH]
    ends = enough.groupby("skill", sort=False)["share_correct"].agg(["first", "last", "size"])
    change = (ends["last"] - ends["first"]).where(ends["size"] > 1)
    return change.reindex(pd.Index(labels, dtype=object)).to_numpy(np.float64) if size else np.empty(0)


def stamp(config: DataConfig) -> tuple[tuple[str, int, int], ...]:
    """Path, time of change and size of the files that will be read: equal stamps mean equal data; raises InputError."""
    if not config.path:
        return ()
    sources, _ = files.find(config.path, config.test_path)
    return tuple((str(source.path), *_changed(source.path)) for source in sources)


def _changed(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
