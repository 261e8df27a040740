"""The section Skills: learning curves in small multiples, one in detail, and the table of all."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from gainakt.analysis.learning import sentences
from gainakt.analysis.learning.curves import CATEGORIES, MEANINGS, Thresholds, categories, stayed
from gainakt.config import DataConfig
from gainakt.errors import InputError
from gainakt.jobs.learning import LARGEST, Study
from gainakt.store import Store
from gainakt.ui import tables, words
from gainakt.ui.forms.paging import page_of
from gainakt.ui.learning import choice, figures
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text

_ORDERS: dict[str, tuple[str, bool]] = {
    "most practised": ("interactions", False),
    "fastest learned": ("slope", False),
    "slowest learned": ("slope", True),
    "most mistakes at first": ("first", False),
    "most mistakes at the end": ("last", False),
    "as in the file": ("", True),
}
_DETAIL = 3
"""Students that the last point of a skill's detailed curve needs."""


def section(store: Store, study: Study, config: DataConfig) -> None:
    """Curves, thresholds of the categories, one skill, table."""
    above, below = st.container(), st.container()
    with below, st.expander("Categories and their thresholds", icon=":material/tune:"):
        thresholds = _thresholds()
    table = choice.skill_table(study.key, study)
    kinds = categories(choice.curve_table(study.key, "", study), study.afm.slope, thresholds)
    table = table.assign(category=[CATEGORIES[kind] for kind in kinds])
    with above:
        st.markdown(" ".join(sentences.of_skills(kinds, table)))
        row = st.columns([4, 4, 6, 5, 3])
        listed, page, place = _narrowed(table, study.key, row[0], row[1], row[4])
        fits, curves = _fits(store, study, row[2], row[3])
        if listed.empty:
            st.info("No skill matches.", icon=":material/search_off:")
            return
        panels = listed.iloc[page * figures.PANELS : (page + 1) * figures.PANELS]
        beside = [f"{slope:+z.3f}" if np.isfinite(slope) else "–" for slope in panels["slope"]]
        live_plot("learning-curves", figures.small_multiples(curves, panels, fits, beside), revision=place)
        st.caption(
            "Share incorrect by opportunity; beside a skill, its AFM slope. Later points hold fewer and other students:"
            " the grey area shows how many of those at the first opportunity are left, and AFM takes the students'"
            " levels into account."
        )
    _one(study, curves, listed, fits)
    _table(listed, study.data.name)


_BOXES: dict[str, tuple[str, float, float, float, str]] = {  # label, least, most, step, help
    "students": ("Students", 1, 1000, 1, "A point counts from so many students on."),
    "opportunities": ("Opportunities", 1, 20, 1, "A curve with fewer points has too little data."),
    "low": ("Low", 0.0, 1.0, 0.05, "Share incorrect below which all points make a curve low and flat."),
    "high": ("High", 0.0, 1.0, 0.05, "Share incorrect above which the last point makes a curve still high."),
    "slope": ("AFM slope", -1.0, 1.0, 0.001, "Logits per opportunity up to which there is no learning."),
}


def _thresholds() -> Thresholds:
    usual, values = asdict(Thresholds()), {}
    for place, (name, (label, least, most, step, help_text)) in zip(st.columns(5), _BOXES.items(), strict=True):
        values[name] = place.number_input(
            label,
            least,
            most,
            usual[name],
            step,
            format="%.3f" if name == "slope" else None,
            key=f"learning.{name}",
            persist_state="session",
            help=help_text,
        )
    meanings = "\n".join(f"- **{CATEGORIES[name]}**: {text}." for name, text in MEANINGS.items())
    st.markdown(f"{meanings}\n\nCategories and defaults are DataShop's. The last in this list are decided first.")
    st.session_state["learning.thresholds"] = thresholds = Thresholds(**values)
    return thresholds


def _fits(store: Store, study: Study, left: Any, right: Any) -> tuple[list[str], pd.DataFrame]:
    """Which fits are drawn, and the curves with them; Encoder 2 where a run is chosen and has kept its predictions."""
    runs = choice.runs_of(store, study)
    fits = left.multiselect(
        "Fits",
        list(figures.FITS)[:3],
        ["afm"],
        format_func=figures.FITS.__getitem__,
        key="learning.fits",
        persist_state="session",
        help="Mean share incorrect that a model predicts for the responses of each point.",
    )
    run_id = right.selectbox(
        "Encoder 2 of",
        ["", *runs],
        format_func=lambda one: words.run_label(runs[one]) if one else "no run",
        key=f"learning.run-{study.key}",
        disabled=not runs,
        help="A finished run on these data; its predictions of the test students."
        if runs
        else "No run has been trained on these data yet.",
    )
    if run_id:
        try:
            return [*fits, "encoder2"], choice.curve_table(study.key, run_id, study)
        except InputError as error:
            st.warning(f"Encoder 2 is not shown: {markdown_text(error)}", icon=":material/warning:")
    return fits, choice.curve_table(study.key, "", study)


def _narrowed(
    table: pd.DataFrame, key: str, order_at: Any, find_at: Any, page_at: Any
) -> tuple[pd.DataFrame, int, str]:
    """The skills in order, of the chosen categories and with the text, the page, and what tells this list apart."""
    count = table["category"].value_counts()
    kinds = []
    if len(count) > 1:
        kinds = st.pills(
            "Categories",
            [name for name in CATEGORIES.values() if name in count],
            selection_mode="multi",
            format_func=lambda name: f"{name} ({count[name]:,})",
            key=f"learning.kinds-{key}",
            help="None chosen: all.",
            label_visibility="collapsed",
        )
    order = order_at.selectbox("In order of", list(_ORDERS), key="learning.order")
    find = find_at.text_input("Find a skill", key="learning.find", placeholder="part of a label")
    if kinds:
        table = table[table["category"].isin(kinds)]
    if find:
        table = table[table["skill"].str.contains(find, case=False, regex=False)]
    column, ascending = _ORDERS[order]
    if column:
        table = table.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    place = f"{key}-{order}-{find}-{'-'.join(kinds)}"
    page = page_of(page_at, len(table), figures.PANELS, f"learning.page.{place}")
    return table, page, f"{place}-{page}"


def _one(study: Study, curves: pd.DataFrame, listed: pd.DataFrame, fits: list[str]) -> None:
    with st.expander("One skill", icon=":material/show_chart:"):
        skill = st.selectbox(
            "Skill",
            listed.index.tolist(),
            format_func=study.data.skills.__getitem__,
            key="learning.one",
            label_visibility="collapsed",
        )
        part = curves[(curves["skill"] == skill)]
        enough = part[part["students"] >= min(_DETAIL, int(part["students"].max()))]
        least = int(enough["opportunity"].max())
        alone = stayed(study.data, int(skill), min(least, 10))
        for sentence in sentences.of_skill(listed.loc[skill]):
            st.markdown(sentence)
        figure = figures.one_skill(enough, alone, fits, Axes("", height=360))
        live_plot("learning-one", figure, revision=f"{study.key}-{skill}")


def _table(table: pd.DataFrame, name: str) -> None:
    columns = st.column_config
    interval = [
        f"{low:+.3f} to {high:+.3f}" if np.isfinite(low) else None
        for low, high in zip(table["slope_low"], table["slope_high"], strict=True)
    ]
    shares = {name: 100 * table[name] for name in ("reach_5", "reach_10")}
    shown = table.assign(interval=interval, **shares)
    order = [
        "skill", "category", "students", "interactions", "first", "last", "slope", "interval", "learned", "learn",
        "rate", "reach_5", "reach_10",
    ]  # fmt: skip
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        key="learning.table",
        height=tables.fitting(len(shown), 420),
        column_order=order,
        column_config={
            "skill": columns.TextColumn("Skill", width=180, help="The label in the data."),
            "category": columns.TextColumn("Category", width=110, help="DataShop's; see the thresholds above."),
            "students": columns.NumberColumn("Students", format="localized"),
            "interactions": columns.NumberColumn("Interactions", format="localized"),
            "first": columns.NumberColumn("At first", format="%.2f", help="Share incorrect at opportunity 1."),
            "last": columns.NumberColumn(
                "At the end", format="%.2f", help="Share incorrect at the last of the first 20 opportunities that"
                " three students reach."
            ),
            "slope": columns.NumberColumn(
                "AFM slope", format="%+.3f", help="Rate of learning: how much the log-odds of a correct response grow"
                " with each opportunity."
            ),
            "interval": columns.TextColumn("95 % interval", width=130, help="Of AFM's slope."),
            "learned": columns.TextColumn(
                "Learned", help="yes: the interval is above 0. worse: below 0, mistakes become more."
            ),
            "learn": columns.NumberColumn("BKT learn", format="%.3f", help="P(learn) at an opportunity, by BKT."),
            "rate": columns.NumberColumn(
                "Effective rate", format="%.3f", help="By the learning-curve model, which counts practice on other"
                f" skills, too; fitted to at most {LARGEST:,} students."
            ),
            "reach_5": columns.NumberColumn("Reach 5", format="%.0f %%", help="Share of students who reach the fifth"
                                            " opportunity."),
            "reach_10": columns.NumberColumn("Reach 10", format="%.0f %%", help="Share of students who reach the"
                                             " tenth opportunity."),
        },
    )  # fmt: skip
    tables.download(table, f"{name}-skills", "learning-skills")
