"""Watching a run and, while it trains, steering it."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from gainakt import config as settings
from gainakt.config.effects import acts_on
from gainakt.jobs import service
from gainakt.store import Run, Store
from gainakt.ui import resources, words
from gainakt.ui.forms.fields import widget
from gainakt.ui.plots.charts import PANELS
from gainakt.ui.run import view as run_view
from gainakt.ui.text import markdown_text
from gainakt.ui.train.setup import MAIN

_WHO = "dashboard"


def watch(store: Store, run: Run, others: list[Run]) -> None:
    """The whole of the Train page for one run."""
    title, stop, new = st.columns([5, 1, 1], vertical_alignment="bottom")
    title.subheader(f"{markdown_text(run.name)}")
    title.caption(f"{run.run_id} · preset {markdown_text(run.preset)} · data {markdown_text(run.data_name)}")
    with stop:
        if run.active:
            asked = st.session_state.get("stopping") == run.run_id
            st.button("Stopping …" if asked else "Stop", icon=":material/stop:", width="stretch", help=_STOP_HELP,
                      disabled=asked, on_click=_stop, args=(run.run_id,))  # fmt: skip
    with new:
        if st.button("New run", icon=":material/add:", width="stretch"):
            st.switch_page("pages/1_Train.py", query_params={"new": "1"})
    for other in others:
        st.page_link("pages/1_Train.py", label=f"{markdown_text(other.name)}, {other.status}",
                     icon=":material/arrow_forward:", query_params={"run": other.run_id})  # fmt: skip
    if run.active:
        _sliders(run, _live_values(store, run))
    overlay = _overlay(store, run)
    pace = 1.0 if run.active else None
    st.fragment(_live, run_every=pace)(run.run_id, overlay)
    order, page, find = skill_controls(store, run)
    st.fragment(_live_skills, run_every=pace)(run.run_id, order, page, find)


_STOP_HELP = "Ends after the current step, evaluates the best epoch on the test students and saves everything."


def _stop(run_id: str) -> None:
    service.stop(resources.service().root, run_id, _WHO)
    st.session_state["stopping"] = run_id


def _live(run_id: str, overlay: str | None) -> None:
    store = resources.store()
    run = store.run(run_id)
    curves = run_view.curves_of(store, run_id)
    run_view.header(run, curves)
    run_view.overview(store, run, curves, store.run(overlay) if overlay else None)
    run_view.parameters(store, run)
    if not run.active and st.session_state.get("watching") == run_id:
        st.session_state["watching"] = None
        st.rerun()
    if run.active:
        st.session_state["watching"] = run_id


def _live_skills(run_id: str, order: str, page: int, find: str) -> None:
    store = resources.store()
    run_view.skill_gains(store, store.run(run_id), order, page, find)


def _live_values(store: Store, run: Run) -> settings.Config:
    """The run's configuration as it is now: what it started with and what was changed since."""
    events = store.events(run.run_id)
    changes = events[events["kind"] == "changed"]
    latest = {field: json.loads(new) for field, new in zip(changes["field"], changes["new"], strict=True)}
    return settings.changed(settings.Config.model_validate(run.config), latest)


def _sliders(run: Run, now: settings.Config) -> None:
    known, values = settings.fields(), settings.flatten(now)
    weights = now.weights
    acts = {"losses.std_target": now.losses.variance_form == "std_hinge" or bool(weights.adversary),
            "losses.margin": bool(weights.triplet or weights.ranking)}  # fmt: skip
    live = [name for name, spec in known.items() if spec.live and acts.get(name, True)]
    first = [name for name in live if name in MAIN or (name.startswith("weights.") and values[name])]
    first.sort(key=lambda name: MAIN.index(name) if name in MAIN else len(MAIN))
    with st.container(border=True):
        st.markdown("**Steer this run** · a change acts from the next step on and is marked on the curves")
        _steer(run, now, first[:_IN_SIGHT])
        with st.expander("More weights"):
            _steer(run, now, [name for name in live if name not in first[:_IN_SIGHT]])


_IN_SIGHT = 4


def _steer(run: Run, now: settings.Config, names: list[str]) -> None:
    known, values = settings.fields(), settings.flatten(now)
    places = st.columns(_IN_SIGHT)
    for position, name in enumerate(names):
        key, acts = f"steer.{run.run_id}.{name}", acts_on(name, now)
        _follow(key, values[name])
        spec = replace(known[name], help=f"{known[name].help}\n\n{markdown_text(acts)}") if acts else known[name]
        with places[position % _IN_SIGHT]:
            widget(spec, values[name], key, partial(_send, run.run_id, name, key))


def _follow(key: str, value: Any) -> None:
    """Let the slider stand where the run is, whoever moved it; a move of one's own is left alone until it arrived."""
    if st.session_state.get(f"sent.{key}", value) == value:
        st.session_state.pop(f"sent.{key}", None)
        if key in st.session_state and st.session_state[key] != value:
            st.session_state[key] = value


def _send(run_id: str, name: str, key: str) -> None:
    st.session_state[f"sent.{key}"] = st.session_state[key]
    service.steer(resources.service().root, run_id, name, st.session_state[key], _WHO)


def _overlay(store: Store, run: Run) -> str | None:
    table = store.runs(published=None)
    names = {
        row.run_id: words.run_label(row)
        for row in table.itertuples() if row.run_id != run.run_id
    }  # fmt: skip
    if not names:
        return None
    chosen: str | None = st.selectbox(
        "Overlay another run", [None, *names], format_func=lambda i: names[i] if i else "none",
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
    find = find_at.text_input("Find a skill", key=f"find-{run.run_id}", placeholder="label")
    pages = max(1, -(-skills // PANELS))
    page = page_at.number_input(
        "Screen", 1, pages, key=f"page-{run.run_id}", help=f"{pages} in all, of {PANELS} skills each"
    )
    return str(order), int(page) - 1, find
