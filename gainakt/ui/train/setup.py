"""The form of a new run: preset, data, the main settings, the others folded by topic."""

from typing import Any

import streamlit as st

from gainakt.config import Config, difference, fields, flatten, presets
from gainakt.config.effects import acts_on
from gainakt.errors import InputError
from gainakt.store.facts import results_of
from gainakt.store.values import as_json
from gainakt.ui import resources, words
from gainakt.ui.data import places
from gainakt.ui.data import source as data_source
from gainakt.ui.forms.fields import settings_form, validated
from gainakt.ui.text import markdown_text, number, shortened
from gainakt.ui.visitors import end_here

MAIN = (
    "weights.variance",
    "weights.encoder_priority",
    "model.gain_head",
    "model.accumulation",
    "training.max_epochs",
    "training.seed",
)
_TOPICS = {
    "weights": "Loss weights",
    "losses": "Loss forms",
    "model": "Model",
    "training": "Training",
    "regime": "Training phases",
    "pressure": "Constraints on gains",
    "origin": "Faults of the original study",
    "data": "Data",
}
_CHOSEN_ABOVE = ("data.path", "data.simulate", "training.device")
_ORIGIN = "v3-phase1"


def new_run() -> None:
    """The form of a new run and its start button."""
    end_here()
    slots: dict[str, Any] = {}
    left, right = st.columns(2, gap="large")
    with left:
        preset = _preset()
        data = _data()
        name = st.text_input(
            "Name",
            placeholder=preset,
            max_chars=200,
            key="run-name",
            help="Names the run in lists and charts; the preset's name if empty.",
        )
        device = _device()
    base = presets.preset(preset)
    with right:
        changes = settings_form(base, f"new.{preset}", MAIN, columns=2, slots=slots)
    with st.expander("All settings"):
        for section, tab in zip(_TOPICS, st.tabs(list(_TOPICS.values())), strict=True):
            with tab:
                rest = [n for n in fields() if n.startswith(f"{section}.") and n not in (*MAIN, *_CHOSEN_ABOVE, *data)]
                changes |= settings_form(base, f"new.{preset}", rest, columns=3, slots=slots)
    chosen = _within_reach(validated(base, changes | data | device))
    if chosen is not None:
        _annotate(slots, base, chosen)
        _differences(base, chosen)
        tried(chosen)
    if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=chosen is None) and chosen:
        run_id = resources.service().submit(chosen, name=name or preset, preset=preset)
        st.switch_page("pages/1_Train.py", query_params={"run": run_id})


def _within_reach(chosen: Config | None) -> Config | None:
    """The configuration, unless its data lie outside the folders that pages may read, which the page then says."""
    try:
        if chosen:
            places.check(chosen.data)
    except InputError as error:
        st.error(markdown_text(error))
        return None
    return chosen


def _preset() -> str:
    """The chosen preset's name; most can be applied to the original study's settings."""
    name: str = st.selectbox(
        "Preset",
        list(presets.PRESETS),
        key="preset",
        bind="query-params",
        help="A named configuration. It sets every control below to its value.",
    )
    chosen = presets.PRESETS[name]
    st.caption(chosen.about)
    if chosen.expected:
        st.caption(
            f"Expected by the original study: {chosen.expected}. Measured: {presets.measured(name) or 'not yet'}."
        )
    if (
        chosen.base == "without-level"
        and name != "corrected"
        and st.toggle(
            "Apply to the original study's settings",
            key="preset-on-origin",
            help="Starts from v3-phase1, the settings of the original study, in place of without-level.",
        )
    ):
        return f"{_ORIGIN}+{name}"
    return name


def _annotate(slots: dict[str, Any], base: Config, chosen: Config) -> None:
    """Under each control: the preset's value where it differs, and what a weight acts on in this setting."""
    changed = difference(base, chosen)
    for name, slot in slots.items():
        notes = [f":orange[preset: {markdown_text(number(changed[name][0]))}]"] if name in changed else []
        effect = acts_on(name, chosen)
        if effect and (name in MAIN or flatten(chosen)[name]):
            notes.append(markdown_text(effect))
        if notes:
            slot.caption(" · ".join(notes))


_SIMULATED, _FILE, _CHOSEN = "Simulated students", "File on this machine", "From the Data page"


def _data() -> dict[str, Any]:
    """The data's settings: as chosen on the Data page, a plain path, or the preset's simulated students."""
    chosen = data_source.chosen_for_training()
    usual = _CHOSEN if chosen else _FILE if "data" in st.query_params else _SIMULATED
    source = st.segmented_control(
        "Data", [*([_CHOSEN] if chosen else []), _SIMULATED, _FILE], default=usual, key="data-source", required=True
    )
    if chosen and source == _CHOSEN:
        st.caption(markdown_text(chosen["label"]))
        settings: dict[str, Any] = chosen["settings"]
        return settings
    st.page_link("pages/5_Data.py", label="Upload or inspect data on the Data page", icon=":material/table_chart:")
    if source == _SIMULATED:
        return {"data.path": ""}
    path = st.text_input(
        "Path",
        key="data-path",
        placeholder="../data/assist2015",
        help="On the machine that runs this server: a file, or a folder such as pyKT's train_valid.csv and test.csv.",
    )
    return {"data.path": path.strip()}


_AUTOMATIC = "auto"


def _device() -> dict[str, Any]:
    """The device to train on, from those of this machine."""
    there = {one.setting: one.label for one in resources.devices()}
    first = next(iter(there.values())).partition(":")[0]
    labels = {_AUTOMATIC: f"Automatic: {first}", **there}
    device: str = st.selectbox(
        "Device",
        list(labels),
        format_func=lambda setting: labels.get(setting, setting),
        key="device",
        persist_state="session",
        help="Where the model trains, with memory and load of a few seconds ago. GPUs are those that nvidia-smi lists."
        + (" It lists none here." if not any(name.startswith("cuda") for name in there) else ""),
    )
    return {"training.device": device} if device != _AUTOMATIC else {}


def _differences(base: Config, chosen: Config) -> None:
    specs = fields()
    differing = difference(base, chosen)
    if differing:
        parts = [
            f"{specs[name].label}: {markdown_text(old)} → **{markdown_text(new)}**"
            for name, (old, new) in differing.items()
        ]
        st.caption("Differs from the preset: " + "; ".join(parts))


_LISTED = 3
"""Earlier runs of the same configuration that are named."""


def tried(chosen: Config) -> None:
    """The finished runs of this very configuration with their results, and how many seeds of it have finished."""
    store = resources.store()
    alike = [
        run
        for run in store.same_config(as_json(chosen.model_dump()), any_seed=True)
        if run.status == "finished" and "step" not in run.lineage
    ]
    same = [run for run in alike if run.seed == chosen.training.seed]
    others = len({run.seed for run in alike} - {chosen.training.seed})
    seeds = f"{others} other seed{'s' if others > 1 else ''} of it {'have' if others > 1 else 'has'} finished"
    if not same:
        if others:
            st.caption(f":material/history: This configuration is new with seed {chosen.training.seed}; {seeds}.")
        return
    results, origins = results_of(store, [run.run_id for run in same]), store.origins()
    with st.container(border=True, key="tried"):
        st.markdown(f":material/history: **You have tried this configuration.**{f' Also, {seeds}.' if others else ''}")
        for run in same[: -_LISTED - 1 : -1]:
            measured = results.get(run.run_id, {}).get("test", {})
            numbers = ", ".join(f"{label} {number(measured.get(name), 3)}" for name, label in _RESULT.items())
            steered = ", steered" if origins.get(run.run_id, ({}, False))[1] else ""
            link, result = st.columns([1, 2], vertical_alignment="center")
            label = markdown_text(f"{shortened(run.name, 40)}{steered}, {words.when(run.created)}")
            link.page_link("pages/3_Run.py", label=label, query_params={"run": run.run_id})
            result.caption(numbers)
        if len(same) > _LISTED:
            st.caption(f"and {len(same) - _LISTED} more")


_RESULT = {"encoder1_auc": "AUC 1", "encoder2_auc": "AUC 2", "gain_std": "gain std"}
