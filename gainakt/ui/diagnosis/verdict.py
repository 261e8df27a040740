"""The verdict on a page: lights, evidence, targets, and the jobs that test a run."""

from typing import Any

import pandas as pd
import streamlit as st

from gainakt.analysis.insight import Insight, examine
from gainakt.jobs import background as jobs
from gainakt.store import Store
from gainakt.ui import resources
from gainakt.ui.text import markdown_text, number
from gainakt.verdict.criteria import MASTERY_CORRELATIONS, STANDINGS, STATUSES, Finding, Standing, Targets

LABELS = {name: str(info.title) for name, info in Targets.model_fields.items()} | {
    "skills_differ": "Skills differ", "response_matters": "Response matters",
    "data_skills_differ": "In the data: skills differ", "data_response_matters": "In the data: response matters",
}  # fmt: skip
_LIGHTS = {
    # status: colour, icon, words
    "pass": ("green", "check_circle", STATUSES["pass"]), "fail": ("red", "cancel", STATUSES["fail"]),
    "above_reference": ("orange", "vertical_align_top", STATUSES["above_reference"]),
    "noise": ("red", "graphic_eq", STATUSES["noise"]), "untested": ("gray", "help", STATUSES["untested"]),
}  # fmt: skip
_STANDINGS: dict[Standing, tuple[str, str]] = {
    "differentiated": ("green", "check_circle"), "noise": ("red", "cancel"), "untested": ("gray", "help"),
}  # fmt: skip
_KINDS = (
    ("stand-in", "Test with the stand-in", "Asks the data by a light model, and the run by its own rates: seconds."),
    ("preset", "Test with its own preset", "Trains its preset again, tied and free, up to 64 times: minutes to hours."),
)


@st.cache_resource(show_spinner=False)
def _jobs() -> jobs.Jobs:
    """This server's jobs."""
    return jobs.Jobs(resources.service())


def judged(store: Store, run_id: str) -> Insight:
    """What can be said of a run, by the targets that this tab has set."""
    chosen = {name: st.session_state[key] for name in LABELS if (key := f"target.{name}") in st.session_state}
    return examine(store, run_id, Targets.model_validate(chosen))


def lights(seen: Insight) -> None:
    """One line: differentiated or not, and a light for every criterion and question."""
    verdict = seen.verdict
    color, icon = _STANDINGS[verdict.standing]
    parts = [f":{color}-badge[:material/{icon}: {STANDINGS[verdict.standing].capitalize()}]"]
    for name, finding in {**verdict.questions, **verdict.criteria}.items():
        color, icon, word = _LIGHTS[finding.status]
        told = word if name in verdict.questions or finding.value is None else number(round(finding.value, 4))
        parts.append(f":{color}-badge[:material/{icon}: {LABELS[name]}: {markdown_text(told)}]")
    st.markdown(" ".join(parts))


def run_lights(store: Store, run_id: str) -> None:
    """The lights of a run with a way to their evidence."""
    seen = judged(store, run_id)
    place, link = st.columns([8, 1], vertical_alignment="center")
    with place:
        lights(seen)
    link.page_link("pages/6_Diagnosis.py", label="Why?", icon=":material/stethoscope:", query_params={"run": run_id})


def evidence(store: Store, seen: Insight) -> None:
    """Every finding with value, target, status and evidence; correlations; targets; tests to run."""
    verdict = seen.verdict
    findings = {**verdict.questions, **{f"data_{n}": f for n, f in verdict.data.items()}, **verdict.criteria}
    rows = [_row(name, finding) for name, finding in findings.items()]
    st.table(pd.DataFrame(rows).set_index("What"))  # its cells wrap: evidence is a sentence or two
    st.caption(
        "A run is differentiated if skills differ and the response matters, both tested and passed on its own account:"
        " its held-out log-loss has to worsen when its own rates (or its gains after correct and incorrect) are made"
        " equal and the rest is refitted, its own predictions have to carry at least half of what its practice predicts"
        " once refitted, and its differences must be at least a third as large as those of the data. What the data show"
        " by themselves stands apart. The six criteria are the original study's: a large spread by itself proves"
        " nothing."
    )
    _tests(seen)
    st.markdown("###### Forms of the mastery correlation")
    known = seen.references
    shown = [
        {"Form": form, "Value": _number(seen.facts.test.get(name)),
         "Reference": _number(known[name].value if name in known else None),
         "Whose": markdown_text(known[name].what) if name in known else ""}
        for name, form in MASTERY_CORRELATIONS.items()
    ]  # fmt: skip
    st.table(pd.DataFrame(shown).set_index("Form"))
    with st.expander("Targets of the criteria"):
        for place, (name, info) in zip(st.columns(6), Targets.model_fields.items(), strict=True):
            place.number_input(
                str(info.title), value=float(getattr(seen.targets, name)), key=f"target.{name}", step=0.01,
                help=info.description, min_value=0.0,
            )  # fmt: skip


def _row(name: str, finding: Finding) -> dict[str, Any]:
    color, icon, word = _LIGHTS[finding.status]
    return {"What": LABELS[name], "Value": _number(finding.value), "Target": f"above {finding.target:g}",
            "Status": f":{color}-badge[:material/{icon}: {word}]", "Evidence": markdown_text(finding.text)}  # fmt: skip


def _number(value: float | None) -> str:
    return "–" if value is None else number(float(f"{value:.4g}"))


def _tests(seen: Insight) -> None:
    run = seen.facts.run
    job = _jobs().of(run.run_id)
    busy = job is not None and not job.ended
    usable = run.status in ("finished", "stopped") and bool(run.data_fingerprint)
    for place, (arm, label, help_text) in zip(st.columns([3, 3, 4]), _KINDS, strict=False):
        if place.button(label, key=f"test-{arm}", help=help_text, disabled=busy or not usable, width="stretch"):
            _jobs().start(run.run_id, label, jobs.tests(run, resources.service().root, arm, seen.facts.tested))
            st.rerun()
    if not usable:
        st.caption("Tests need a run that has ended with its checkpoints and data here.")


def progress(run_id: str) -> None:
    """How far the run's job is; the page is drawn anew when it ends."""
    job = _jobs().of(run_id)
    if job is None:
        return
    if not job.ended:
        st.fragment(_watch, run_every=1.0)(run_id)
    elif job.error:
        st.error(f"{job.what} failed: {markdown_text(job.error)}", icon=":material/error:")
        with st.expander("Traceback"):
            st.code(job.traceback)


def _watch(run_id: str) -> None:
    job = _jobs().of(run_id)
    if job is None or job.ended:
        resources.store().take_in()
        st.rerun()
    else:
        st.progress(job.done, text=f"{job.what}: {markdown_text(job.says)}")
