"""The steering controls of a run: a slider and an exact number for each live setting.

A control that is built anew loses the keyboard focus. So each keeps its key, place and arguments while the run trains,
all taken from the settings that the run began with; only its value moves, by session state.
"""

import time
from functools import partial
from typing import Any

import streamlit as st

from gainakt.config import Config, FieldSpec, changed, fields, flatten
from gainakt.errors import InputError
from gainakt.jobs import service
from gainakt.ui import resources
from gainakt.ui.forms.fields import exact, nearest_stop, slider
from gainakt.ui.text import markdown_text
from gainakt.ui.train.setup import MAIN
from gainakt.ui.train.values import LiveValues, current

WHO = "dashboard"
IN_SIGHT = 4
"""Controls in sight, side by side; the others are folded."""
_ECHO = 3.0
"""Seconds in which a browser may still send the value that a slider stood at before the server moved it."""
_ONLY_IF = {
    "losses.std_target": "Acts only with the variance loss std_hinge or an adversary weight above 0.",
    "losses.margin": "Acts only with a triplet or ranking weight above 0.",
}


def controls(run_id: str, start: Config, values: LiveValues) -> None:
    """The controls of all live settings, standing at `values`; `start` is the configuration that the run began with."""
    first, rest = layout(start)
    _row(run_id, first, start, values)
    with st.expander("More live settings"):
        _row(run_id, rest, start, values)
    if problem := st.session_state.pop(f"steer.problem.{run_id}", None):
        st.error(problem)


def layout(start: Config) -> tuple[list[str], list[str]]:
    """The names of the settings in sight, and of the rest: the form's main ones, then weights that began above 0."""
    specs, values = fields(), flatten(start)
    live = [name for name, spec in specs.items() if spec.live]
    wanted = [name for name in MAIN if name in live]
    wanted += [name for name in live if name.startswith("weights.") and values[name] and name not in wanted]
    first = wanted[:IN_SIGHT]
    return first, [name for name in live if name not in first]


def _row(run_id: str, names: list[str], start: Config, values: LiveValues) -> None:
    specs, begun, shown = fields(), flatten(start), values.shown()
    places: list[Any] = []
    for position, name in enumerate(names):
        places = places if position % IN_SIGHT else st.columns(IN_SIGHT)  # a row each, so that rows line up
        with places[position % IN_SIGHT]:
            _control(run_id, specs[name], begun[name], shown[name])


def _control(run_id: str, spec: FieldSpec, begun: float, value: float) -> None:
    key = f"steer.{run_id}.{spec.name}"
    _move(key, _stop(spec, value))
    help_text = f"{spec.help}\n\n{_ONLY_IF[spec.name]}" if spec.name in _ONLY_IF else spec.help
    slider_at, number_at = st.columns([5, 3], vertical_alignment="bottom", gap="small")
    with slider_at:
        slider(spec, begun, key, help_text, partial(_slid, run_id, spec, key))
    with number_at:
        box = _box_key(key, float(value))
        exact(spec, float(value), box, partial(_entered, run_id, spec.name, box))


def _move(key: str, value: float) -> None:
    """Put a slider where its setting stands; untouched where it stands there, as it may be under the hand."""
    held = st.session_state.get(key)
    if held == value:
        return
    if held is not None:
        st.session_state.setdefault(f"{key}.left", {})[held] = time.monotonic()
    st.session_state[key] = value


def _box_key(key: str, value: float) -> str:
    """The key of the exact number: another one whenever its setting was changed by anything but the box itself.

    A box that followed the slider under one key would send its last number back when the slider moves fast, because
    the browser has not heard of the new one yet. A new box has nothing to send.
    """
    count = st.session_state.setdefault(f"{key}.boxes", 0)
    if st.session_state.get(f"{key}.exact.{count}", value) != value:
        count += 1
        st.session_state[f"{key}.boxes"] = count
    return f"{key}.exact.{count}"


def _stop(spec: FieldSpec, value: float) -> float:
    """Where the setting's slider stands at this value."""
    return nearest_stop(spec, value) if spec.log else float(value)


def _slid(run_id: str, spec: FieldSpec, key: str) -> None:
    """Send where the slider was moved to, but not what the browser held before or after the server moved it."""
    value, store = st.session_state[key], resources.store()
    left = st.session_state.get(f"{key}.left", {})
    echo = time.monotonic() - left.get(value, -_ECHO) < _ECHO
    standing = current(store, resources.service().root, store.run(run_id)).shown()[spec.name]
    if not echo and value != _stop(spec, standing):
        _send(run_id, spec.name, value)


def _entered(run_id: str, name: str, key: str) -> None:
    """Send the number in the box."""
    _send(run_id, name, st.session_state[key])


def _send(run_id: str, name: str, value: float) -> None:
    """Request the value of the run; one that is not allowed is said and not sent."""
    try:
        changed(Config(), {name: value})
    except InputError as error:
        st.session_state[f"steer.problem.{run_id}"] = markdown_text(error)
        return
    service.steer(resources.service().root, run_id, name, value, WHO)
