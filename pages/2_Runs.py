"""Runs: a light table of everything saved."""

import pandas as pd
import streamlit as st

from gainakt.ui import frame, resources, tables, words
from gainakt.ui.text import markdown_text

frame.page("Runs", ":material/table_rows:")
store = resources.store()
search = st.text_input(
    "Search", placeholder="name, preset, id, status or data", key="search", bind="query-params",
    icon=":material/search:", label_visibility="collapsed",
)  # fmt: skip


SHORT = {"encoder1_auc": "AUC 1", "encoder2_auc": "AUC 2", "gain_std": "Gain std", "skill_gain_cv": "Gain CV",
         "response_gain_ratio": "Gain ratio", "mastery_correlation": "Mastery r"}  # fmt: skip


def _metric(name: str) -> object:
    label, help_text = words.METRICS[name]
    return st.column_config.NumberColumn(SHORT[name], help=f"{label}, test students. {help_text}", format="%.3f")


@st.fragment(run_every=2)
def table() -> None:
    """Runs in training with their progress, then the table."""
    runs = store.runs(search or "")
    for run in store.active():
        total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
        done = min(1.0, (run.step or 0) / total) if total else 0.0
        bar, link = st.columns([6, 1], vertical_alignment="center")
        bar.progress(done, text=f"{markdown_text(run.name)} · {run.status} · step {run.step or 0:,} of {total:,}")
        link.page_link(
            "pages/1_Train.py", label="Watch", icon=":material/visibility:", query_params={"run": run.run_id}
        )
    if runs.empty:
        st.info("No run matches." if search else "No runs yet; start one on the Train page.", icon=":material/info:")
        return
    _draw(runs, "runs-table")


def _draw(runs: pd.DataFrame, key: str) -> None:
    shown = runs.assign(
        created=runs["created"].map(words.when), open="Run?run=" + runs["run_id"],
        seconds=runs["seconds"].map(words.lasting),
    )  # fmt: skip
    st.dataframe(
        shown, hide_index=True, key=key, placeholder="–", height=tables.fitting(len(shown), 620),
        column_order=["open", "name", "status", "data", "created", *SHORT, "epochs", "seconds", "preset", "run_id"],
        column_config={
            "open": st.column_config.LinkColumn("", display_text="open", width=50),
            "name": st.column_config.TextColumn("Name", width=150), "status": "Status", "preset": "Preset",
            "data": st.column_config.TextColumn("Data", width=80), "epochs": "Epochs",
            "created": "Started",
            "seconds": "Took", "run_id": "Id",
            **{name: _metric(name) for name in SHORT},
        },
    )  # fmt: skip


table()
published = store.runs(search or "", published=True)
if len(published):
    with st.expander("Published records of the original study"):
        st.caption("Read-only, with what was published; the rest is missing. Comparable like any other run.")
        _draw(published, "published-table")
known = store.runs(published=None)
if len(known):
    tables.download(known, "runs", "runs")
names = {row.run_id: words.run_label(row) for row in known.itertuples()}
if len(names) > 1:
    picked = st.multiselect("Compare", list(names), format_func=names.get, placeholder="choose two or more runs")
    if st.button("Compare them", type="primary", icon=":material/compare:", disabled=len(picked) < 2):
        st.switch_page("pages/4_Compare.py", query_params={"runs": ",".join(picked)})
