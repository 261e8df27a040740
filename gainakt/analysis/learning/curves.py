"""Learning curves of skills, what fits say of them, and DataShop's categories."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gainakt.analysis.learning.afm import Afm
from gainakt.analysis.learning.observations import Array
from gainakt.data.interactions import Interactions
from gainakt.datasets.describe import opportunities
from gainakt.measures import metrics

LONGEST = 20
"""Opportunities that a curve shows."""
CATEGORIES = {
    "good": "Good",
    "still_high": "Still high",
    "no_learning": "No learning",
    "low_and_flat": "Low and flat",
    "too_little_data": "Too little data",
}
MEANINGS = {
    "good": "none of the others: students make fewer mistakes with practice",
    "still_high": "the last point is above the high threshold: the skill needs more practice, or to be split",
    "no_learning": "the slope of AFM is not above its threshold: no learning is to be seen",
    "low_and_flat": "every point is below the low threshold: students knew it already, and practise too much",
    "too_little_data": "too few opportunities are reached by enough students",
}
_Z = 1.959964
_VAGUE = 5.0
"""Standard error in logits from which a slope is not reported: hardly anybody met the skill twice."""


@dataclass(frozen=True)
class Thresholds:
    """DataShop's thresholds of its categories, at its defaults; shares of incorrect responses, slope in logits."""

    students: int = 10
    opportunities: int = 3
    low: float = 0.2
    high: float = 0.4
    slope: float = 0.001


def curves(data: Interactions, chances: Mapping[str, Array], longest: int = LONGEST) -> pd.DataFrame:
    """Per skill (its number) and opportunity 1 to `longest`: students, share incorrect with its interval `low`, `high`.

    `chances` are probabilities of a correct response by fit (N,), NaN where a fit has none; each becomes a column: the
    mean share incorrect that the fit predicts for the same responses.
    """
    number = opportunities(data)
    near = np.flatnonzero(number <= longest)
    cell = data.skill[near].astype(np.int64) * longest + number[near] - 1
    size = len(data.skills) * longest
    count = np.bincount(cell, minlength=size)
    there = np.flatnonzero(count)
    wrong = np.bincount(cell, 1 - data.response[near], size)[there] / count[there]
    low, high = metrics.wilson(wrong, count[there].astype(np.float64))
    table = {
        "skill": there // longest,
        "opportunity": there % longest + 1,
        "students": count[there],
        "incorrect": wrong,
        "low": low,
        "high": high,
    }
    for name, chance in chances.items():
        known = np.isfinite(chance[near])
        sums = np.bincount(cell[known], 1 - chance[near][known], size)[there]
        counts = np.bincount(cell[known], minlength=size)[there]
        table[name] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return pd.DataFrame(table)


def stayed(data: Interactions, skill: int, least: int) -> pd.DataFrame:
    """A skill's curve of those students alone who reach `least` opportunities: nobody joins or leaves before it."""
    number, here = opportunities(data), data.skill == skill
    who = np.unique(data.student[here & (number == least)])
    kept = here & np.isin(data.student, who) & (number <= least)
    groups = pd.DataFrame({"opportunity": number[kept], "incorrect": 1 - data.response[kept]}).groupby("opportunity")
    return groups["incorrect"].agg(students="size", incorrect="mean").reset_index()


def skills(data: Interactions, table: pd.DataFrame, model: Afm) -> pd.DataFrame:
    """Per skill: label, students, interactions, share incorrect at the first and the last opportunity that three
    students or more reach, share of students who reach the fifth and tenth, AFM's rate (`slope`) with its interval."""
    size = len(data.skills)
    at = {n: _at(table, n, size) for n in (1, 5, 10)}
    students = at[1]["students"].to_numpy()
    shown = table[table["students"] >= np.minimum(3, students[table["skill"]])]
    ends = shown.groupby("skill")["incorrect"].agg(["first", "last"]).reindex(range(size))
    known = model.slope_error < _VAGUE
    half = np.where(known, _Z * model.slope_error, np.inf)
    return pd.DataFrame(
        {
            "skill": data.skills,
            "students": students.astype(int),
            "interactions": np.bincount(data.skill, minlength=size),
            "first": ends["first"].to_numpy(),
            "last": ends["last"].to_numpy(),
            "reach_5": at[5]["students"].to_numpy() / np.maximum(students, 1),
            "reach_10": at[10]["students"].to_numpy() / np.maximum(students, 1),
            "slope": np.where(known, model.slope, np.nan),
            "slope_low": np.where(known, model.slope - half, np.nan),
            "slope_high": np.where(known, model.slope + half, np.nan),
            "learned": _learned(model.slope, half),
        }
    )


def _at(table: pd.DataFrame, opportunity: int, size: int) -> pd.DataFrame:
    return table[table["opportunity"] == opportunity].set_index("skill").reindex(range(size)).fillna({"students": 0})


def _learned(slope: Array, half: Array) -> list[str]:
    """Whether mistakes become fewer with practice, beyond chance."""
    words = {1: "yes", -1: "worse", 0: "not shown"}
    return [
        words[int(low > 0) - int(high < 0)] if np.isfinite(size) else "unknown"
        for low, high, size in zip(slope - half, slope + half, half, strict=True)
    ]


def categories(table: pd.DataFrame, slope: Array, thresholds: Thresholds) -> list[str]:
    """DataShop's category of each skill (a key of CATEGORIES), in its order of precedence.

    A point counts where `thresholds.students` reach it.
    """
    size = len(slope)
    points = table[table["students"] >= thresholds.students].groupby("skill")["incorrect"]
    by_skill = points.agg(["size", "max", "last"]).reindex(range(size))
    few = ~(by_skill["size"] >= thresholds.opportunities).to_numpy()
    low = (by_skill["max"] < thresholds.low).to_numpy()
    flat = ~(slope > thresholds.slope)
    high = (by_skill["last"] > thresholds.high).to_numpy()
    names = ["too_little_data", "low_and_flat", "no_learning", "still_high"]
    return [str(one) for one in np.select([few, low, flat, high], names, "good")]
