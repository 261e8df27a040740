"""Runs that differ in nothing but the seed, folded into one row each."""

import os
import re
from collections.abc import Sequence

import pandas as pd

from gainakt.analysis.runs.fields import all_fields
from gainakt.store.entities import WITH_RESULTS

STD = " std"
"""What the name of a column with a standard deviation ends in, after the measure's."""
_KEPT = ("name", "status", "preset", "data", "created", "published")


def fold(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """One row per setup, in the order of its first run: `runs` (ids), `n`, the mean and `NAME std` of each measure.

    Mean and sample standard deviation are over seeds that ended; of two runs with one seed the newer one counts. Of a
    single seed there is no standard deviation.
    """
    known = all_fields()
    measures = [name for name in columns if name in known and known[name].of in ("final", "epochs")]
    groups = table.groupby("setup", sort=False)
    folded = pd.DataFrame({name: groups[name].first() for name in _KEPT})
    folded["status"] = groups["status"].agg(lambda column: column.iloc[0] if column.nunique() == 1 else "mixed")
    folded["name"] = groups["name"].agg(lambda column: _common(list(column)))
    folded["runs"] = groups["run_id"].agg(list)
    ended = table[table["status"].isin(WITH_RESULTS)].sort_values("created", kind="stable")
    counted = ended.drop_duplicates(["setup", "seed"], keep="last").groupby("setup")
    folded["n"] = counted.size().reindex(folded.index).fillna(0).astype(int)
    for name in measures:
        folded[name] = counted[name].mean().reindex(folded.index)
        folded[name + STD] = counted[name].std().reindex(folded.index)
    return folded


def _common(names: list[str]) -> str:
    """What the names of runs begin with, without a trailing `seed`; the first where that is nothing."""
    start = os.path.commonprefix(names) if len(names) > 1 else names[0]  # noqa: RUF071 (names, not paths)
    return re.sub(r"[\s,;:_·(=-]*(seed)?[\s,;:_·(=-]*$", "", start, flags=re.IGNORECASE) or names[0]
