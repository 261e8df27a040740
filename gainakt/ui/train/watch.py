"""The Train page of one run: its title, its steering panel, its status and its charts, each redrawn by itself."""

import json
from functools import partial

import streamlit as st

from gainakt.config import Config, fields
from gainakt.jobs import service
from gainakt.store import Run, Store
from gainakt.ui import resources
from gainakt.ui.forms import run_choice
from gainakt.ui.plots.charts import PANELS
from gainakt.ui.run import view as run_view
from gainakt.ui.text import markdown_text, number
from gainakt.ui.train.controls import WHO, controls, moved, send_moves
from gainakt.ui.train.values import LiveValues, current

_TICK = 1.0
"""Seconds between two looks at a run that trains."""


def watch(store: Store, run: Run) -> None:
    """The whole of the Train page for one run."""
    pace = _TICK if run.active else None
    _title(run, pace)
    if run.active:
        with st.container(border=True, key=f"steering-{run.run_id}"):
            st.markdown("**Steer this run**")
            st.fragment(_controls)(run.run_id)
            st.fragment(_steering_note, run_every=pace)(run.run_id)
    overlay = _overlay(store, run)
    st.fragment(_status, run_every=pace)(run.run_id)
    st.fragment(_charts, run_every=pace)(run.run_id, overlay)
    order, page, find = skill_controls(store, run)
    st.fragment(_skills, run_every=pace)(run.run_id, order, page, find)


def _title(run: Run, pace: float | None) -> None:
    """Name and data of the run, the way to other active runs, stop and new run, in places that never shift."""
    title, others, stop, new = st.columns([4, 1.5, 1.1, 1.4], vertical_alignment="bottom")
    title.subheader(f"{markdown_text(run.name)}")
    title.caption(f"{run.run_id} · preset {markdown_text(run.preset)} · data {markdown_text(run.data_name)}")
    with others:
        st.fragment(_others, run_every=pace)(run.run_id)
    with stop:
        if run.active:
            stopping = st.session_state.get("stopping") == run.run_id
            st.button("Stopping …" if stopping else "Stop", icon=":material/stop:", width="stretch", help=_STOP_HELP,
                      disabled=stopping, on_click=partial(_stop, run.run_id))  # fmt: skip
    with new:
        if st.button("New run", icon=":material/add:", width="stretch"):
            st.switch_page("pages/1_Train.py", query_params={"new": "1"})


_STOP_HELP = "Ends after the current step, evaluates the best epoch on the test students and saves everything."


def _stop(run_id: str) -> None:
    service.stop(resources.service().root, run_id, WHO)
    st.session_state["stopping"] = run_id


def _others(run_id: str) -> None:
    """Links to the other runs that wait or train, behind one button: they come and go without moving the page."""
    others = [other for other in resources.store().active() if other.run_id != run_id]
    with st.popover(f"Other runs: {len(others)}", width="stretch", disabled=not others, key=f"others-{run_id}"):
        for other in others:
            st.page_link("pages/1_Train.py", label=f"{markdown_text(other.name)}, {other.status}",
                         icon=":material/arrow_forward:", query_params={"run": other.run_id})  # fmt: skip


def _controls(run_id: str) -> None:
    """The steering controls; redrawn after a move here, and by a rerun of the page after one elsewhere."""
    store = resources.store()
    run = store.run(run_id)
    send_moves(run_id)
    values = current(store, resources.service().root, run)
    st.session_state[f"steer.drawn.{run_id}"] = values.shown()
    controls(run_id, Config.model_validate(run.config), values)


def _steering_note(run_id: str) -> None:
    """Which requests wait, and the last change; makes the controls follow what was changed elsewhere."""
    store = resources.store()
    run = store.run(run_id)
    values = current(store, resources.service().root, run)
    st.caption(_note(store, run, values))
    drawn = st.session_state.get(f"steer.drawn.{run_id}")
    if run.active and (drawn != values.shown() or moved(run_id)):
        st.rerun()


def _note(store: Store, run: Run, values: LiveValues) -> str:
    specs = fields()
    if values.waiting:
        wanted = ", ".join(f"{specs[name].label} {number(value)}" for name, value in values.waiting.items())
        when = "its first step; it is still queued" if run.status == "queued" else "the next step"
        return f"Requested: {markdown_text(wanted)}. Acts from {when}."
    changes = run_view.marks(store, run.run_id)
    if changes.empty:
        return "A change acts from the next step and is marked on the curves."
    last = changes.iloc[-1]
    label = specs[last["field"]].label if last["field"] in specs else last["field"]
    old, new = (number(json.loads(last[name])) for name in ("old", "new"))
    return f"Last change: {markdown_text(f'{label} {old} → {new}')}, from step {int(last['step']):,}."


def _status(run_id: str) -> None:
    """Status, progress and the numbers that matter; one rerun of the page when the run has ended."""
    store = resources.store()
    run = store.run(run_id)
    run_view.header(run, run_view.curves_of(store, run_id))
    if not run.active and st.session_state.get("watching") == run_id:
        st.session_state["watching"] = None
        st.rerun()
    if run.active:
        st.session_state["watching"] = run_id


def _charts(run_id: str, overlay: str | None) -> None:
    """The charts of the whole run; `overlay` is a run drawn beside it."""
    store = resources.store()
    run = store.run(run_id)
    run_view.overview(store, run, run_view.curves_of(store, run_id), store.run(overlay) if overlay else None)
    run_view.parameters(store, run)


def _skills(run_id: str, order: str, page: int, find: str) -> None:
    """The histograms of the skills."""
    store = resources.store()
    run_view.skill_gains(store, store.run(run_id), order, page, find)


def _overlay(store: Store, run: Run) -> str | None:
    names = {run_id: label for run_id, label in run_choice.labels(store).items() if run_id != run.run_id}
    chosen: str | None = st.selectbox(
        "Overlay another run", [None, *names], format_func=lambda run_id: names[run_id] if run_id else "none",
        key=f"overlay-{run.run_id}", help="Draws that run's gain std and gain distribution beside this one's.",
    )  # fmt: skip
    return chosen


def skill_controls(store: Store, run: Run) -> tuple[str, int, str]:
    """Order, page and search of the per-skill histograms."""
    skills = len(store.skill_labels(run.run_id))
    order_at, find_at, page_at = st.columns([5, 2, 2])
    order = order_at.segmented_control(
        "Skills in order of", run_view.ORDERS, default=run_view.ORDERS[0], required=True, key=f"order-{run.run_id}"
    )
    find = find_at.text_input("Find a skill", key=f"find-{run.run_id}", placeholder="part of a label")
    pages = max(1, -(-skills // PANELS))
    page = page_at.number_input(
        f"Page of {pages}", 1, pages, key=f"page-{run.run_id}", help=f"{PANELS} skills on each."
    )
    return str(order), int(page) - 1, find
