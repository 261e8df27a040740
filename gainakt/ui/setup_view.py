"""Setting up a run: preset, data, the controls that matter, the rest folded by topic."""

import streamlit as st

from gainakt import config as settings
from gainakt import presets
from gainakt.config import Config
from gainakt.ui import resources
from gainakt.ui.forms import settings_form, validated
from gainakt.ui.text import markdown_text

MAIN = ("weights.variance", "weights.bce", "weights.contrastive", "weights.beta_spread",
        "training.max_epochs", "training.seed")  # fmt: skip
_TOPICS = {"model": "Model", "losses": "Losses", "training": "Training", "data": "Data"}
_OWN = ("data.path", "data.simulate")


def new_run() -> None:
    """The form of a new run and its start button."""
    left, right = st.columns(2, gap="large")
    with left:
        preset = st.selectbox(
            "Preset", list(presets.PRESETS), key="preset", bind="query-params",
            help="A named configuration; every control below starts at its value.",
        )  # fmt: skip
        st.caption(presets.PRESETS[preset].about)
        data = _data()
        name = st.text_input("Name", placeholder=preset, max_chars=200, key="run-name")
    base = presets.preset(preset)
    with right:
        changes = settings_form(base, f"new.{preset}", MAIN, columns=2)
    with st.expander("All settings"):
        for section, tab in zip(_TOPICS, st.tabs(list(_TOPICS.values())), strict=True):
            with tab:
                rest = [n for n in settings.fields() if n.startswith(f"{section}.") and n not in (*MAIN, *_OWN)]
                changes |= settings_form(base, f"new.{preset}", rest, columns=3)
    chosen = validated(base, changes | data)
    _differences(base, chosen)
    if st.button("Start training", type="primary", icon=":material/play_arrow:", disabled=chosen is None) and chosen:
        run_id = resources.service().submit(chosen, name=name or preset, preset=preset)
        st.query_params.clear()
        st.query_params["run"] = run_id
        st.rerun()


def _data() -> dict[str, str]:
    source = st.segmented_control(
        "Data", ["Simulated class", "File on this machine"], key="data-source", required=True,
        default="File on this machine" if "data" in st.query_params else "Simulated class",
    )  # fmt: skip
    if source == "Simulated class":
        return {"data.path": ""}
    path = st.text_input(
        "Path", key="data-path", placeholder="../data/assist2015",
        help="A file or folder that this server can read, such as a folder with pyKT's train_valid.csv and test.csv.",
    )  # fmt: skip
    return {"data.path": path.strip()}


def _differences(base: Config, chosen: Config | None) -> None:
    if chosen is None:
        return
    known = settings.fields()
    changed = settings.difference(base, chosen)
    if changed:
        parts = [
            f"{known[n].label}: {markdown_text(old)} → **{markdown_text(new)}**" for n, (old, new) in changed.items()
        ]
        st.caption("Differs from the preset: " + "; ".join(parts))
