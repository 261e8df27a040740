"""The steering controls of a run, a mixing desk: per live setting a slider, an exact number and a way back.

A control that is built anew loses the keyboard focus. So each keeps its key, place and arguments while the run trains,
all taken from the settings that the run began with; only its value moves, by session state.
"""

import math
import time
from functools import partial
from typing import Any

import streamlit as st

from gainakt.config import SECTIONS, Config, FieldSpec, changed, fields, flatten
from gainakt.config.effects import acts_on, no_effect
from gainakt.errors import InputError
from gainakt.jobs import service
from gainakt.ui import resources
from gainakt.ui.forms.fields import MANTISSAS, exact, log_stops, slider_step
from gainakt.ui.text import markdown_text, number
from gainakt.ui.train.setup import MAIN
from gainakt.ui.train.values import LiveValues, live

WHO = "dashboard"
IN_SIGHT = 6
"""Controls in sight; the others are folded by topic."""
_NEXT = ("training.learning_rate", "model.temperature_start", "model.dropout")
"""What comes into sight after the main settings and the weights in use."""
_ECHO = 3.0
"""Seconds in which a browser may still send the value that a slider stood at before the server moved it."""


def controls(run_id: str, start: Config, values: LiveValues) -> None:
    """The controls of all live settings, standing at `values`; `start` is the configuration that the run began with."""
    first, rest = layout(start)
    for name in first:
        _control(run_id, name, start, values)
    for section in dict.fromkeys(name.partition(".")[0] for name in rest):
        with st.expander(SECTIONS[section], key=f"steer.{run_id}.{section}"):
            for name in rest:
                if name.startswith(f"{section}."):
                    _control(run_id, name, start, values)
    if problem := st.session_state.pop(f"steer.problem.{run_id}", None):
        st.error(problem)


def layout(start: Config) -> tuple[list[str], list[str]]:
    """The names of the settings in sight, and of the rest: the form's main ones, then weights that began above 0."""
    specs, values = fields(), flatten(start)
    live_settings = [name for name, spec in specs.items() if spec.live]
    wanted = [name for name in MAIN if name in live_settings]
    wanted += [name for name in live_settings if name.startswith("weights.") and values[name]]
    wanted = [name for name in dict.fromkeys([*wanted, *_NEXT]) if not no_effect(name, start)]
    first = wanted[:IN_SIGHT]
    return first, [name for name in live_settings if name not in first]


def _control(run_id: str, name: str, start: Config, values: LiveValues) -> None:
    spec, key = fields()[name], f"steer.{run_id}.{name}"
    begun, value = flatten(start)[name], float(values.shown()[name])
    requested = changed(values.config, values.waiting)
    idle = no_effect(name, requested)
    with st.container(key=f"desk.{run_id}.{name}", gap=None):
        notes = [spec.help, acts_on(name, requested)]
        st.markdown(f":small[**{spec.label}**]", help="\n\n".join(markdown_text(text) for text in notes if text))
        slider_at, number_at, back_at = st.columns([10, 6, 2.4], vertical_alignment="center", gap="xsmall", wrap=False)
        stops = desk_stops(spec)
        with slider_at:
            _slider(run_id, spec, stops, (float(begun), value, bool(idle)))
        with number_at:
            box = _box_key(key, value)
            exact(spec, value, box, partial(_entered, run_id, name, (box, value)))
        back_at.button(
            "", icon=":material/undo:", key=f"{key}.back", type="tertiary", help=f"Back to {number(begun)}, the start",
            on_click=partial(_send, run_id, name, begun),
        )  # fmt: skip
        if idle:
            st.caption(markdown_text(idle))


def _slider(run_id: str, spec: FieldSpec, stops: list[float] | None, at: tuple[float, float, bool]) -> None:
    """A slider over stops that never change; `at`: the value at the start, the value now, whether it does nothing."""
    key = f"steer.{run_id}.{spec.name}"
    begun, value, idle = at
    _move(key, _stop(stops, value))
    shared: dict[str, Any] = {
        "key": key, "label_visibility": "collapsed", "disabled": idle, "on_change": partial(_slid, run_id, spec, key),
    }  # fmt: skip
    if stops is not None:
        st.select_slider(spec.label, stops, _stop(stops, begun), format_func=number, **shared)
    else:
        st.slider(
            spec.label, float(spec.low or 0), float(spec.high or 1), begun, slider_step(spec), format="%g", **shared
        )


def desk_stops(spec: FieldSpec) -> list[float] | None:
    """The stops of a slider on a log scale; None for a setting that a plain slider shows well.

    Where the configuration gives no such scale: twelve a decade, two decades to each side of the default.
    """
    if spec.log:
        return log_stops(spec)
    if slider_step(spec) is not None:
        return None
    middle = math.floor(math.log10(spec.default))
    stops = {float(f"{mantissa}e{decade}") for decade in range(middle - 2, middle + 3) for mantissa in MANTISSAS}
    low, high = spec.low or 0.0, math.inf if spec.high is None else spec.high
    ends = {bound for bound, open_end in ((low, spec.above), (high, spec.below)) if not open_end and bound < math.inf}
    return sorted({stop for stop in stops if low < stop < high} | {float(end) for end in ends} | {float(spec.default)})


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


def _stop(stops: list[float] | None, value: float) -> float:
    """Where a slider with these stops stands at this value."""
    return value if stops is None else min(stops, key=lambda stop: abs(stop - value))


def _slid(run_id: str, spec: FieldSpec, key: str) -> None:
    """Send where the slider was moved to, but not what the browser held before or after the server moved it."""
    value, store = st.session_state[key], resources.store()
    left = st.session_state.get(f"{key}.left", {})
    echo = time.monotonic() - left.get(value, -_ECHO) < _ECHO
    standing = live(store, resources.service().root, store.run(run_id)).shown()[spec.name]
    if not echo and value != _stop(desk_stops(spec), float(standing)):
        _send(run_id, spec.name, value)


def _entered(run_id: str, name: str, drawn: tuple[str, float]) -> None:
    """Send the number in the box, but not the one it was drawn with.

    A browser that has not heard yet that the box gave way to another one still sends its number, which is then new to
    the server.
    """
    key, value = drawn
    if st.session_state[key] != value:
        _send(run_id, name, st.session_state[key])


def _send(run_id: str, name: str, value: float) -> None:
    """Request the value of the run; one that is not allowed is said and not sent."""
    try:
        changed(Config(), {name: value})
    except InputError as error:
        st.session_state[f"steer.problem.{run_id}"] = markdown_text(error)
        return
    service.steer(resources.service().root, run_id, name, value, WHO)
