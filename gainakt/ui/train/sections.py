"""What is rarer, below the screen, one section at a time: losses, parameters, skills, gradients, saturation, events."""

import streamlit as st

from gainakt.store import Run, Store
from gainakt.ui import resources, tables, words
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.histograms import gain_map
from gainakt.ui.plots.live import live_plot
from gainakt.ui.plots.reading import at_moment
from gainakt.ui.run import view as run_view
from gainakt.ui.run.recorded import Curves, curves_of, stacked
from gainakt.ui.run.view import Look
from gainakt.ui.text import markdown_text

LOSSES, PARAMETERS, SKILLS, GAINS = "Losses", "Parameters", "Skills", "Gains over steps"
GRADIENTS, SATURATION, DEVICE, EVENTS = "Gradient shares", "Saturation", "Device", "Events"
SECTIONS = (LOSSES, PARAMETERS, SKILLS, GAINS, GRADIENTS, SATURATION, DEVICE, EVENTS)
_EVENTS = 500
"""The newest events that are listed; the Run page has them all."""
_STATE = {
    "state.curve_past": "next skills past saturation",
    "state.practice_past": "practice past saturation",
    "state.gains_at_edge": "gains within 0.01 of 0 or 1",
}


def choice() -> str:
    """The section that is shown, kept while the user visits other pages."""
    section: str = st.segmented_control(
        "Section",
        SECTIONS,
        default=LOSSES,
        required=True,
        key="train-section",
        label_visibility="collapsed",
        persist_state="session",
    )
    return section


def draw(run_id: str, section: str, look: Look, skills: tuple[str, int, str]) -> None:
    """One section of a run; `skills` are order, page and search of the skills."""
    store = resources.store()
    run = store.run(run_id)
    curves = curves_of(store, run_id)
    if section == LOSSES:
        run_view.losses(run, curves, look)
    elif section == PARAMETERS:
        run_view.parameters(store, run, look)
    elif section == SKILLS:
        run_view.skill_gains(store, run, *skills, look.at)
    elif section == GAINS:
        _gains(store, run, curves, look)
    elif section == GRADIENTS:
        _gradients(store, run, curves, look)
    elif section == SATURATION:
        _saturation(store, run, curves)
    elif section == DEVICE:
        _device(store, run, curves)
    elif section == EVENTS:
        tables.show(tables.events(curves.events.tail(_EVENTS)), most=460, widths={"Detail": 460})


def _gains(store: Store, run: Run, curves: Curves, look: Look) -> None:
    """The gain distribution over steps: brighter where more gains are."""
    recorded = curves.gains(store, "train")
    axes = Axes("Practised gains over steps: brighter, more gains", "step", "gain", 360)
    figure = gain_map(recorded["step"].to_numpy(), stacked(recorded["counts"]), axes)
    live_plot(f"gain-map-{run.run_id}", at_moment(figure, look.at))


def _gradients(store: Store, run: Run, curves: Curves, look: Look) -> None:
    """How strongly each loss term pulls on Encoder 2."""
    for place, (where, title) in zip(st.columns(2), words.GRADIENTS.items(), strict=True):
        start = f"gradient.{where}.share."
        shares = curves.read_all(store, start)
        names = words.terms(shares["name"].unique(), start)
        with place:
            figure = charts.lines(shares, names, None, curves.marks, Axes(title, "step", "share of norms"))
            live_plot(f"gradients-{where}-{run.run_id}", look.curves(figure))


def _saturation(store: Store, run: Run, curves: Curves) -> None:
    """How much of what Encoder 2 does lies where its curves are flat."""
    state = curves.read_all(store, "state.")
    axes = Axes("Saturation: shares of the validation students' interactions", "epoch", "share")
    live_plot(f"saturation-{run.run_id}", charts.lines(state, _STATE, None, None, axes))


_DEVICE = {
    "device.memory": ("Memory of the GPU that torch holds", "GiB"),
    "device.load": ("Load of the GPU", "share of time"),
}


def _device(store: Store, run: Run, curves: Curves) -> None:
    """Memory and load of the card that the run trains on."""
    series = curves.read_all(store, "device.")
    recorded = set(series["name"])
    if run.device is None:
        st.caption("Nothing yet: the run has not started.")
    elif not run.device.startswith("cuda"):
        st.caption(
            f"This run trains on the device {markdown_text(run.device)}. Memory and load are recorded on NVIDIA GPUs."
        )
    elif not recorded:
        st.caption("Nothing yet: memory and load come with the first recorded steps.")
    shown = [name for name in _DEVICE if name in recorded]
    for place, name in zip(st.columns(2) if shown else [], shown, strict=False):
        title, unit = _DEVICE[name]
        figure = charts.lines(series, {name: title}, None, curves.marks, Axes(title, "step", unit))
        with place:
            live_plot(f"{name}-{run.run_id}", figure)
    if shown and "device.load" not in recorded:
        st.caption("The load needs nvidia-ml-py where the run trains: pip install -e '.[gpu]'")
