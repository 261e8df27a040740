"""The section Practice: tasks until mastery per skill, and practice that was too long or too short."""

import numpy as np
import streamlit as st

from gainakt.analysis.learning import sentences
from gainakt.analysis.learning.mastery import MOST
from gainakt.analysis.learning.practice import totals
from gainakt.config import DataConfig
from gainakt.jobs.learning import Study
from gainakt.store import Store
from gainakt.ui import tables
from gainakt.ui.learning import choice, figures
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot


def section(store: Store, study: Study, config: DataConfig) -> None:
    """Totals, a dot per skill, and the table."""
    threshold = choice.threshold()
    table = choice.courses(study.key, threshold, study).practice
    for sentence in sentences.of_practice(totals(table), threshold):
        st.markdown(sentence)
    figure = figures.too_long_and_short(table, Axes("Practice of each skill, larger dots have more tasks", height=340))
    live_plot("learning-practice", figure, revision=study.key)
    number = st.column_config.NumberColumn
    far = f"more than {MOST}"
    shown = table.assign(
        tasks_needed=[_tasks(value, far) for value in table["median"]],
        interval=[f"{_tasks(a, far)} to {_tasks(b, far)}" for a, b in zip(table["low"], table["high"], strict=True)],
        mean_tasks=table["tasks"] / table["students"].clip(lower=1),
        extra_share=100 * table["extra"] / table["tasks"].clip(lower=1),
        mastered=100 * table["mastered"],
        missing=table["missing"].round(),
    )
    st.dataframe(
        shown.sort_values("tasks", ascending=False, kind="stable"),
        hide_index=True,
        key="learning.practice",
        height=tables.fitting(len(shown), 420),
        column_order=[
            "skill", "tasks_needed", "interval", "mean_tasks", "students", "mastered", "extra", "extra_share",
            "left_early", "missing", "start", "learn",
        ],
        column_config={
            "skill": st.column_config.TextColumn("Skill", width=180),
            "tasks_needed": st.column_config.TextColumn(
                "Tasks to mastery", help="Median from the first task on, by BKT."
            ),
            "interval": st.column_config.TextColumn("80 % of students", help="They need so many tasks."),
            "mean_tasks": number("Tasks done", format="%.1f", help="Mean per student in the data."),
            "students": number("Students", format="localized"),
            "mastered": number("Mastered", format="%.0f %%", help="Share of its students who reach the threshold."),
            "extra": number("After mastery", format="localized", help="Tasks done after it: too long."),
            "extra_share": number("Of tasks", format="%.0f %%", help="Share of tasks that come after mastery."),
            "left_early": number("Left before", format="localized", help="Students who stop before it: too short."),
            "missing": number("Tasks missing", format="localized", help="Expected tasks that those still need."),
            "start": number("At first", format="%.2f", help="P(known) at the first task, by BKT."),
            "learn": number("P(learn)", format="%.3f", help="By BKT, at each opportunity."),
        },
    )  # fmt: skip
    st.caption(
        "By BKT, fitted to these data, each skill for itself: where its fit is wrong, so is the decision to stop."
    )
    tables.download(table.replace(np.inf, np.nan), f"{study.data.name}-practice", "learning-practice")


def _tasks(value: float, far: str) -> str:
    return f"{value:.0f}" if np.isfinite(value) else far
