"""The report on a data set: what was read, what was left out, what it looks like, what will hurt training."""

from typing import Any

import pandas as pd
import streamlit as st

from gainakt.config import DataConfig
from gainakt.data.interactions import NO_FOLD, REJECTED_SHOWN, TEST
from gainakt.datasets import describe
from gainakt.datasets.report import ENOUGH, LONGEST, STUDENTS_SHOWN, Report, report, stamp
from gainakt.errors import InputError
from gainakt.ui import tables
from gainakt.ui.data import charts as data_charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text, number

ASK_FROM = 300 << 20
"""Bytes from which reading waits for a click."""

_LEFT_OUT_SHOWN = 1000
_ORDERS: dict[str, tuple[str, bool]] = {
    "most practised": ("interactions", False), "hardest at first": ("first_attempt_correct", True),
    "easiest at first": ("first_attempt_correct", False), "largest rise": ("change", False),
    "largest fall": ("change", True), "most opportunities": ("mean_opportunities", False), "as in the file": ("", True),
}  # fmt: skip
_FOLDS = {TEST: "test", NO_FOLD: None}


def read(config: DataConfig) -> Report | None:
    """The report on these data; None, with the reason on the page, where they cannot be or are not yet read."""
    mark = stamp(config)
    size = sum(file[2] for file in mark)
    asked = (config.model_dump_json(), mark)
    if size > ASK_FROM and st.session_state.get("data.asked") != asked:
        if not st.button(f"Read {_megabytes(size)}", icon=":material/play_arrow:", type="primary"):
            return None
        st.session_state["data.asked"] = asked
    with st.spinner(f"Reading {_megabytes(size)} …" if size else "Simulating …", show_time=True):
        found = _cached(config.model_dump(), mark)
    if isinstance(found, str):
        st.error(markdown_text(found), icon=":material/error:")
        return None
    return found


@st.cache_data(max_entries=4, show_spinner=False)
def _cached(values: dict[str, Any], stamps: tuple[tuple[str, int, int], ...]) -> Report | str:
    # `stamps` tell one state of the files from another; a name that starts with _ would be left out of the key
    try:
        return report(DataConfig.model_validate(values))
    except InputError as error:
        return str(error)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{max(size, 1000) / 1e3:,.0f} kB"


def show(found: Report) -> None:
    """The whole report."""
    _tiles(found)
    _said(found)
    left_out = found.summary["rejected"]
    names = ["Overview", "Skills", "Students", f"Left out ({left_out:,})", "How it was read"]
    overview, skills, students, rejected, reading = st.tabs(names)
    with overview:
        _overview(found)
    with skills:
        _skills(found)
    with students:
        _students(found)
    with rejected:
        _rejected(found)
    with reading:
        _reading(found)


def _tiles(found: Report) -> None:
    about = found.overview
    atomic = f" They join {about['atomic_skills']:,} atomic ones." if about["atomic_skills"] != about["skills"] else ""
    shown = (
        ("Students", f"{about['students']:,}", f"Of whom {about['test_students']:,} stand in test files."),
        ("Interactions", f"{about['interactions']:,}", f"Of one response each, from {found.summary['rows']:,} rows."),
        ("Skills", f"{about['skills']:,}", f"As they will be trained.{atomic}"),
        ("Share correct", f"{about['share_correct']:.3f}", "Of all responses."),
        ("First attempts", f"{about['first_attempt_correct']:.3f}",
         "Share correct of each student's first response on a skill."),
        ("Rows left out", f"{found.summary['rejected']:,}", "Each with its reason in the tab Left out."),
    )  # fmt: skip
    for place, (label, value, help_text) in zip(st.columns(len(shown)), shown, strict=True):
        place.metric(label, value, help=help_text)


def _said(found: Report) -> None:
    """What was said while reading, and what will hurt training."""
    if found.problems:
        lines = [f"- {_counted(problem)}" for problem in found.problems]
        st.warning("\n".join(["**Before you train**", *lines]), icon=":material/warning:")
    warnings = found.summary["warnings"]
    if warnings:
        st.info("\n".join(["**Said while reading**", *(f"- {markdown_text(text)}" for text in warnings)]),
                icon=":material/info:")  # fmt: skip


def _counted(problem: describe.Problem) -> str:
    unit = " %" if problem.text.startswith("% ") else ""
    return f"**{problem.count:,}{unit}** {markdown_text(problem.text.removeprefix('%').strip())}"


def _overview(found: Report) -> None:
    window, about = DataConfig().window, found.overview
    median = f"median {about['interactions_per_student']['quartiles'][1]:,.0f}"
    mean = f"mean {about['opportunities_per_student_and_skill']:.1f}"
    plots = (
        ("lengths", data_charts.lengths(found.lengths, window, Axes(f"Interactions per student, {median}"))),
        ("reached", data_charts.reached(found.reached, Axes(f"Opportunities per student and skill, {mean}"))),
        ("difficulty", data_charts.difficulty(found.skills, Axes("Difficulty at the first attempt, a dot per skill"))),
        ("pooled", data_charts.pooled(found.curves, Axes("Learning curve over all skills, 95 % interval"))),
    )
    places = [*st.columns(2), *st.columns(2)]
    for place, (name, figure) in zip(places, plots, strict=True):
        with place:
            live_plot(f"data-{name}", figure, revision=_print(found))
    st.caption(
        "The students behind later opportunities are others than those behind the first: a flat or falling curve is no"
        " proof that nobody learns."
    )


def _print(found: Report) -> str:
    return str(found.summary["fingerprint"])


def _stops(found: Report) -> None:
    stopped = next((problem for problem in found.problems if problem.name == "stop at mastery"), None)
    if stopped:
        st.warning(
            f"Practice stops at mastery here: {stopped.count} % of students' runs on a skill end at the first three"
            " correct in a row. Later points hold those who have not mastered, so curves flatten or fall without"
            " anybody forgetting; do not read learning rates off them.",
            icon=":material/content_cut:",
        )  # fmt: skip


def _skills(found: Report) -> None:
    """Empirical learning curves and a table, searched and sorted."""
    _stops(found)
    order_at, find_at, page_at = st.columns([3, 3, 1])
    order = order_at.selectbox("Skills in order of", list(_ORDERS), key="data.order")
    find = find_at.text_input("Find a skill", key="data.find", placeholder="part of a label")
    table = found.skills
    if find:
        table = table[table["skill"].str.contains(find, case=False, regex=False)]
    column, ascending = _ORDERS[order]
    if column:
        table = table.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    pages = max(1, -(-len(table) // data_charts.PANELS))
    page = page_at.number_input(
        f"Screen of {pages}", 1, pages, key=f"data.page.{_print(found)}.{order}.{find}",
        help=f"{data_charts.PANELS} skills each.",
    )  # fmt: skip
    shown = table.iloc[(page - 1) * data_charts.PANELS : page * data_charts.PANELS]
    axes = Axes(height=data_charts.height(len(shown)))
    live_plot(
        "data-curves", data_charts.learning_curves(found.curves, shown, LONGEST, axes),
        revision=f"{_print(found)}-{order}-{find}-{page}",
    )  # fmt: skip
    st.caption("Share correct by opportunity with 95 % intervals, the first ten.")
    _skill_table(table, found.curves)
    tables.download(table, f"{found.summary['name']}-skills", "skills")
    if (found.skills["atomic"] != found.skills["skill"]).any():
        _atomic_table(found.atomic, find)


def _atomic_table(atomic: pd.DataFrame, find: str) -> None:
    shown = atomic[atomic["skill"].str.contains(find, case=False, regex=False)] if find else atomic
    st.markdown(f"###### The {len(atomic):,} atomic skills that joined labels are made of")
    st.dataframe(
        shown.sort_values("interactions", ascending=False, kind="stable"), hide_index=True, key="data.atomic",
        height=tables.fitting(len(shown), 320), column_order=["skill", "interactions", "combinations"],
        column_config={
            "skill": st.column_config.TextColumn("Atomic skill"),
            "interactions": st.column_config.NumberColumn("Interactions", format="localized"),
            "combinations": st.column_config.NumberColumn("Skills", help="Labels that hold it."),
        },
    )  # fmt: skip


def _skill_table(table: pd.DataFrame, curves: pd.DataFrame) -> None:
    columns = st.column_config
    lines = curves.groupby("skill", sort=False)["share_correct"].agg(list)
    shown = table.assign(curve=table["skill"].map(lines))
    real: Any = {"format": "%.3f", "width": 90}
    st.dataframe(
        shown, hide_index=True, placeholder="–", key="data.skills", height=tables.fitting(len(shown), 420),
        column_order=["skill", "interactions", "students", "first_attempt_correct", "share_correct", "change",
                      "mean_opportunities", "most_opportunities", "curve", "test_interactions"],
        column_config={
            "skill": columns.TextColumn("Skill", width=200, help="The label in the data."),
            "interactions": columns.NumberColumn("Interactions", format="localized"),
            "students": columns.NumberColumn("Students", format="localized"),
            "first_attempt_correct": columns.NumberColumn("First attempt", help="Share correct of students' first"
                                                          " responses on it: its difficulty.", **real),
            "share_correct": columns.NumberColumn("Share correct", help="Of all responses on it.", **real),
            "change": columns.NumberColumn("Change", help="Share correct at the last of the first ten opportunities"
                                           f" that {ENOUGH} students reach, less that at the first.", **real),
            "mean_opportunities": columns.NumberColumn("Opportunities", help="Mean per student.", format="%.1f"),
            "most_opportunities": columns.NumberColumn("Most", help="The most opportunities of one student."),
            "curve": columns.LineChartColumn("Learning curve", help="Share correct by opportunity.", y_min=0, y_max=1),
            "test_interactions": columns.NumberColumn("In test", help="Interactions of test students."),
        },
    )  # fmt: skip


def _students(found: Report) -> None:
    chart, table = st.columns(2)
    with chart:
        live_plot(
            "data-shares", data_charts.shares(found.shares, "students", Axes("Share correct of students")),
            revision=_print(found),
        )  # fmt: skip
    columns = st.column_config
    shown = found.students.assign(fold=[_FOLDS.get(fold, str(fold)) for fold in found.students["fold"]])
    with table:
        st.dataframe(
            shown, hide_index=True, placeholder="–", key="data.students", height=tables.fitting(len(shown), 320),
            column_config={
                "student": columns.TextColumn("Student", width=160),
                "interactions": columns.NumberColumn("Interactions", format="localized"), "skills": "Skills",
                "share_correct": columns.NumberColumn("Share correct", format="%.3f"),
                "fold": columns.TextColumn("Fold", help="As the files give it; test: of a test file."),
            },
        )  # fmt: skip
        if len(found.lengths) > STUDENTS_SHOWN:
            st.caption(f"The {STUDENTS_SHOWN:,} students with most interactions, of {len(found.lengths):,}.")


def _rejected(found: Report) -> None:
    count, listed = found.summary["rejected"], found.rejected
    if not count:
        st.caption(f"Nothing was left out: all {found.summary['rows']:,} rows were read.")
        return
    whats = listed["column"].replace("", "line") + ": " + listed["reason"]
    reasons = whats.value_counts().head(5)
    st.markdown("\n".join(f"- **{n:,}** × {markdown_text(what)}" for what, n in reasons.items()))
    shown = listed.head(_LEFT_OUT_SHOWN)
    lists = (listed["interactions"] > 1).any()
    st.dataframe(
        shown, hide_index=True, placeholder="–", key="data.rejected", height=tables.fitting(len(shown), 420),
        column_order=["row", "column", "value", "reason", *(["interactions"] if lists else []), "file"],
        column_config={
            "row": st.column_config.NumberColumn("Row", help="The line in the file, the header being 1.", format="%d"),
            "column": st.column_config.TextColumn("Column"), "value": st.column_config.TextColumn("Value", width=150),
            "reason": st.column_config.TextColumn("Reason", width=480), "file": st.column_config.TextColumn("File"),
            "interactions": st.column_config.NumberColumn("Responses", help="That the row held, where it is a list."),
        },
    )  # fmt: skip
    told = f"The first {len(shown):,} of {count:,}. " if count > len(shown) else ""
    if count > REJECTED_SHOWN:
        told += f"The first {REJECTED_SHOWN:,} are in the download. "
    st.caption(f"{told}Rows left out are in no training and no figure here; the files are unchanged.")
    tables.download(listed, f"{found.summary['name']}-left-out", "left-out")


def _reading(found: Report) -> None:
    about = found.summary
    rows = [("Source", about["source"]), ("Fingerprint", about["fingerprint"]), ("Rows", number(about["rows"])),
            ("Questions", number(about["questions"] or "not named"))]  # fmt: skip
    rows += [
        (f"File {place}: {name.replace('_', ' ')}", str(value))
        for place, file in enumerate(about["read_as"][:50], 1)
        for name, value in file.items()
    ]
    tables.show(pd.DataFrame(rows, columns=["What", "Value"]), most=460, widths={"What": 210})
