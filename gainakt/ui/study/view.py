"""The study on a page: what to sweep, its progress, and the curves of recovery and of false alarms."""

from typing import Any

import pandas as pd
import streamlit as st

from gainakt.config.presets import PRESETS
from gainakt.errors import InputError
from gainakt.jobs import study
from gainakt.jobs.background import Jobs
from gainakt.measures.recovery import NOT_IDENTIFIED
from gainakt.simulate.scenario import SCENARIOS
from gainakt.store import Store
from gainakt.ui import resources, tables
from gainakt.ui.plots import figures
from gainakt.ui.plots.figures import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import chart_text, markdown_text

_JOB = "study"
_TICK = 2.0


@st.cache_resource(show_spinner=False)
def _jobs() -> Jobs:
    """This server's studies."""
    return Jobs(resources.service())


def plan_form(store: Store) -> study.Plan | None:
    """What to sweep, and the start button; None, said on the page, where that cannot be."""
    defaults = study.Plan()
    first, second = st.columns([3, 2], gap="large")
    with first:
        left, right = st.columns(2)
        students = left.text_input("Students", _listed(defaults.students), help="Classes of so many students.")
        cvs = right.text_input(
            "True CV of rates",
            _listed(defaults.cvs),
            help="0: all skills alike, so that what is found is a false alarm.",
        )
        rules = left.multiselect("Stopping rules", study.SEQUENCINGS, defaults.sequencings, help=_RULES)
        seeds = right.number_input("Seeds", 1, 100, defaults.seeds, help="Classes drawn anew, of each kind.")
    with second:
        presets = st.multiselect("Presets", list(PRESETS), defaults.presets)
        scenario = st.selectbox("Simulated class", list(SCENARIOS), list(SCENARIOS).index(defaults.scenario))
        tests = st.toggle("Test for differentiation", defaults.tests, help="With the stand-in, after each training.")
    try:
        plan = study.Plan(
            tuple(study.whole_numbers(students)), tuple(study.numbers(cvs)), tuple(rules), tuple(presets),
            int(seeds), scenario, tests,
        )  # fmt: skip
        cells = plan.cells()
    except InputError as error:
        st.error(markdown_text(error))
        return None
    finished = sum(study.done(store, cell) is not None for cell in cells)
    job = _jobs().of(_JOB)
    busy = job is not None and not job.ended
    if st.button("Start the study", type="primary", icon=":material/play_arrow:", disabled=busy or not cells):
        root = resources.service().root
        _jobs().start(_JOB, "study", lambda report: study.carry_out(plan, root, report))
        st.rerun()
    st.caption(
        f"{len(cells)} runs, {finished} of them finished; those are not repeated. Stopping a run ends the study."
    )
    return plan


_RULES = (
    "blocked: runs of one skill. interleaved: a skill at random each time. until_correct: one skill until three correct"
    " in a row. adaptive: near a target probability."
)


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


@st.fragment(run_every=_TICK)
def progress() -> None:
    """How far the study of this server is."""
    job = _jobs().of(_JOB)
    if job is None:
        return
    if job.error:
        st.error(markdown_text(job.error), icon=":material/error:")
    elif not job.ended:
        st.progress(min(job.done, 1.0), text=markdown_text(job.says))
    if job.ended and not st.session_state.get("study-ended"):
        st.session_state["study-ended"] = True
        st.rerun()
    if not job.ended:
        st.session_state["study-ended"] = False


def curves(store: Store, plan: study.Plan | None, every: bool) -> None:
    """Recovery, false alarms and hits of the plan's cells, or of all studies in the store."""
    rows = study.table(store, None if every else plan)
    if rows.empty:
        st.info("Nothing of this has finished yet: start the study, or show all studies.", icon=":material/info:")
        return
    found = study.summary(rows)
    left, right = st.columns(2)
    with left:
        live_plot("study-recovery", recovery_figure(found), revision="study")
    with right:
        live_plot("study-alarms", alarm_figure(found), revision="study")
    st.caption(
        "Rates: Spearman's r of learned and true effective rate, median over seeds with the lowest and the highest."
        " Skills differ: the share of seeds in which the tests say so; where the true CV is 0 these are false alarms."
        f" Not compared, since no data can tell: {'; '.join(NOT_IDENTIFIED)}."
    )
    summary, single = st.tabs(["Medians over seeds", "Single runs"])
    with summary:
        tables.show(found.rename(columns=_HEADINGS)[list(_HEADINGS.values())], most=420)
    with single:
        tables.show(rows, most=420)


_HEADINGS = {
    "preset": "Preset", "sequencing": "Stopping rule", "students": "Students", "true_cv": "True CV", "seeds": "Seeds",
    "spearman": "Spearman", "low": "lowest", "high": "highest", "rate_cv": "Rate CV",
    "auc_below_oracle": "AUC under oracle", "mastery_correlation": "Mastery r", "skills_in_data": "Skills: data",
    "skills_by_run": "Skills: run", "response_in_data": "Response: data", "response_by_run": "Response: run",
    "seconds": "Seconds",
}  # fmt: skip


def recovery_figure(found: pd.DataFrame) -> Figure:
    """Spearman's r of the rates over the number of students, a curve per preset, stopping rule and true CV."""
    some = found[found["true_cv"] > 0]
    axes = Axes("Recovery of the effective rates", "students", "Spearman's r", height=380)
    return _figure(some, axes, [("spearman", "solid", "")], (None, 1.02), ("low", "high"))


def alarm_figure(found: pd.DataFrame) -> Figure:
    """Shares of seeds in which a difference is found over the number of students: false alarms where the CV is 0."""
    axes = Axes("Skills differ: false alarms (CV 0) and hits", "students", "share of seeds", height=380)
    kinds = [("skills_in_data", "solid", " in the data"), ("skills_by_run", "dot", " by the run")]
    return _figure(found, axes, kinds, (-0.02, 1.02), None)


def _figure(
    found: pd.DataFrame,
    axes: Axes,
    kinds: list[tuple[str, str, str]],
    limits: tuple[float | None, float],
    reach: tuple[str, str] | None,
) -> Figure:
    groups = list(found.groupby(["preset", "sequencing", "true_cv"]))
    traces = [
        _curve(group, f"{name}, {rule}, CV {cv:g}", kind, place, reach)
        for place, ((name, rule, cv), group) in enumerate(groups)
        for kind in kinds
    ]
    figure: Figure = {"data": traces, "layout": figures.base_layout(axes, len(traces))}
    figure["layout"] |= {
        "xaxis": figures.axis("students (log scale)", type="log", tickvals=sorted(found["students"].unique().tolist())),
        "yaxis": figures.axis(axes.y, range=list(limits)) if limits[0] is not None else figures.axis(axes.y),
    }
    return figure if traces else figures.empty(figure)


def _curve(
    group: pd.DataFrame, label: str, kind: tuple[str, str, str], place: int, reach: tuple[str, str] | None
) -> dict[str, Any]:
    name, dash, what = kind
    group = group.sort_values("students")
    values = figures.floats(group[name])
    trace = {
        "type": "scatter", "mode": "lines+markers", "uid": f"{label}/{name}", "name": chart_text(label + what),
        "x": figures.floats(group["students"]), "y": values, "hovertemplate": "%{y:.3f}",
        "line": {"color": figures.color(place), "width": 2, "dash": dash}, "marker": {"size": 7},
    }  # fmt: skip
    if reach is not None:
        low, high = (figures.floats(group[column]) for column in reach)
        trace["error_y"] = {"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low}
    return trace
