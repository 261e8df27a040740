"""The verdict on a page: badges, evidence, targets, and the tests of a run."""

from typing import Any

import pandas as pd
import streamlit as st

from gainakt.analysis.insight import Insight, examine
from gainakt.config.tree import vars_of
from gainakt.errors import InputError
from gainakt.jobs.background import tests
from gainakt.store import Store
from gainakt.ui import resources
from gainakt.ui.text import markdown_text, number
from gainakt.ui.visitors import owners
from gainakt.verdict.criteria import (
    MASTERY_CORRELATIONS,
    STANDINGS,
    STATUSES,
    Finding,
    Standing,
    Status,
    Targets,
    targets_of,
)

LABELS = {name: str(info.title) for name, info in Targets.model_fields.items()} | {
    "skills_differ": "Skills differ",
    "response_matters": "Response matters",
    "data_skills_differ": "Skills differ in the data",
    "data_response_matters": "Response matters in the data",
}
_BADGES: dict[Status, tuple[str, str]] = {
    # status: colour, icon
    "pass": ("green", "check_circle"),
    "fail": ("red", "cancel"),
    "above_reference": ("orange", "vertical_align_top"),
    "noise": ("orange", "circle"),
    "untested": ("gray", "help"),
}
_STANDINGS: dict[Standing, tuple[str, str]] = {
    "differentiated": ("green", "check_circle"),
    "noise": ("orange", "circle"),
    "untested": ("gray", "help"),
}
_TESTS = (
    (
        "stand-in",
        "Test with the learning-curve model",
        "Fits the learning-curve model to these data many times, then tests this run's own predictions. Takes"
        " up to ten minutes.",
    ),
    (
        "preset",
        "Test with the run's preset",
        "Trains the run's preset again, with and without differences between skills and between responses, up to 64"
        " times. Takes minutes to hours.",
    ),
)
_RULE = (
    "A run counts as differentiated if skills differ and the response matters, each by a test on the data and by a test"
    " on the run. The test on the run makes its effective rates (or its gains after correct and incorrect responses)"
    " equal, refits the rest, and asks whether held-out log-loss gets worse. In addition, the run must use at least"
    " half of the information in its practice, and its effect size must be at least a third of that in the data. The"
    " six criteria are those of the original study; a large spread of gains alone proves nothing."
)


def judged(store: Store, run_id: str) -> Insight:
    """What can be said of a run, by this tab's targets; a target that is not allowed is said on the page."""
    typed = {name: st.session_state[key] for name in LABELS if (key := f"target.{name}") in st.session_state}
    try:
        targets = targets_of(typed)
    except InputError as error:
        st.error(f"{markdown_text(error)}. The original study's targets are used.", icon=":material/error:")
        targets = Targets()
    return examine(store, run_id, targets)


def badges(insight: Insight) -> None:
    """One line: differentiated or not, and a badge for each question and criterion."""
    verdict = insight.verdict
    color, icon = _STANDINGS[verdict.standing]
    parts = [
        f":small[{insight.facts.split.capitalize()}:]",
        f":{color}-badge[:material/{icon}: {STANDINGS[verdict.standing].capitalize()}]",
    ]
    for name, finding in {**verdict.questions, **verdict.criteria}.items():
        in_words = name in verdict.questions or finding.value is None
        text = STATUSES[finding.status] if in_words else number(finding.value)
        parts.append(_badge(finding.status, f"{LABELS[name]}: {markdown_text(text)}"))
    st.markdown(" ".join(parts))


def _badge(status: Status, text: str) -> str:
    color, icon = _BADGES[status]
    return f":{color}-badge[:material/{icon}: {text}]"


def run_badges(store: Store, run_id: str) -> None:
    """The badges of a run with a link to their evidence."""
    insight = judged(store, run_id)
    place, link = st.columns([8, 1], vertical_alignment="center")
    with place:
        badges(insight)
    link.page_link("pages/6_Diagnosis.py", label="Why?", icon=":material/stethoscope:", query_params={"run": run_id})


def evidence(insight: Insight) -> None:
    """Every finding with value, target, status and evidence; tests to start; mastery correlations; targets."""
    verdict = insight.verdict
    findings = {**verdict.questions, **{f"data_{n}": f for n, f in verdict.data.items()}, **verdict.criteria}
    rows = [_row(name, finding) for name, finding in findings.items()]
    st.table(pd.DataFrame(rows).set_index("Question or criterion"))  # its cells wrap: evidence is a sentence or two
    st.caption(_RULE)
    _tests(insight)
    st.markdown("###### Forms of the mastery correlation")
    references = insight.references
    forms = [
        {
            "Form": form,
            "Value": number(insight.facts.test.get(name)),
            "Reference": number(references[name].value if name in references else None),
            "Reference is": markdown_text(references[name].what) if name in references else "",
        }
        for name, form in MASTERY_CORRELATIONS.items()
    ]
    st.table(pd.DataFrame(forms).set_index("Form"))
    with st.expander("Targets of the criteria"):
        st.caption("Lower targets are easier to pass. They hold in this browser tab, until it is reloaded.")
        for place, name in zip(st.columns(6), Targets.model_fields, strict=True):
            with place:
                _target(name)


def _target(name: str) -> None:
    field = Targets.model_fields[name]
    bounds = {key: float(bound) for part in field.metadata for key, bound in vars_of(part).items()}
    st.number_input(
        str(field.title),
        bounds["ge"],
        bounds["le"],
        float(field.default),
        0.01,
        key=f"target.{name}",
        help=field.description,
        persist_state="session",
    )


def _row(name: str, finding: Finding) -> dict[str, str]:
    return {
        "Question or criterion": LABELS[name],
        "Value": number(finding.value),
        "Target": f"above {finding.target:g}",
        "Status": _badge(finding.status, STATUSES[finding.status]),
        "Evidence": markdown_text(finding.text),
    }


def _tests(insight: Insight) -> None:
    run = insight.facts.run
    job = resources.jobs().of(run.run_id)
    busy = job is not None and not job.ended
    usable = run.status in ("finished", "stopped") and bool(run.data_fingerprint)
    for place, (arm, label, help_text) in zip(st.columns([3, 3, 4]), _TESTS, strict=False):
        if place.button(label, key=f"test-{arm}", width="stretch", **owners(busy or not usable, help_text)):
            work: Any = tests(run, resources.service().root, arm, insight.facts.tested)
            resources.jobs().start(run.run_id, label, work)
            st.rerun()
    if not usable:
        st.caption("Tests need a run that has ended, with its checkpoints and its data on this machine.")


def progress(run_id: str) -> None:
    """How far the run's tests are; the page is drawn anew when they end."""
    job = resources.jobs().of(run_id)
    if job is None:
        return
    if not job.ended:
        st.fragment(_watch, run_every=1.0)(run_id)
    elif job.error:
        st.error(f"{job.what} failed: {markdown_text(job.error)}", icon=":material/error:")
        with st.expander("Traceback"):
            st.code(job.traceback)


def _watch(run_id: str) -> None:
    job, store = resources.jobs().of(run_id), resources.store()
    if job is None or job.ended:
        store.take_in()
        st.rerun()
    else:
        st.progress(job.done, text=f"{job.what}: {resources.job_text(store, job)}")
