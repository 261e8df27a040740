"""The measures of several runs, their differences to the baseline, and the best and last epochs."""

import pandas as pd

from gainakt.analysis.compare.compared import Compared
from gainakt.measures.registry import MEASURES, named

BETTER, WORSE = 1, -1
ROUNDING = 1e-14
"""A difference below this comes from the sums of a computer, not from the runs."""
SMALLEST = 5e-7
"""A difference below this is shown as none."""


def values(comparison: Compared) -> pd.DataFrame:
    """Measures (index, the registry's order) by run id: of test students, the whole run, recovery of a truth."""
    columns = {}
    for run_id in comparison.runs:
        results = comparison.results[run_id]
        columns[run_id] = {**comparison.test(run_id), **results.get("run", {}), **results.get("recovery", {})}
    table = pd.DataFrame(columns).astype(float).dropna(how="all")
    return table.loc[[measure.name for measure in named(table.index)]]


def differences(table: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """`values` minus those of the baseline, which has no column."""
    others = [run_id for run_id in table.columns if run_id != baseline]
    change = table[others].sub(table[baseline], axis=0)
    return change.mask(change.abs() < ROUNDING, 0.0)


def directions(change: pd.DataFrame) -> pd.DataFrame:
    """For each difference BETTER, WORSE, or 0 where it is none or neither direction is good."""
    good = {"higher": 1, "lower": -1, "": 0}
    sign = [good[MEASURES[name].better] if name in MEASURES else 0 for name in change.index]
    way = (change > SMALLEST).astype(int) - (change < -SMALLEST).astype(int)
    return way.mul(sign, axis=0)


def courses(comparison: Compared) -> pd.DataFrame:
    """Best and last value on the validation students, for measures with a good direction.

    Columns run_id, name, best, best_epoch, last, last_epoch; a row per run and measure.
    """
    directed = [name for name, one in MEASURES.items() if one.better]
    rows = comparison.epochs[comparison.epochs["name"].isin(directed)].sort_values("epoch", kind="stable")
    if rows.empty:
        return pd.DataFrame(columns=["run_id", "name", "best", "best_epoch", "last", "last_epoch"])
    sign = rows["name"].map({name: -1.0 if MEASURES[name].better == "lower" else 1.0 for name in directed})
    rows = rows.assign(score=rows["value"] * sign)
    keys = ["run_id", "name"]
    best = rows.loc[rows.groupby(keys)["score"].idxmax()].set_index(keys)
    last = rows.groupby(keys)[["value", "epoch"]].last()
    return pd.DataFrame(
        {"best": best["value"], "best_epoch": best["epoch"], "last": last["value"], "last_epoch": last["epoch"]}
    ).reset_index()
