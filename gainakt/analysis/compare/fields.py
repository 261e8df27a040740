"""Runs as points: every setting and measure of each run, what varies, and which runs no other one beats."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gainakt.analysis.compare.compared import Compared
from gainakt.analysis.compare.measures import values
from gainakt.analysis.compare.settings import label, settings
from gainakt.measures.registry import MEASURES

FRONT = ("encoder1_auc", "encoder2_auc", "rate_cv")
"""What the Pareto front is made of: both AUCs, and the differentiation of the rates."""


def fields(comparison: Compared) -> pd.DataFrame:
    """A row per run (index), a column per setting or measure that is a number and known of two runs or more.

    Settings come first; yes and no count as 1 and 0.
    """
    of_settings = pd.DataFrame(settings(comparison.runs), index=list(comparison.runs), dtype=object)
    numeric = {name: pd.to_numeric(of_settings[name], errors="coerce") for name in of_settings}
    table = pd.concat([pd.DataFrame(numeric, index=list(comparison.runs)), values(comparison).T], axis=1).astype(float)
    return table.loc[:, table.notna().sum() > 1]


def name_of(field: str) -> str:
    """The label of a field."""
    return MEASURES[field].label if field in MEASURES else label(field)


def is_setting(field: str) -> bool:
    """Whether a field is a setting, by its dotted name."""
    return "." in field


def varying(table: pd.DataFrame) -> list[str]:
    """The fields in which runs differ."""
    return [name for name in table.columns if table[name].nunique() > 1]


def front(table: pd.DataFrame, names: Sequence[str] = FRONT) -> list[str]:
    """The runs that no other one beats: none is as good in all of these measures and better in one."""
    known = table.reindex(columns=list(names)).dropna()
    points = known.to_numpy()
    at_least = (points[None, :, :] >= points[:, None, :]).all(-1)  # (N, N): whether column's run is as good as row's
    better = (points[None, :, :] > points[:, None, :]).any(-1)
    return [str(run_id) for run_id, beaten in zip(known.index, (at_least & better).any(1), strict=True) if not beaten]


def log_scaled(numbers: pd.Series) -> bool:
    """Whether values spread so far that a log axis shows them better: none below 0, tenfold or more apart."""
    above = numbers[numbers > 0]
    return bool((numbers >= 0).all() and len(above) > 1 and above.max() >= 10 * above.min())


def on_log_axis(numbers: pd.Series) -> tuple[pd.Series, float | None]:
    """Values for a log axis, on which 0 stands a step below the smallest; and that place, None without a 0."""
    above = numbers[numbers > 0]
    if above.empty or not (numbers == 0).any():
        return numbers, None
    place = float(above.min() / 10 ** np.ceil(0.15 * np.log10(above.max() / above.min()) + 0.3))
    return numbers.where(numbers != 0, place), place
