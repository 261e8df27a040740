"""Setting up a run: preset, data, the controls that matter, the rest folded by topic."""

from typing import Any

import streamlit as st

from gainakt import config as settings
from gainakt.config import Config, presets
from gainakt.config.effects import acts_on
from gainakt.ui import resources
from gainakt.ui.data import source as data_source
from gainakt.ui.forms.fields import settings_form, validated
from gainakt.ui.text import markdown_text, number

MAIN = ("weights.variance", "weights.encoder_priority", "model.gain_head", "model.accumulation",
        "training.max_epochs", "training.seed")  # fmt: skip
_TOPICS = {
    "weights": "Loss weights", "losses": "Loss forms", "model": "Model", "training": "Training", "regime": "Regime",
    "pressure": "Pressure on gains", "origin": "The original's faults", "data": "Data",
}  # fmt: skip
_OWN = ("data.path", "data.simulate")
_ORIGIN = "v3-phase1"


def new_run() -> None:
    """The form of a new run and its start button."""
    slots: dict[str, Any] = {}
    left, right = st.columns(2, gap="large")
    with left:
        preset = _preset()
        data = _data()
        name = st.text_input("Name", placeholder=preset, max_chars=200, key="run-name")
    base = presets.preset(preset)
    with right:
        changes = settings_form(base, f"new.{preset}", MAIN, columns=2, slots=slots)
    with st.expander("All settings"):
        for section, tab in zip(_TOPICS, st.tabs(list(_TOPICS.values())), strict=True):
            with tab:
                rest = [n for n in settings.fields() if n.startswith(f"{section}.") and n not in (*MAIN, *_OWN, *data)]
                changes |= settings_form(base, f"new.{preset}", rest, columns=3, slots=slots)
    chosen = validated(base, changes | data)
    if chosen is not None:
        _annotate(slots, base, chosen)
        _differences(base, chosen)
    if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=chosen is None) and chosen:
        run_id = resources.service().submit(chosen, name=name or preset, preset=preset)
        st.switch_page("pages/1_Train.py", query_params={"run": run_id})


def _preset() -> str:
    """The chosen preset's name; an idea can be put on the original's formulas."""
    name: str = st.selectbox(
        "Preset", list(presets.PRESETS), key="preset", bind="query-params",
        help="A named configuration; every control starts at its value.",
    )  # fmt: skip
    chosen = presets.PRESETS[name]
    st.caption(chosen.about)
    if chosen.expected:
        st.caption(
            f"Expected by the original analysis: {chosen.expected}. Measured: {presets.measured(name) or 'not yet'}."
        )
    if chosen.base == "corrected" and st.toggle(
        "On the original's formulas", key="preset-on-origin",
        help="Applies the idea to v3-phase1, where the original analysis would have tried it.",
    ):  # fmt: skip
        return f"{_ORIGIN}+{name}"
    return name


def _annotate(slots: dict[str, Any], base: Config, chosen: Config) -> None:
    """Under each control: the preset's value where it differs, and what a weight acts on in this setting."""
    changed = settings.difference(base, chosen)
    for name, slot in slots.items():
        said = [f":orange[preset: {markdown_text(number(changed[name][0]))}]"] if name in changed else []
        effect = acts_on(name, chosen)
        if effect and (name in MAIN or settings.flatten(chosen)[name]):
            said.append(markdown_text(effect))
        if said:
            slot.caption(" · ".join(said))


_SIMULATED, _FILE, _TAKEN = "Simulated class", "File on this machine", "Data page"


def _data() -> dict[str, Any]:
    """The data's settings: what was chosen on the Data page with all its choices, a plain path, or the small class."""
    taken = data_source.taken()
    usual = _TAKEN if taken else _FILE if "data" in st.query_params else _SIMULATED
    source = st.segmented_control(
        "Data", [*([_TAKEN] if taken else []), _SIMULATED, _FILE], default=usual, key="data-source", required=True
    )
    if taken and source == _TAKEN:
        st.caption(markdown_text(taken["label"]))
        settings_taken: dict[str, Any] = taken["settings"]
        return settings_taken
    st.page_link(
        "pages/5_Data.py", label="Upload, look at it first, or another class: Data", icon=":material/table_chart:"
    )
    if source == _SIMULATED:
        return {"data.path": ""}
    path = st.text_input(
        "Path", key="data-path", placeholder="../data/assist2015",
        help="A file or folder that this server can read, such as a folder with pyKT's train_valid.csv and test.csv.",
    )  # fmt: skip
    return {"data.path": path.strip()}


def _differences(base: Config, chosen: Config) -> None:
    known = settings.fields()
    changed = settings.difference(base, chosen)
    if changed:
        parts = [
            f"{known[n].label}: {markdown_text(old)} → **{markdown_text(new)}**" for n, (old, new) in changed.items()
        ]
        st.caption("Differs from the preset: " + "; ".join(parts))
