"""What the figures come to, in sentences for pages and reports; numbers choose the wording. Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gainakt.analysis.learning.curves import CATEGORIES, Thresholds
from gainakt.analysis.learning.mastery import MOST, WHEEL_SPINNING
from gainakt.measures.text import escaped

_NAMED = 3
MET_TWICE = 1.5
"""Mean opportunities of a student on a skill from which there is practice to speak of."""
NOTABLE = 2.0
"""Gain in log-likelihood from which two skills are said to fit better as one."""


def of_skills(kinds: Sequence[str], table: pd.DataFrame) -> Iterator[str]:
    """How many skills are learned, and in which categories they fall."""
    count = Counter(kinds)
    parts = [f"{count[name]:,} {label.lower()}" for name, label in CATEGORIES.items() if count[name]]
    yield f"**{_skills(len(table))}**: {', '.join(parts)}."
    usual, most = Thresholds().students, int(table["students"].max())
    if count["too_little_data"] == len(table) and most < usual:
        yield (
            f"For a category, {usual} students must reach a point of the curve, by DataShop's threshold; here no skill"
            f" has more than {most}. Lower it on the page Skills, under Categories and their thresholds."
        )
    met = table["interactions"].sum() / max(1, table["students"].sum())
    if met < MET_TWICE:
        yield (
            f"A student meets a skill {met:.2f} times on average: these labels are nearer to single steps than to"
            " skills, and learning by practice can hardly be seen."
        )
    learned, known = (table["learned"] == "yes").sum(), (table["learned"] != "unknown").sum()
    if known:
        falls = int((table["learned"] == "worse").sum())
        worse = f"; it lies below zero for {falls:,}, whose mistakes become more frequent" if falls else ""
        yield (
            f"The 95 % interval of AFM's slope lies above zero, which is learning beyond chance, for {learned:,} of the"
            f" {_skills(known)} whose slope the data determine{worse}."
        )


def of_skill(row: Any) -> Iterator[str]:
    """One skill: mistakes at first and at the end, and its rate."""
    yield (
        f"**{escaped(row['skill'])}**: {row['first']:.0%} incorrect at first, {row['last']:.0%} at the last point;"
        f" {row['students']:,} students, of whom {row['reach_5']:.0%} reach the fifth opportunity and"
        f" {row['reach_10']:.0%} the tenth."
    )
    if np.isfinite(row["slope"]):
        yield (
            f"Rate by AFM: {row['slope']:+.3f} logits per opportunity (95 % interval {row['slope_low']:+.3f} to"
            f" {row['slope_high']:+.3f})."
        )


def of_models(table: pd.DataFrame) -> Iterator[str]:
    """Which KC model is best by which criterion."""
    if len(table) < 2:
        yield "The data have one skill model. Its figures are here to be compared with those of another file."
        return
    same = table[table["same_responses"]]
    best = {name: same.loc[same[name].idxmin(), "model"] for name in ("bic", "aic")}
    for name in ("rmse_student", "rmse_item"):
        if same[name].notna().any():
            best[name] = same.loc[same[name].astype(float).idxmin(), "model"]
    labels = {
        "bic": "BIC",
        "aic": "AIC",
        "rmse_student": "error on new students",
        "rmse_item": "error on new items",
    }
    if len(set(best.values())) == 1:
        yield f"**{escaped(best['bic'])}** is best by all criteria: {', '.join(labels[name] for name in best)}."
    else:
        yield f"Best by {'; by '.join(f'{labels[name]}: **{escaped(model)}**' for name, model in best.items())}."
    if len(same) < len(table):
        yield (
            "Models with fewer responses leave steps without a skill; AIC and BIC compare models of the same responses"
            " only."
        )


def of_items(table: pd.DataFrame) -> Iterator[str]:
    """How many items do not fit their skill, and how."""
    count = table["verdict"].value_counts()
    moved = table[table["verdict"] == "other_skill"].nlargest(_NAMED, "gain")
    if moved.empty:
        yield f"No item of {len(table):,} follows the practice of another skill than its own."
    else:
        named = "; ".join(
            f"{escaped(row.item)} ({escaped(row.skill)} → {escaped(row.better)})" for row in moved.itertuples()
        )
        yield (
            f"**{_items(len(table), count['other_skill'])} better with the practice of another skill** than with their"
            f" own's: {named}{' and others' if count['other_skill'] > len(moved) else ''}."
        )
    yield (
        f"{count.get('harder', 0):,} are harder and {count.get('easier', 0):,} easier than their skill, which need not"
        " mean that the skill is wrong."
    )


def of_candidates(splits: pd.DataFrame | None, merges: pd.DataFrame | None) -> Iterator[str]:
    """Which skills may be two, and which pairs one."""
    if splits is not None:
        better = splits[splits["bic"] < 0]
        named = ", ".join(f"{escaped(row.skill)} (+{row.gain:.0f})" for row in better.head(_NAMED).itertuples())
        yield (
            f"Split into two, {_skills(len(better))} would fit better by BIC: {named}."
            if named
            else "No skill would fit better by BIC if it were split into two."
        )
    if merges is not None:
        better = merges[merges["gain"] > NOTABLE]
        named = ", ".join(
            f"{escaped(row.first)} with {escaped(row.second)} (+{row.gain:.0f})"
            for row in better.head(_NAMED).itertuples()
        )
        yield (
            f"Merged, {_pairs(len(better))} would fit better: {named}."
            if named
            else f"No pair of skills fits better as one by more than {NOTABLE:g} in log-likelihood."
        )


def of_class(table: pd.DataFrame, threshold: float) -> Iterator[str]:
    """How far the class is, and who spins their wheels."""
    skills, mastered = int(table["skills"].sum()), int(table["mastered"].sum())
    yield (
        f"**{_number(len(table), 'student')}** with {_number(skills, 'practice sequence')} (one student on one skill)"
        f" and mastery of {mastered:,} ({mastered / max(1, skills):.0%}) at a P(known) of {threshold:.2f}."
    )
    spinning = int((table["spinning"] > 0).sum())
    worst = table.nlargest(1, "spinning")
    most = (
        f" Most so {escaped(worst['student'].iloc[0])}, on {_skills(int(worst['spinning'].iloc[0]))}."
        if spinning
        else ""
    )
    yield (
        f"{f'{spinning:,}' if spinning else 'No student'} {'spin' if spinning > 1 else 'spins'} their wheels on a skill"
        f" or more: {WHEEL_SPINNING} opportunities or more, and no mastery after {WHEEL_SPINNING}.{most}"
    )


def of_practice(total: dict[str, Any], threshold: float) -> Iterator[str]:
    """How much practice was too long and too short."""
    yield (
        f"Stopping at a P(known) of {threshold:.2f} would have saved **{total['extra']:,} of {total['tasks']:,} tasks"
        f" ({total['extra'] / max(1, total['tasks']):.0%})**, those after mastery."
    )
    yield (
        f"**{total['left_early']:,} of {total['sequences']:,} practice sequences"
        f" ({total['left_early'] / max(1, total['sequences']):.0%})** end before mastery; they are"
        f" expected to need {total['missing']:,.0f} tasks more, counting at most {MOST} for each."
    )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _skills(count: int) -> str:
    return "1 skill" if count == 1 else f"{count:,} skills"


def _items(whole: int, count: int) -> str:
    return f"1 item of {whole:,} fits" if count == 1 else f"{count:,} items of {whole:,} fit"


def _pairs(count: int) -> str:
    return "1 pair of skills" if count == 1 else f"{count:,} pairs of skills"
