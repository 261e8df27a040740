"""The report on a data set: what was read and left out, its figures, and what will hurt training."""

from typing import Any

import pandas as pd
import streamlit as st

from gainakt.config import DataConfig
from gainakt.data import skill_models
from gainakt.data.interactions import NO_FOLD, REJECTED_SHOWN, TEST
from gainakt.datasets import describe
from gainakt.datasets.report import STUDENTS_SHOWN, Report, report_on, stamp
from gainakt.errors import InputError
from gainakt.ui import tables
from gainakt.ui.data import charts as data_charts
from gainakt.ui.data import places
from gainakt.ui.data import skills as skills_part
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text, number

ASK_FROM = 300 << 20
"""Bytes from which reading waits for a click."""

_LEFT_OUT_SHOWN = 1000
_FOLDS = {TEST: "test", NO_FOLD: None}


def read(config: DataConfig) -> Report | None:
    """The report on these data; None, with the reason on the page, where they cannot be or are not yet read."""
    places.check(config)
    mark = stamp(config)
    size = sum(file[2] for file in mark)
    request = (config.model_dump_json(), mark)
    if size > ASK_FROM and st.session_state.get("data.asked") != request:
        if not st.button(f"Read {_megabytes(size)}", icon=":material/play_arrow:", type="primary"):
            return None
        st.session_state["data.asked"] = request
    with st.spinner(f"Reading {_megabytes(size)} …" if size else "Simulating …", show_time=True):
        report = _cached(config.model_dump(), mark)
    if isinstance(report, str):
        st.error(markdown_text(report), icon=":material/error:")
        return None
    return report


@st.cache_data(max_entries=4, show_spinner=False)
def _cached(values: dict[str, Any], stamps: tuple[tuple[str, int, int], ...]) -> Report | str:
    # `stamps` tell one state of the files from another; a name that starts with _ would be left out of the key
    try:
        return report_on(DataConfig.model_validate(values))
    except InputError as error:
        return str(error)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{max(size, 1000) / 1e3:,.0f} kB"


def show(report: Report) -> None:
    """The whole report."""
    _tiles(report)
    _notes(report)
    left_out = report.summary["rejected"]
    models = report.summary["skill_models"]
    names = ["Overview", "Skills", "Students", f"Left out ({left_out:,})", "How it was read"]
    overview, skills, students, rejected, reading, *further = st.tabs(
        [*names, *([f"Skill models ({len(models):,})"] if models else [])]
    )
    with overview:
        _overview(report)
    with skills:
        skills_part.draw(report)
    with students:
        _students(report)
    with rejected:
        _rejected(report)
    with reading:
        _reading(report)
    for place in further:
        with place:
            _skill_models(models)


def _tiles(report: Report) -> None:
    about = report.overview
    single = (
        f" They are combinations of {about['atomic_skills']:,} single skills."
        if about["atomic_skills"] != about["skills"]
        else ""
    )
    shown = (
        ("Students", f"{about['students']:,}", f"{about['test_students']:,} of them are in test files."),
        ("Interactions", f"{about['interactions']:,}", f"One response each, from {report.summary['rows']:,} rows."),
        ("Skills", f"{about['skills']:,}", f"As the model will see them.{single}"),
        ("Correct", f"{about['share_correct']:.3f}", "Share of all responses that are correct."),
        (
            "Correct at first",
            f"{about['first_attempt_correct']:.3f}",
            "Share correct among students' first responses to a skill.",
        ),
        ("Rows left out", f"{report.summary['rejected']:,}", "Each is listed with its reason in the tab Left out."),
    )
    for place, (label, value, help_text) in zip(st.columns(len(shown)), shown, strict=True):
        place.metric(label, value, help=help_text)


def _notes(report: Report) -> None:
    """Notes from reading the files, and what will hurt training."""
    if report.problems:
        lines = [f"- {_counted(problem)}" for problem in report.problems]
        st.warning("\n".join(["**Before you train**", *lines]), icon=":material/warning:")
    warnings = report.summary["warnings"]
    if warnings:
        st.info(
            "\n".join(["**Notes from reading the files**", *(f"- {markdown_text(text)}" for text in warnings)]),
            icon=":material/info:",
        )


def _counted(problem: describe.Problem) -> str:
    unit = " %" if problem.text.startswith("% ") else ""
    return f"**{problem.count:,}{unit}** {markdown_text(problem.words)}"


def _overview(report: Report) -> None:
    window, about = DataConfig().window, report.overview
    median = f"median {about['interactions_per_student']['quartiles'][1]:,.0f}"
    mean = f"mean {about['opportunities_per_student_and_skill']:.1f}"
    plots = (
        ("lengths", data_charts.lengths(report.lengths, window, Axes(f"Interactions per student, {median}"))),
        ("reached", data_charts.reached(report.reached, Axes(f"Opportunities per student and skill, {mean}"))),
        ("difficulty", data_charts.difficulty(report.skills, Axes("Difficulty at the first attempt, a dot per skill"))),
        ("pooled", data_charts.pooled(report.curves, Axes("Learning curve over all skills, 95 % interval"))),
    )
    places = [*st.columns(2), *st.columns(2)]
    for place, (name, figure) in zip(places, plots, strict=True):
        with place:
            live_plot(f"data-{name}", figure, revision=report.fingerprint)
    st.caption(
        "Fewer and different students reach the later opportunities, so a flat or falling curve does not show that"
        " nobody learns."
    )


def _students(report: Report) -> None:
    chart, table = st.columns(2)
    with chart:
        live_plot(
            "data-shares",
            data_charts.shares(report.shares, "students", Axes("Share correct of students")),
            revision=report.fingerprint,
        )
    columns = st.column_config
    shown = report.students.assign(fold=[_FOLDS.get(fold, str(fold)) for fold in report.students["fold"]])
    with table:
        st.dataframe(
            shown,
            hide_index=True,
            placeholder="–",
            key="data.students",
            height=tables.fitting(len(shown), 320),
            column_config={
                "student": columns.TextColumn("Student", width=160),
                "interactions": columns.NumberColumn("Interactions", format="localized"),
                "skills": "Skills",
                "share_correct": columns.NumberColumn("Share correct", format="%.3f"),
                "fold": columns.TextColumn("Fold", help="As given in the file; test: from a test file."),
            },
        )
        if len(report.lengths) > STUDENTS_SHOWN:
            st.caption(f"The {STUDENTS_SHOWN:,} students with the most interactions, of {len(report.lengths):,}.")


def _rejected(report: Report) -> None:
    count, listed = report.summary["rejected"], report.rejected
    if not count:
        st.caption(f"No row was left out: all {report.summary['rows']:,} were read.")
        return
    whats = listed["column"].replace("", "line") + ": " + listed["reason"]
    reasons = whats.value_counts().head(5)
    st.markdown("\n".join(f"- **{n:,}** × {markdown_text(what)}" for what, n in reasons.items()))
    shown = listed.head(_LEFT_OUT_SHOWN)
    lists = (listed["interactions"] > 1).any()
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        key="data.rejected",
        height=tables.fitting(len(shown), 420),
        column_order=["row", "column", "value", "reason", *(["interactions"] if lists else []), "file"],
        column_config={
            "row": st.column_config.NumberColumn("Row", help="Line of the file; the header is line 1.", format="%d"),
            "column": st.column_config.TextColumn("Column"),
            "value": st.column_config.TextColumn("Value", width=150),
            "reason": st.column_config.TextColumn("Reason", width=480),
            "file": st.column_config.TextColumn("File"),
            "interactions": st.column_config.NumberColumn("Responses", help="In the row, where it holds a list."),
        },
    )
    shown_of = f"The first {len(shown):,} of {count:,}. " if count > len(shown) else ""
    if count > REJECTED_SHOWN:
        shown_of += f"The download holds the first {REJECTED_SHOWN:,}. "
    st.caption(
        f"{shown_of}Rows left out are used neither for training nor in these figures. The files are not changed."
    )
    tables.download(listed, f"{report.summary['name']}-left-out", "left-out")


def _reading(report: Report) -> None:
    about = report.summary
    rows = [
        ("Source", about["source"]),
        ("Fingerprint", about["fingerprint"]),
        ("Rows", number(about["rows"])),
        ("Questions", number(about["questions"] or "not given")),
    ]
    rows += [
        (f"File {place}: {name.replace('_', ' ')}", str(value))
        for place, file in enumerate(about["read_as"][:50], 1)
        for name, value in file.items()
    ]
    tables.show(pd.DataFrame(rows, columns=["Item", "Value"]), most=460, widths={"Item": 210})


def _skill_models(models: list[dict[str, Any]]) -> None:
    """What each KC model of the file is like, and which one is read."""
    columns = st.column_config
    st.dataframe(
        pd.DataFrame(models).assign(
            **{name: [100 * one[name] for one in models] for name in ("coverage", "practised")}
        ),
        hide_index=True,
        key="data.skill-models",
        height=tables.fitting(len(models), 420),
        column_order=["used", "name", "skills", "coverage", "practised"],
        column_config={
            "used": columns.CheckboxColumn("Read", width=60),
            "name": columns.TextColumn("Skill model", width=320),
            "skills": columns.NumberColumn("Skills", format="localized", help="A combination of skills counts as one."),
            "coverage": columns.NumberColumn("Rows with a skill", format="%.0f %%"),
            "practised": columns.NumberColumn(
                "Met twice",
                format="%.0f %%",
                help="Share of the pairs of a student and a skill with two responses or more: practice to learn from.",
            ),
        },
    )
    st.caption(f"Without a choice, the model read is {skill_models.RULE}. Another is chosen above, under Skill model.")
