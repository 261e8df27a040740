"""A yardstick's run: what it is, its predictions, its numbers; it has no gains, skills' parameters or curves."""

import streamlit as st

from gainakt.analysis.benchmark import YARDSTICKS
from gainakt.store import Run, Store
from gainakt.ui import tables
from gainakt.ui.run.accuracy import accuracy
from gainakt.ui.text import markdown_text


def says(run: Run) -> None:
    """That the run is a yardstick, and which; with the way to the table of all."""
    known = YARDSTICKS.get(run.yardstick)
    what = f"{known.label}. {known.about}" if known else run.yardstick
    st.info(f"A yardstick, which keeps its predictions and no model: {markdown_text(what)}",
            icon=":material/straighten:")  # fmt: skip
    st.page_link("pages/9_Benchmark.py", label="Beside the others", icon=":material/leaderboard:")


def draw(store: Store, run: Run) -> None:
    """All that is saved of it."""
    says(run)
    if run.error:
        st.error(markdown_text(run.error), icon=":material/error:")
    predictions, numbers, configuration = st.tabs(["Predictions", "Numbers", "Configuration"])
    with predictions:
        accuracy(store, run)
    with numbers:
        tables.show(tables.by_split(store.metrics([run.run_id])), widths={"Measure": 230, "What it is": 600})
    with configuration:
        settings, surroundings = st.columns(2)
        with settings:
            st.markdown("###### Settings of the data")
            tables.show(tables.settings(run), most=700)
        with surroundings:
            st.markdown("###### Data, machine, versions")
            stated = {"settings of the yardstick": run.lineage["benchmark"].get("settings") or "none"}
            tables.show(tables.surroundings(run, stated), most=700, widths={"What": 210, "Value": 210})
