"""Widgets made from the configuration's fields: label, help, bounds and choices come from the field."""

import math
from collections.abc import Iterable
from typing import Any

import streamlit as st

from gainakt.config import Config, FieldSpec, changed, fields, flatten
from gainakt.errors import InputError, read_only
from gainakt.ui.text import markdown_text, number

LOG_START = 0.001
MANTISSAS = (1, 1.2, 1.5, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8)
RESOLUTION = 100
"""Steps that a plain slider has over its range."""


def widget(spec: FieldSpec, value: Any, key: str) -> Any:
    """The widget that fits the field, standing at `value` at first; returns what it holds now.

    The user's choice is kept under `key` across pages: what resets it (a preset's name, a run's id) belongs in the key.
    """
    shared: dict[str, Any] = {"key": key, "help": spec.help, "persist_state": "session"}
    if spec.choices:
        return st.selectbox(spec.label, spec.choices, spec.choices.index(value), **shared)
    if spec.kind is bool:
        return st.toggle(spec.label, value, **shared)
    if spec.kind is str:
        return st.text_input(spec.label, value, **shared)
    if spec.log:
        return st.select_slider(spec.label, log_stops(spec, value), float(value), format_func=number, **shared)
    if spec.kind is int:
        low, high = _whole(spec.low), _whole(spec.high)
        return st.number_input(spec.label, low, high, int(value), step=1, **shared)
    step = slider_step(spec)
    if step is not None:
        return st.slider(spec.label, _real(spec.low), _real(spec.high), float(value), step, format="%g", **shared)
    pace = nice((spec.default or 0.1) / 10)
    return st.number_input(
        spec.label, _real(spec.low), _real(spec.high), float(value), step=pace, format="%g", **shared
    )


def exact(spec: FieldSpec, value: float, key: str) -> None:
    """A box beside the slider for a number between its stops."""
    st.number_input(
        f"{spec.label}, exact value",
        _real(spec.low),
        _real(spec.high),
        float(value),
        key=key,
        step=nice((spec.default or 0.1) / 10),
        format="%g",
        label_visibility="collapsed",
        disabled=read_only(),
    )


def settings_form(
    config: Config, key: str, names: Iterable[str], *, columns: int = 1, slots: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Widgets of the named fields, at the configuration's values; returns dotted name -> value where changed.

    `slots` gets, by name, an empty place under each widget.
    """
    specs, values = fields(), flatten(config)
    changes: dict[str, Any] = {}
    places: list[Any] = []
    for position, name in enumerate(names):
        places = places if position % columns else st.columns(columns)  # a row each, so that rows line up
        with places[position % columns]:
            held = widget(specs[name], values[name], f"{key}.{name}")
            if slots is not None:
                slots[name] = st.empty()
        if held != values[name]:
            changes[name] = held
    return changes


def validated(config: Config, changes: dict[str, Any]) -> Config | None:
    """The changed configuration, or None with the reason on the page where a value is not allowed."""
    try:
        return changed(config, changes)
    except InputError as error:
        st.error(markdown_text(error))
        return None


def log_stops(spec: FieldSpec, value: float | None = None) -> list[float]:
    """0 (where allowed), then twelve stops per decade from 0.001 to the bound, and `value` where one is given."""
    low, high = spec.low or 0.0, spec.high if spec.high is not None else 1e4
    start = math.floor(math.log10(max(low, LOG_START)))
    decades = range(start, math.ceil(math.log10(high)) + 1)
    stops = {float(f"{mantissa}e{decade}") for decade in decades for mantissa in MANTISSAS}
    held = {stop for stop in stops if max(low, LOG_START) <= stop <= high} | {float(low), float(high)}
    return sorted(held | ({float(value)} if value is not None else set()))


def slider_step(spec: FieldSpec) -> float | None:
    """The step of a plain slider for a bounded field, None where a slider could not show the default well."""
    if spec.low is None or spec.high is None:
        return None
    step = nice((spec.high - spec.low) / RESOLUTION)
    aligned = all(math.isclose(v / step, round(v / step), abs_tol=1e-6) for v in (spec.low, spec.high, spec.default))
    visible = spec.default == 0 or abs(spec.default) >= 10 * step
    return step if aligned and visible else None


def nice(value: float) -> float:
    """The nearest of 1, 2 or 5 times a power of ten at or below the (positive) value."""
    power = math.floor(math.log10(value) + 1e-9)
    mantissa = max(m for m in (1, 2, 5) if m <= value / 10**power + 1e-9)
    return float(f"{mantissa}e{power}")


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _real(bound: float | None) -> float | None:
    return None if bound is None else float(bound)
