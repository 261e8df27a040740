"""The steering controls of a run, a mixing desk: per live setting a slider, an exact number and a way back.

A control that is built anew loses the keyboard focus. So each keeps its key, place and arguments while the run trains,
all taken from the settings that the run began with; only its value moves, by session state.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from gainakt.config import SECTIONS, Config, FieldSpec, changed, fields, flatten
from gainakt.config.effects import acts_on, no_effect
from gainakt.errors import InputError, read_only
from gainakt.jobs import service
from gainakt.ui import resources
from gainakt.ui.forms.fields import MANTISSAS, exact, log_stops, slider_step
from gainakt.ui.text import markdown_text, number
from gainakt.ui.train.setup import MAIN
from gainakt.ui.train.values import LiveValues
from gainakt.ui.visitors import owners

IN_SIGHT = 6
"""Controls in sight; the others are folded by topic."""
_NEXT = ("training.learning_rate", "model.temperature_start", "model.dropout")
"""What comes into sight after the main settings and the weights in use."""
_ECHO = 3.0
"""Least seconds in which a browser may still send the value that a slider stood at before the server moved it."""


def controls(run_id: str, start: Config, values: LiveValues) -> None:
    """The controls of all live settings, standing at `values`; `start` is the configuration that the run began with."""
    first, rest = layout(start)
    _stands(run_id).fresh = True
    requested = changed(values.config, values.waiting)
    begun, standing = flatten(start), flatten(requested)

    def draw(name: str) -> None:
        _control(run_id, name, float(begun[name]), float(standing[name]), requested)

    for name in first:
        draw(name)
    for section in dict.fromkeys(name.partition(".")[0] for name in rest):
        with st.expander(SECTIONS[section], key=f"steer.{run_id}.{section}"):
            for name in rest:
                if name.startswith(f"{section}."):
                    draw(name)
    if problem := st.session_state.pop(f"steer.problem.{run_id}", None):
        st.error(problem)


def send_moves(run_id: str) -> None:
    """Request of the run what was moved in this tab; what is not allowed is said, and the control goes back.

    No callback does this: Streamlit drops one when the next event of the page arrives while it runs.
    """
    stands = _stands(run_id)
    for key in moved(run_id):
        value, name = st.session_state[key], key.split("/")[1]
        if (key, value) in stands.left:
            st.session_state[key] = stands.at[key]
            continue
        try:
            changed(Config(), {name: value})
        except InputError as error:
            st.session_state[f"steer.problem.{run_id}"] = markdown_text(error)
            st.session_state[key] = stands.at[key]
            continue
        _send(run_id, name, value)
        stands.at[key] = value


def moved(run_id: str) -> list[str]:
    """The keys of the controls that were moved in this tab and whose value was not sent yet."""
    return [key for key, at in _stands(run_id).at.items() if st.session_state.get(key, at) != at]


def heard(run_id: str) -> None:
    """At a tick that drew no control: note which sliders the browser has where the server moved them.

    Until it has, a value that a slider was moved away from is no request, however slow the browser is.
    """
    stands = _stands(run_id)
    if not stands.fresh:
        late = time.monotonic() - _ECHO
        for (key, value), moment in list(stands.left.items()):
            if moment < late and st.session_state.get(key) == stands.at[key]:
                del stands.left[key, value]
    stands.fresh = False


def layout(start: Config) -> tuple[list[str], list[str]]:
    """The names of the settings in sight, and of the rest: the form's main ones, then weights that began above 0."""
    specs, values = fields(), flatten(start)
    live_settings = [name for name, spec in specs.items() if spec.live]
    wanted = [name for name in MAIN if name in live_settings]
    wanted += [name for name in live_settings if name.startswith("weights.") and values[name]]
    wanted = [name for name in dict.fromkeys([*wanted, *_NEXT]) if not no_effect(name, start)]
    first = wanted[:IN_SIGHT]
    return first, [name for name in live_settings if name not in first]


def desk_stops(spec: FieldSpec, begun: float) -> list[float] | None:
    """The stops of a slider on a log scale, `begun` among them; None for a setting that a plain slider shows well.

    Where the configuration gives no such scale: twelve a decade, two decades to each side of the default.
    """
    if spec.log:
        return log_stops(spec, begun)
    if slider_step(spec) is not None:
        return None
    middle = math.floor(math.log10(spec.default))
    stops = {float(f"{mantissa}e{decade}") for decade in range(middle - 2, middle + 3) for mantissa in MANTISSAS}
    low, high = spec.low or 0.0, math.inf if spec.high is None else spec.high
    ends = {bound for bound, open_end in ((low, spec.above), (high, spec.below)) if not open_end and bound < math.inf}
    return sorted(
        {stop for stop in stops if low < stop < high} | {float(end) for end in ends} | {float(spec.default), begun}
    )


@dataclass
class _Stands:
    """Where this tab's controls of a run stand, by key; `boxes` counts the boxes that a slider has had.

    `left` has the moments at which a slider was moved away from a value by the server, until the browser has `heard`.
    `fresh` controls were drawn since the last tick: what they stand at may be the server's own word.
    """

    at: dict[str, float] = field(default_factory=dict)
    left: dict[tuple[str, float], float] = field(default_factory=dict)
    boxes: dict[str, int] = field(default_factory=dict)
    fresh: bool = False


def _stands(run_id: str) -> _Stands:
    stands: _Stands = st.session_state.setdefault(f"steer.stands.{run_id}", _Stands())
    return stands


def _control(run_id: str, name: str, begun: float, value: float, requested: Config) -> None:
    spec, key, stands = fields()[name], f"steer/{name}/{run_id}", _stands(run_id)
    idle = no_effect(name, requested)
    with st.container(key=f"desk.{run_id}.{name}", gap=None):
        notes = [spec.help, acts_on(name, requested)]
        st.markdown(f":small[**{spec.label}**]", help="\n\n".join(markdown_text(text) for text in notes if text))
        slider_at, number_at, back_at = st.columns([10, 6, 2.4], vertical_alignment="center", gap="xsmall", wrap=False)
        with slider_at:
            _slider(spec, key, (begun, value), bool(idle) or read_only(), stands)
        with number_at:
            exact(spec, value, _box(key, value, stands))
        if back_at.button(
            "",
            icon=":material/undo:",
            key=f"{key}/back",
            type="tertiary",
            **owners(help=f"Back to {number(begun)}, the start"),
        ):
            _send(run_id, name, begun)
            st.rerun(scope="fragment")
        if idle:
            st.caption(markdown_text(idle))


def nearest(stops: list[float], value: float) -> float:
    """The stop nearest to a value; 0 stands for 0 alone."""
    return min((stop for stop in stops if bool(stop) == bool(value)), key=lambda stop: abs(stop - value))


def _slider(spec: FieldSpec, key: str, values: tuple[float, float], idle: bool, stands: _Stands) -> None:
    """A slider over stops that never change; it stands at the stop nearest to the value.

    That is its default too: a slow browser may build a slider anew, begins at its default, and sends that.
    """
    begun, value = values
    stops = desk_stops(spec, begun)
    stand = value if stops is None else nearest(stops, value)
    _move(key, stand, stands)
    shared: dict[str, Any] = {"key": key, "label_visibility": "collapsed", "disabled": idle}
    if stops is not None:
        st.select_slider(spec.label, stops, stand, format_func=number, **shared)
    else:
        low, high = float(spec.low or 0), float(spec.high or 1)
        st.slider(spec.label, low, high, stand, slider_step(spec), format="%g", **shared)


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


def _send(run_id: str, name: str, value: float) -> None:
    service.steer(resources.service().root, run_id, name, value, resources.WHO)
