"""Runs: a light table of everything saved."""

import pandas as pd
import streamlit as st

from gainakt.ui import frame, resources, words
from gainakt.ui.text import markdown_text

frame.page("Runs", ":material/table_rows:")
store = resources.store()
search = st.text_input(
    "Search", placeholder="name, preset, id, status or data", key="search", bind="query-params",
    icon=":material/search:", label_visibility="collapsed",
)  # fmt: skip


def _metric(name: str, digits: int = 3) -> object:
    label, help_text = words.METRICS[name]
    return st.column_config.NumberColumn(label, help=f"{help_text} Test students.", format=f"%.{digits}f")


@st.fragment(run_every=2)
def table() -> None:
    """Runs in training with their progress, then the table."""
    runs = store.runs(search or "")
    for run in store.active():
        total = (run.steps_per_epoch or 0) * (run.max_epochs or 0)
        done = min(1.0, (run.step or 0) / total) if total else 0.0
        bar, link = st.columns([6, 1], vertical_alignment="center")
        bar.progress(done, text=f"{markdown_text(run.name)} · {run.status} · step {run.step or 0:,} of {total:,}")
        link.page_link("pages/1_Train.py", label="Watch", icon=":material/visibility:", query_params={"run": run.run_id})
    if runs.empty:
        st.info("No run matches." if search else "No runs yet; start one on the Train page.", icon=":material/info:")
        return
    shown = runs.assign(
        created=pd.to_datetime(runs["created"], unit="s"), open="Run?run=" + runs["run_id"],
        seconds=runs["seconds"].map(words.lasting),
    )  # fmt: skip
    st.dataframe(
        shown, hide_index=True, key="runs-table", placeholder="–", height=min(38 * (len(shown) + 1), 620),
        column_order=["open", "name", "status", "preset", "data", "created", "encoder1_auc", "encoder2_auc", "gain_std",
                      "skill_gain_cv", "response_gain_ratio", "mastery_correlation", "epochs", "seconds", "run_id"],
        column_config={
            "open": st.column_config.LinkColumn("", display_text="open", width="small"),
            "name": "Name", "status": "Status", "preset": "Preset", "data": "Data", "epochs": "Epochs",
            "created": st.column_config.DatetimeColumn("Started", format="YYYY-MM-DD HH:mm"),
            "seconds": "Took", "run_id": "Id",
            **{name: _metric(name) for name in ("encoder1_auc", "encoder2_auc", "gain_std", "skill_gain_cv",
                                                "response_gain_ratio", "mastery_correlation")},
        },
    )  # fmt: skip


table()
known = store.runs()
names = {row.run_id: f"{row.name} · {words.when(row.created)} · {row.run_id[-4:]}" for row in known.itertuples()}
if len(names) > 1:
    picked = st.multiselect("Compare", list(names), format_func=names.get, placeholder="choose two or more runs")
    if st.button("Compare them", type="primary", icon=":material/compare:", disabled=len(picked) < 2):
        st.switch_page("pages/4_Compare.py", query_params={"runs": ",".join(picked)})
