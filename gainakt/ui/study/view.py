"""The study on a page: what to sweep, its progress, and the curves of recovery and of false alarms."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.config.presets import PRESETS
from gainakt.errors import InputError
from gainakt.jobs import study
from gainakt.measures.recovery import NOT_IDENTIFIED
from gainakt.simulate.scenario import SCENARIOS, scenario
from gainakt.store import Store
from gainakt.ui import job, resources, tables
from gainakt.ui.plots import figures
from gainakt.ui.plots.figures import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import chart_text, markdown_text
from gainakt.ui.visitors import owners
from gainakt.verdict.criteria import STATUSES

_JOB = "study"
_STUDENTS, _CVS, _RULES, _PRESETS = "Students", "True CV of the rates", "Stopping rules", "Presets"
_HELP_RULES = (
    "How the simulated students practise. blocked: one skill after the other. interleaved: a random skill each time."
    " until_correct: one skill until three correct responses in a row. adaptive: skills near a target probability."
)


def plan_form(store: Store) -> pd.DataFrame | None:
    """What to sweep, and the start button; returns the plan's finished runs.

    None, with the reason on the page, where the plan is not possible.
    """
    try:
        plan = _chosen()
        planned = len(plan.cells())
    except InputError as error:
        st.error(markdown_text(error), icon=":material/error:")
        st.button("Start the study", type="primary", icon=":material/play_arrow:", disabled=True)
        return None
    running = resources.jobs().of(_JOB)
    busy = running is not None and not running.ended
    if st.button("Start the study", type="primary", icon=":material/play_arrow:", **owners(busy)):
        root = resources.service().root
        resources.jobs().start(_JOB, "study", lambda report: study.carry_out(plan, root, report))
        st.rerun()
    finished = study.table(store, plan)
    st.caption(
        f"{planned:,} runs, {len(finished) or 'none'} of them finished. Finished runs are not repeated. Stopping one of"
        " its runs on the Train page ends the study."
    )
    return finished


def _chosen() -> study.Plan:
    """The plan that the controls stand at; raises InputError for what cannot be simulated."""
    usual = study.Plan()
    first, second = st.columns([3, 2], gap="large")
    with first:
        left, right = st.columns(2)
        students = left.text_input(_STUDENTS, _listed(usual.students), help="Sizes of the classes: a curve's x values.")
        cvs = right.text_input(
            _CVS,
            _listed(usual.cvs),
            help="How much the skills' effective rates differ. At 0 all skills are alike, so every difference that is"
            " found is a false alarm.",
        )
        rules = left.multiselect(_RULES, study.SEQUENCINGS, usual.sequencings, help=_HELP_RULES)
        seeds = right.number_input(
            "Seeds",
            1,
            100,
            usual.seeds,
            help="Classes drawn and trained on for each combination; more narrow the band.",
        )
    with second:
        presets = st.multiselect(_PRESETS, list(PRESETS), usual.presets, help="Models to train on each class.")
        base = st.selectbox(
            "Simulated class",
            list(SCENARIOS),
            list(SCENARIOS).index(usual.scenario),
            help="Sets everything about the students and skills that is not swept here.",
        )
        tests = st.toggle(
            "Test for differentiation",
            usual.tests,
            help="Tests each run with the learning-curve model after training. Without it the right chart is empty.",
        )
    sizes = study.read(_STUDENTS, study.whole_numbers, students)
    spreads = study.read(_CVS, study.numbers, cvs)
    for label, chosen in ((_RULES, rules), (_PRESETS, presets)):
        if not chosen:
            raise InputError(f"{label}: choose at least one")
    for label, name, values in ((_STUDENTS, "students", sizes), (_CVS, "rate_cv", spreads)):
        _simulated(label, base, name, values)
    return study.Plan(sizes, spreads, tuple(rules), tuple(presets), int(seeds), base, tests)


def _simulated(label: str, base: str, name: str, values: Sequence[float]) -> None:
    """Raise InputError, with the control's name, for a value that the simulator does not take."""
    for value in values:
        try:
            scenario(base, {name: value})
        except InputError as error:
            raise InputError(f"{label}: {error}") from None


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def progress() -> None:
    """How far the study of this server is."""
    job.progress(_JOB)


def curves(store: Store, finished: pd.DataFrame | None, every: bool) -> None:
    """Recovery, false alarms and hits of the plan's finished runs, or of all studies in the store."""
    rows = study.table(store) if every else finished
    if rows is None:
        return
    if rows.empty:
        text = "No study has finished a run yet." if every else "None of its runs has finished yet. Start the study, or"
        st.info(text if every else f"{text} show all studies.", icon=":material/info:")
        return
    medians = study.summary(rows)
    left, right = st.columns(2)
    with left:
        live_plot("study-recovery", recovery_figure(medians), revision="study")
    with right:
        live_plot("study-alarms", alarm_figure(medians), revision="study")
    st.caption(
        "Left: Spearman's r of learned and true effective rates; the median over seeds, and bars from the lowest to the"
        " highest. Right: the share of seeds in which the test finds that skills differ; with a true CV of 0 these are"
        f" false alarms. Not compared, because data cannot tell them apart: {'; '.join(NOT_IDENTIFIED)}."
    )
    summary, single = st.tabs(["Medians over seeds", "Single runs"])
    with summary:
        tables.show(medians.rename(columns=_HEADINGS)[[_HEADINGS[name] for name in medians.columns]], most=420)
    with single:
        tables.show(rows.replace(dict.fromkeys(_TESTED, STATUSES)).rename(columns=_HEADINGS), most=420)


_HEADINGS = {
    "run_id": "Run",
    "preset": "Preset",
    "sequencing": "Stopping rule",
    "students": "Students",
    "true_cv": "True CV",
    "seed": "Seed",
    "seeds": "Seeds",
    "spearman": "Spearman's r",
    "low": "Lowest r",
    "high": "Highest r",
    "rate_cv": "CV of rates",
    "auc": "Encoder 2 AUC",
    "auc_below_oracle": "AUC below oracle",
    "mastery_correlation": "Mastery correlation",
    "seconds": "Seconds",
    "skills_in_data": "Skills differ: data",
    "skills_by_run": "Skills differ: run",
    "response_in_data": "Response matters: data",
    "response_by_run": "Response matters: run",
    "data_skills": "Skills differ: data",
    "data_response": "Response matters: data",
    "skills": "Skills differ: run",
    "response": "Response matters: run",
}
_TESTED = ("data_skills", "data_response", "skills", "response")


def recovery_figure(medians: pd.DataFrame) -> Figure:
    """Spearman's r of the rates over the number of students, a curve per preset, stopping rule and true CV."""
    differing = medians[medians["true_cv"] > 0]
    axes = Axes("Recovery of the effective rates", "students", "Spearman's r", height=380)
    return _figure(differing, axes, [("spearman", "solid", "")], (None, 1.02), ("low", "high"))


def alarm_figure(medians: pd.DataFrame) -> Figure:
    """Share of seeds in which skills are found to differ, over the number of students; false alarms where CV is 0."""
    axes = Axes("Skills found to differ: false alarms (CV 0) and hits", "students", "share of seeds", height=380)
    kinds = [("skills_in_data", "solid", ", test on the data"), ("skills_by_run", "dot", ", test on the run")]
    return _figure(medians, axes, kinds, (-0.02, 1.02), None)


def _figure(
    medians: pd.DataFrame,
    axes: Axes,
    kinds: list[tuple[str, str, str]],
    limits: tuple[float | None, float],
    ends: tuple[str, str] | None,
) -> Figure:
    groups = list(medians.groupby(["preset", "sequencing", "true_cv"]))
    traces = [
        _curve(group, f"{name}, {rule}, CV {cv:g}", kind, place, ends)
        for place, ((name, rule, cv), group) in enumerate(groups)
        for kind in kinds
    ]
    figure: Figure = {"data": traces, "layout": figures.base_layout(axes, len(traces))}
    figure["layout"] |= {
        "xaxis": figures.axis(
            "students (log scale)", type="log", tickvals=sorted(medians["students"].unique().tolist())
        ),
        "yaxis": figures.axis(axes.y, range=list(limits)) if limits[0] is not None else figures.axis(axes.y),
    }
    return figure if traces else figures.empty(figure)


def _curve(
    group: pd.DataFrame, label: str, kind: tuple[str, str, str], place: int, ends: tuple[str, str] | None
) -> dict[str, Any]:
    name, dash, what = kind
    group = group.sort_values("students")
    values = figures.floats(group[name])
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "uid": f"{label}/{name}",
        "name": chart_text(label + what),
        "x": figures.floats(group["students"]),
        "y": values,
        "hovertemplate": "%{y:.3f}",
        "line": {"color": figures.color(place), "width": 2, "dash": dash},
        "marker": {"size": 7},
    }
    if ends is not None:
        low, high = (figures.floats(group[column]) for column in ends)
        trace["error_y"] = {"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low}
    return trace
