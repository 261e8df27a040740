"""The steering controls of a run: a slider and an exact number for each live setting.

A control that is built anew loses the keyboard focus. So each keeps its key, place and arguments while the run trains,
all taken from the settings that the run began with; only its value moves, by session state.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from gainakt.config import Config, FieldSpec, changed, fields, flatten
from gainakt.errors import InputError
from gainakt.jobs import service
from gainakt.ui import resources
from gainakt.ui.forms.fields import exact, nearest_stop, slider
from gainakt.ui.text import markdown_text
from gainakt.ui.train.setup import MAIN
from gainakt.ui.train.values import LiveValues

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
    _row(run_id, first, values)
    with st.expander("More live settings"):
        _row(run_id, rest, values)
    if problem := st.session_state.pop(f"steer.problem.{run_id}", None):
        st.error(problem)


def send_moves(run_id: str) -> None:
    """Request of the run what was moved in this tab; what is not allowed is said, and the control goes back.

    No callback does this: Streamlit drops one when the next event of the page arrives while it runs.
    """
    root, stands = resources.service().root, _stands(run_id)
    for key in moved(run_id):
        value, name = st.session_state[key], key.split("/")[1]
        if time.monotonic() - stands.left.get((key, value), -_ECHO) < _ECHO:
            st.session_state[key] = stands.at[key]
            continue
        try:
            changed(Config(), {name: value})
        except InputError as error:
            st.session_state[f"steer.problem.{run_id}"] = markdown_text(error)
            st.session_state[key] = stands.at[key]
            continue
        service.steer(root, run_id, name, value, WHO)
        stands.at[key] = value


def moved(run_id: str) -> list[str]:
    """The keys of the controls that were moved in this tab and whose value was not sent yet."""
    return [key for key, at in _stands(run_id).at.items() if st.session_state.get(key, at) != at]


def layout(start: Config) -> tuple[list[str], list[str]]:
    """The names of the settings in sight, and of the rest: the form's main ones, then weights that began above 0."""
    specs, values = fields(), flatten(start)
    live = [name for name, spec in specs.items() if spec.live]
    wanted = [name for name in MAIN if name in live]
    wanted += [name for name in live if name.startswith("weights.") and values[name] and name not in wanted]
    first = wanted[:IN_SIGHT]
    return first, [name for name in live if name not in first]


@dataclass
class _Stands:
    """Where this tab's controls of a run stand, by key; `boxes` counts the boxes that a slider has had.

    `left` has the moments at which a slider was moved away from a value by the server.
    """

    at: dict[str, float] = field(default_factory=dict)
    left: dict[tuple[str, float], float] = field(default_factory=dict)
    boxes: dict[str, int] = field(default_factory=dict)


def _stands(run_id: str) -> _Stands:
    stands: _Stands = st.session_state.setdefault(f"steer.stands.{run_id}", _Stands())
    return stands


def _row(run_id: str, names: list[str], values: LiveValues) -> None:
    specs, shown, stands = fields(), values.shown(), _stands(run_id)
    places: list[Any] = []
    for position, name in enumerate(names):
        places = places if position % IN_SIGHT else st.columns(IN_SIGHT, vertical_alignment="bottom")
        with places[position % IN_SIGHT]:
            _control(f"steer/{name}/{run_id}", specs[name], float(shown[name]), stands)


def _control(key: str, spec: FieldSpec, value: float, stands: _Stands) -> None:
    help_text = f"{spec.help}\n\n{_ONLY_IF[spec.name]}" if spec.name in _ONLY_IF else spec.help
    slider_at, number_at = st.columns([5, 3], vertical_alignment="bottom", gap="small")
    with slider_at:
        _move(key, nearest_stop(spec, value) if spec.log else value, stands)
        slider(spec, key, help_text)
    with number_at:
        exact(spec, value, _box(key, value, stands))


def _move(key: str, value: float, stands: _Stands) -> None:
    """Put a slider where its setting stands; untouched where it stands there, as it may be under the hand."""
    before = stands.at.get(key)
    if key not in st.session_state or before not in (None, value):
        if before is not None:
            stands.left[key, before] = time.monotonic()
        stands.left.pop((key, value), None)
        st.session_state[key] = value
    stands.at[key] = value


def _box(key: str, value: float, stands: _Stands) -> str:
    """The key of the exact number: another one whenever its setting was changed by anything but the box itself.

    A box that followed the slider under one key would send its last number back when the slider moves fast, because
    the browser has not heard of the new one yet. A new box has nothing to send.
    """
    box = f"{key}/{stands.boxes.setdefault(key, 0)}"
    if stands.at.get(box, value) != value or st.session_state.get(box, value) != value:
        stands.at.pop(box, None)
        stands.boxes[key] += 1
        box = f"{key}/{stands.boxes[key]}"
    stands.at[box] = value
    return box
