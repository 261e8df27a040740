"""The Skills part of the data report: empirical learning curves and a table, searched and sorted."""

from typing import Any

import pandas as pd
import streamlit as st

from gainakt.datasets.report import ENOUGH, LONGEST, Report
from gainakt.ui import tables
from gainakt.ui.data import charts as data_charts
from gainakt.ui.forms.paging import page_of
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot

_ORDERS: dict[str, tuple[str, bool]] = {
    "most practised": ("interactions", False),
    "hardest at first attempt": ("first_attempt_correct", True),
    "easiest at first attempt": ("first_attempt_correct", False),
    "largest rise": ("change", False),
    "largest fall": ("change", True),
    "most opportunities": ("mean_opportunities", False),
    "as in the file": ("", True),
}


def draw(report: Report) -> None:
    """Empirical learning curves and a table, searched and sorted."""
    _stops(report)
    order_at, find_at, page_at = st.columns([3, 3, 1])
    order = order_at.selectbox("Skills in order of", list(_ORDERS), key="data.order")
    find = find_at.text_input("Find a skill", key="data.find", placeholder="part of a label")
    table = report.skills
    if find:
        table = table[table["skill"].str.contains(find, case=False, regex=False)]
    column, ascending = _ORDERS[order]
    if column:
        table = table.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    panels, listed = data_charts.PANELS, f"{report.fingerprint}-{order}-{find}"
    page = page_of(page_at, len(table), panels, f"data.page.{listed}")
    shown = table.iloc[page * panels : (page + 1) * panels]
    axes = Axes(height=data_charts.height(len(shown)))
    live_plot(
        "data-curves",
        data_charts.learning_curves(report.curves, shown, LONGEST, axes),
        revision=f"{listed}-{page}",
    )
    st.caption("Share correct at the first ten opportunities, with 95 % intervals.")
    _skill_table(table, report.curves)
    tables.download(table, f"{report.summary['name']}-skills", "skills")
    if (report.skills["atomic"] != report.skills["skill"]).any():
        _atomic_table(report.atomic, find)


def _stops(report: Report) -> None:
    stopped = next((problem for problem in report.problems if problem.name == "stop at mastery"), None)
    if stopped:
        st.warning(
            f"Practice stops at mastery in these data: {stopped.count} % of practice sequences (one student on one"
            " skill) end at the first three correct responses in a row. Later points come from students who have not"
            " mastered the skill, so curves flatten or fall although nobody forgets. Do not read learning rates from"
            " them.",
            icon=":material/content_cut:",
        )


def _atomic_table(atomic: pd.DataFrame, find: str) -> None:
    shown = atomic[atomic["skill"].str.contains(find, case=False, regex=False)] if find else atomic
    st.markdown(f"###### The {len(atomic):,} single skills in the combinations")
    st.dataframe(
        shown.sort_values("interactions", ascending=False, kind="stable"),
        hide_index=True,
        key="data.atomic",
        height=tables.fitting(len(shown), 320),
        column_order=["skill", "interactions", "combinations"],
        column_config={
            "skill": st.column_config.TextColumn("Single skill"),
            "interactions": st.column_config.NumberColumn("Interactions", format="localized"),
            "combinations": st.column_config.NumberColumn("Combinations", help="Combinations that contain it."),
        },
    )


def _skill_table(table: pd.DataFrame, curves: pd.DataFrame) -> None:
    columns = st.column_config
    lines = curves.groupby("skill", sort=False)["share_correct"].agg(list)
    shown = table.assign(curve=table["skill"].map(lines))
    real: Any = {"format": "%.3f", "width": 90}
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        key="data.skills",
        height=tables.fitting(len(shown), 420),
        column_order=[
            "skill",
            "interactions",
            "students",
            "first_attempt_correct",
            "share_correct",
            "change",
            "mean_opportunities",
            "most_opportunities",
            "curve",
            "test_interactions",
        ],
        column_config={
            "skill": columns.TextColumn("Skill", width=200, help="The label in the data."),
            "interactions": columns.NumberColumn("Interactions", format="localized"),
            "students": columns.NumberColumn("Students", format="localized"),
            "first_attempt_correct": columns.NumberColumn(
                "First attempt", help="Share correct among students' first responses to it; low is hard.", **real
            ),
            "share_correct": columns.NumberColumn("Share correct", help="Among all responses to it.", **real),
            "change": columns.NumberColumn(
                "Change",
                help="Share correct at the last of the first ten opportunities"
                f" that {ENOUGH} students reach, minus that at the first.",
                **real,
            ),
            "mean_opportunities": columns.NumberColumn("Mean opportunities", help="Per student.", format="%.1f"),
            "most_opportunities": columns.NumberColumn("Max opportunities", help="Of one student."),
            "curve": columns.LineChartColumn("Learning curve", help="Share correct by opportunity.", y_min=0, y_max=1),
            "test_interactions": columns.NumberColumn("In test", help="Interactions of test students."),
        },
    )
