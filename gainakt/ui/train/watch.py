"""The Train page of one run: title and status, the steering desk, the charts that answer it, the rest in sections."""

import json

import streamlit as st

from gainakt.config import Config
from gainakt.errors import read_only
from gainakt.store import Run, Store
from gainakt.ui import frame, resources, words
from gainakt.ui.forms import run_choice
from gainakt.ui.plots.live import live_plot
from gainakt.ui.run import view as run_view
from gainakt.ui.run.recorded import curves_of
from gainakt.ui.run.view import Look
from gainakt.ui.text import markdown_text, number, shortened
from gainakt.ui.train import sections
from gainakt.ui.train.actions import actions
from gainakt.ui.train.controls import controls, heard, moved, send_moves
from gainakt.ui.train.pace import TICK
from gainakt.ui.train.pace import pace as pace_of_tabs
from gainakt.ui.train.values import LiveValues, live
from gainakt.ui.visitors import LOOK_ON

_DESK = 616
"""Height of the steering desk and of the charts beside it."""


def watch(store: Store, run: Run) -> None:
    """The whole of the Train page for one run: what steers and what answers fit on a screen of 1366 x 768."""
    pace = _pace() if run.active else None
    _title(store, run, pace)
    desk, screen = st.columns([28, 72], gap="small")
    with desk, st.container(border=True, height=_DESK, gap="xsmall", key=f"steering-{run.run_id}"):
        if run.active:
            _desk(store, run, pace)
        else:
            _ended(store, run)
    with screen, st.container(gap="xsmall"):
        look, paused, overlay = _view(store, run)
        pace = None if paused else pace
        st.fragment(_charts, run_every=pace)(run.run_id, overlay, look)
    frame.to_top(run.run_id)
    section = sections.choice()
    wanted = run_view.skill_controls(store, run) if section == sections.SKILLS else ("", 0, "")
    st.fragment(sections.draw, run_every=pace)(run.run_id, section, look, wanted)


def _pace() -> float:
    """Seconds between two looks of this tab."""
    st.session_state["pace"] = now = pace_of_tabs(st.session_state.get("pace", TICK))
    return now


def _title(store: Store, run: Run, pace: float | None) -> None:
    """Name and data of the run, how far it is, and what can be asked of it."""
    title, status, buttons = st.columns([26, 30, 44], vertical_alignment="center", gap="small")
    with title, st.container(gap="xxsmall", key="title"):
        st.title(f"{markdown_text(shortened(run.name, 60))}")
        data = markdown_text(shortened(run.data_name or "", 24))
        st.caption(f"{run.run_id} · {markdown_text(run.preset)} · {data}")
    with status:
        st.fragment(_status, run_every=pace)(run.run_id)
    with buttons:
        actions(store, run, pace)


def _status(run_id: str) -> None:
    """Status and progress; one rerun of the page when the run has begun or ended, or tabs look more or less often."""
    store = resources.store()
    run = store.run(run_id)
    curves = curves_of(store, run_id)
    if run.status not in ("failed", "paused", "interrupted"):
        changes = run_view.changes_text(curves)
        st.markdown(f":small[{words.STATUS[run.status]}{f' · {changes}' if changes else ''}]")
    run_view.state(run, curves)
    watched = st.session_state.get(f"watched.{run_id}", run.status)
    st.session_state[f"watched.{run_id}"] = run.status
    if watched != run.status or (run.active and st.session_state["pace"] != _pace()):
        st.rerun()


def _desk(store: Store, run: Run, pace: float | None) -> None:
    """The steering controls, and from which step the last change acts."""
    st.markdown("**Steer this run**", help=LOOK_ON if read_only() else None)
    note = st.container(key="steering-note")
    st.fragment(_controls)(run.run_id)
    with note:  # after the controls, which it compares with what they last stood at
        st.fragment(_steering_note, run_every=pace)(run.run_id)


def _ended(store: Store, run: Run) -> None:
    """The numbers of a run that has ended, in the place of its controls."""
    curves = curves_of(store, run.run_id)
    run_view.tiles(run, curves, 2)
    if run.reason:
        st.caption(f"Why it ended: {markdown_text(run.reason)}.")
    st.page_link(
        "pages/3_Run.py",
        label="All that was saved of it",
        icon=":material/monitoring:",
        query_params={"run": run.run_id},
    )
    if run.traceback:
        with st.expander("Traceback"):
            st.code(run.traceback)


def _controls(run_id: str) -> None:
    """The steering controls; redrawn after a move here, and by a rerun of the page after one elsewhere."""
    store = resources.store()
    run = store.run(run_id)
    send_moves(run_id)
    values = live(store, resources.service().root, run)
    st.session_state[f"steer.drawn.{run_id}"] = values.shown()
    controls(run_id, Config.model_validate(run.config), values)


def _steering_note(run_id: str) -> None:
    """Which requests wait, and the last change; makes the controls follow what was changed elsewhere."""
    heard(run_id)
    store = resources.store()
    run = store.run(run_id)
    values = live(store, resources.service().root, run)
    st.caption(_note(store, run, values))
    drawn = st.session_state.get(f"steer.drawn.{run_id}")
    if run.active and (drawn != values.shown() or moved(run_id)):
        st.rerun()


def _note(store: Store, run: Run, values: LiveValues) -> str:
    if values.waiting:
        wanted = ", ".join(f"{words.setting(name)} {number(value)}" for name, value in values.waiting.items())
        when = "its first step; it is still queued" if run.status == "queued" else "the next step"
        return f"Requested: {markdown_text(wanted)}. Acts from {when}."
    changes = curves_of(store, run.run_id).marks
    if changes.empty:
        return "A change acts from the next step and is marked on the curves."
    last = changes.iloc[-1]
    label = words.setting(last["field"])
    old, new = (number(json.loads(last[name])) for name in ("old", "new"))
    return f"Last change: {markdown_text(f'{label} {old} → {new}')}, from step {int(last['step']):,}."


def _view(store: Store, run: Run) -> tuple[Look, bool, str | None]:
    """How the charts are looked at, whether they stand still, and the run that is drawn beside."""
    options, pause, badge, moment = st.columns([12, 22, 16, 50], vertical_alignment="center", gap="small")
    with options, st.popover("View", icon=":material/visibility:", key="view"):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            0.99,
            0.0,
            0.01,
            key="smoothing",
            persist_state="session",
            help="Draws each curve over steps as a moving average; higher averages over more. The raw curve stays"
            " behind it, faint.",
        )
        log = st.toggle(
            "Log scale",
            key="log-scale",
            persist_state="session",
            help="Of gain std and losses; values of 0 and below are left out.",
        )
        overlay = _overlay(store, run)
    paused = run.active and pause.toggle(
        "Pause the view",
        key=f"pause-view-{run.run_id}",
        help="The charts stand still until you switch it off. The training goes on.",
    )
    with moment:
        at = _moment(run)
    if paused:
        badge.badge("View paused", icon=":material/pause:", color="orange", help="The training goes on.")
    elif at is None:
        seldom = st.session_state["pace"] if run.active else TICK
        every = f" Drawn anew every {seldom:.0f} seconds, as many tabs watch." if seldom > TICK else ""
        badge.badge("Now", color="gray", help=f"Move the slider to the left to look at an earlier step.{every}")
    else:
        badge.badge(
            f"At step {at:,}",
            icon=":material/history:",
            color="orange",
            help="The distributions and the parameters are those recorded then. Right end: now.",
        )
    return Look(smoothing, log, at), bool(paused), overlay


def _moment(run: Run) -> int | None:
    """The step that is looked at; None at the right end, which follows the run."""
    total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
    last = total if run.active else run.step or 0
    if last < 2:
        return None
    key, stride = f"moment-{run.run_id}-{last}", max(1, last // 400)
    if st.session_state.get(key, 0) >= (run.step or 0) - stride:  # ahead of the run is now, also once it has passed
        st.session_state.pop(key, None)
    at = st.slider(
        "Moment",
        0,
        last,
        last,
        stride,
        key=key,
        label_visibility="collapsed",
        help="Shows the gain distribution, the skills and the parameters as they were at a step. Right end: now.",
    )
    return None if at >= (run.step or 0) - stride else int(at)


def _charts(run_id: str, overlay: str | None, look: Look) -> None:
    """What answers the desk: gain std over steps, the gain distribution, both AUCs."""
    store = resources.store()
    run = store.run(run_id)
    curves = curves_of(store, run_id)
    other = store.run(overlay) if overlay else None
    live_plot(f"gains-{run_id}", run_view.gain_std(store, run, curves, other, look, height=300))
    left, right = st.columns(2, gap="small")
    with left:
        figure = run_view.distribution(store, run, curves, other, look.at, height=250)
        live_plot(f"distribution-{run_id}", figure)
    with right:
        live_plot(f"aucs-{run_id}", run_view.aucs(curves, height=250))


def _overlay(store: Store, run: Run) -> str | None:
    names = {run_id: label for run_id, label in run_choice.labels(store).items() if run_id != run.run_id}
    chosen: str | None = st.selectbox(
        "Overlay another run",
        [None, *names],
        format_func=lambda run_id: names[run_id] if run_id else "none",
        key=f"overlay-{run.run_id}",
        help="Draws that run's gain std and gain distribution beside this one's.",
    )
    return chosen
