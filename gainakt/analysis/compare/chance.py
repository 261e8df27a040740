"""Tables of differences with intervals: run against run on the same students, seeds against seeds."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gainakt.analysis.compare import statistics
from gainakt.analysis.compare.compared import SEED, Compared
from gainakt.analysis.compare.measures import values
from gainakt.analysis.compare.settings import label, settings, text_of
from gainakt.analysis.compare.statistics import Difference

COVERS_STUDENTS = (
    "The 95 % intervals say how far another draw of test students would move the difference of these two trained"
    " models. They do not cover another seed: train several for that."
)
DELONG_ASSUMES = (
    "DeLong's interval takes all interactions as independent; those of one student are not, so it tends to be too"
    " narrow."
)
COVERS_SEEDS = (
    "The 95 % intervals (Welch) say how far other seeds would move the difference of the means: initial weights, order"
    " of batches, and the split of students where the data do not give one. They do not cover other students or data."
)


def holm_says(comparisons: int) -> str:
    """What the adjusted p values are adjusted for."""
    if comparisons < 2:
        return ""
    return (
        f"{comparisons} comparisons: p (Holm) is adjusted so that the chance of even one false alarm among them stays"
        " below the level you judge by."
    )


def pairs(comparison: Compared, encoder: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Each run minus the baseline on common test students, and run id -> why it is left out.

    A row per run: run_id, auc, auc_low, auc_high, auc_p, auc_holm, delong_low, delong_high, the same for log_loss
    (without DeLong), students, predictions, only_one.
    """
    rows, missing = [], {}
    for run_id in comparison.others:
        pair = comparison.pair(run_id, encoder)
        found = (pair.differences or {}).get(encoder)
        if found is None:
            missing[run_id] = pair.missing or "One of the two runs has no such encoder."
            continue
        row = {"run_id": run_id, "students": pair.students, "predictions": pair.predictions, "only_one": pair.only_one}
        for name, one in found.items():
            row |= _columns(name, one)
        rows.append(row)
    table = pd.DataFrame(rows)
    for name in ("auc", "log_loss"):
        if f"{name}_p" in table:
            table[f"{name}_holm"] = _adjusted(table[f"{name}_p"])
    return table, missing


def _columns(name: str, one: Difference | None) -> dict[str, float]:
    if one is None:
        return {}
    return {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high, f"{name}_p": one.p}


def _adjusted(p: pd.Series) -> pd.Series:
    known = p.dropna()
    return pd.Series(statistics.holm(known.tolist()), known.index, float).reindex(p.index)


def seeds(comparison: Compared, measure: str) -> pd.DataFrame:
    """Each group of runs that differ in the seed only: its mean, and the mean's difference to the baseline's group.

    Columns: run_id (the first of the group), runs, mean, std (between seeds, n - 1), difference, low, high, p, holm.
    """
    table = values(comparison)
    of = table.loc[measure] if measure in table.index else pd.Series(dtype=float)
    base = _known(comparison, of, comparison.group_of(comparison.baseline))
    rows = []
    for first, members in comparison.groups.items():
        numbers = _known(comparison, of, members)
        row = {"run_id": first, "runs": len(numbers)}
        if numbers:
            row |= {
                "mean": float(np.mean(numbers)),
                "std": float(np.std(numbers, ddof=1)) if len(numbers) > 1 else None,
            }
        if comparison.baseline not in members and numbers and base:
            row["difference"] = float(np.mean(numbers) - np.mean(base))
            if found := statistics.welch(base, numbers):
                row |= {"low": found.low, "high": found.high, "p": found.p}
        rows.append(row)
    names = ["run_id", "runs", "mean", "std", "difference", "low", "high", "p"]
    frame = pd.DataFrame(rows).reindex(columns=names)
    frame[names[2:]] = frame[names[2:]].astype(float)
    return frame.assign(holm=_adjusted(frame["p"]))


def _known(comparison: Compared, of: pd.Series, members: Iterable[str]) -> list[float]:
    """The values of a group, one per seed: a replay is no further seed."""
    by_seed = {comparison.runs[one].seed: one for one in reversed(list(members)) if one in of.index}
    return [float(of[one]) for one in reversed(by_seed.values()) if not np.isnan(of[one])]


def group_names(comparison: Compared) -> dict[str, str]:
    """First run of a group -> what tells the group from the others: its preset, and the settings that differ."""
    table = settings({first: comparison.runs[first] for first in comparison.groups})
    table.pop(SEED, None)
    presets = [comparison.runs[first].preset for first in comparison.groups]
    names = {}
    for first in comparison.groups:
        run = comparison.runs[first]
        name = run.name if run.published else str(run.preset or run.name)
        if presets.count(run.preset) > 1:
            inside = {s: row for s, row in table.items() if _differs_within(row, comparison, run.preset)}
            stated = [f"{label(setting)} {text_of(row[first])}" for setting, row in inside.items() if first in row]
            name = ", ".join([name, *stated[:2]]) + (f" and {len(stated) - 2} more" if len(stated) > 2 else "")
        names[first] = name
    return {
        first: name if list(names.values()).count(name) == 1 else f"{name} ({first[-4:]})"
        for first, name in names.items()
    }


def _differs_within(row: dict[str, object], comparison: Compared, preset: str | None) -> bool:
    return len({str(value) for run_id, value in row.items() if comparison.runs[run_id].preset == preset}) > 1
