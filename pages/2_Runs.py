"""Runs: a table of all runs, and the published records."""

import pandas as pd
import streamlit as st

from gainakt.measures.registry import shown_in
from gainakt.ui import frame, resources, tables, words
from gainakt.ui.forms import run_choice
from gainakt.ui.run.kin import badges
from gainakt.ui.run.view import progress_text
from gainakt.ui.text import markdown_text, shortened

COLUMNS = shown_in("runs")
ORIGIN_HELP = (
    "steered: a setting was changed while it trained. branch: trained on from a kept moment of another run. replay:"
    " another run trained again. twin: a steered run trained as if nobody had touched it. sweep: a trial of a sweep."
)
frame.page("Runs", ":material/table_rows:")
store = resources.store()
search = st.text_input(
    "Search", placeholder="name, preset, id, status or data", key="search", bind="query-params",
    icon=":material/search:", label_visibility="collapsed",
)  # fmt: skip


@st.fragment(run_every=2)
def table() -> None:
    """Active runs with their progress, then the table."""
    runs = store.runs(search or "")
    for run in store.active():
        total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
        done = min(1.0, (run.step or 0) / total) if total else 0.0
        bar, link = st.columns([6, 1], vertical_alignment="center")
        bar.progress(
            done, text=f"{markdown_text(shortened(run.name, 60))} · {progress_text(run, store.began(run.run_id))}"
        )
        link.page_link(
            "pages/1_Train.py", label="Watch", icon=":material/visibility:", query_params={"run": run.run_id}
        )
    if runs.empty:
        st.info("No run matches." if search else words.NO_RUNS, icon=":material/info:")
        return
    _draw(runs, "runs-table")


def _draw(runs: pd.DataFrame, key: str) -> None:
    origins = store.origins()
    shown = runs.assign(
        created=runs["created"].map(words.when), open="Run?run=" + runs["run_id"],
        seconds=runs["seconds"].map(words.lasting),
        origin=[badges(*origins.get(run_id, ({}, False))) for run_id in runs["run_id"]],
    )  # fmt: skip
    st.dataframe(
        shown, hide_index=True, key=key, placeholder="–", height=tables.fitting(len(shown), 620),
        column_order=["open", "name", "status", "origin", "data", "created", *COLUMNS, "epochs", "seconds", "preset",
                      "run_id"],
        column_config={
            "open": st.column_config.LinkColumn("", display_text="open", width=44),
            "name": st.column_config.TextColumn("Name", width=116), "status": "Status", "preset": "Preset",
            "origin": st.column_config.ListColumn("Origin", width=106, help=ORIGIN_HELP),
            "data": st.column_config.TextColumn("Data", width=60), "epochs": "Epochs",
            "created": "Created", "seconds": "Took", "run_id": "Run id",
            **{name: tables.short_column(measure) for name, measure in COLUMNS.items()},
        },
    )  # fmt: skip


table()
published = store.runs(search or "", published=True)
if len(published):
    with st.expander("Published records of the original study"):
        st.caption("Read-only. They hold what was published and nothing else; compare them like any other run.")
        _draw(published, "published-table")
labels = run_choice.labels(store)
if labels:
    tables.download(store.runs(published=None), "runs", "runs")
if len(labels) > 1:
    picked = st.multiselect("Compare", list(labels), format_func=labels.get, placeholder="Choose two or more runs")
    if st.button("Compare", type="primary", icon=":material/compare:", disabled=len(picked) < 2):
        st.switch_page("pages/4_Compare.py", query_params={"runs": ",".join(picked)})
