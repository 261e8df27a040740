"""Practice as it was, beside practice that stops at mastery: how much is too long, how much too short."""

from typing import Any

import numpy as np
import pandas as pd

from gainakt.analysis.learning.mastery import Chain, Waiting

_SHARES = {"low": 0.1, "median": 0.5, "high": 0.9}


def practice(labels: list[str], chain: Chain, waits: Waiting, courses: pd.DataFrame) -> pd.DataFrame:
    """Per skill: BKT's start and learning, tasks until mastery from the start (median, and 80 % between `low` and
    `high`; infinite beyond those looked ahead), students, share who mastered it, tasks done after mastery (`extra`),
    students who left before it and the tasks that they still need."""
    size = len(labels)
    numbers = np.arange(size)
    by_skill = courses.groupby("skill")
    sums = by_skill[["tasks", "mastered", "extra", "to_do", "spinning"]].sum().reindex(range(size), fill_value=0)
    count = by_skill.size().reindex(range(size), fill_value=0).to_numpy()
    left = count - sums["mastered"].to_numpy()
    start = {name: waits.quantile(numbers, chain.known, share) for name, share in _SHARES.items()}
    return pd.DataFrame(
        {
            "skill": labels,
            "start": chain.known,
            "learn": chain.learn,
            **start,
            "students": count,
            "tasks": sums["tasks"].to_numpy(),
            "mastered": sums["mastered"].to_numpy() / np.maximum(count, 1),
            "extra": sums["extra"].to_numpy(),
            "left_early": left,
            "missing": sums["to_do"].to_numpy(),
            "spinning": sums["spinning"].to_numpy(),
        }
    )


def totals(table: pd.DataFrame) -> dict[str, Any]:
    """Over all skills: tasks done, those after mastery, practice sequences that end before it and need more."""
    return {
        "tasks": int(table["tasks"].sum()),
        "extra": int(table["extra"].sum()),
        "sequences": int(table["students"].sum()),
        "left_early": int(table["left_early"].sum()),
        "missing": float(table["missing"].sum()),
        "spinning": int(table["spinning"].sum()),
    }
