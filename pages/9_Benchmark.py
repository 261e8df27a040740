"""Benchmark: plain and published models on the splits of your trainings, and what each freedom of Encoder 2 buys."""

import streamlit as st

from gainakt.analysis.benchmark import yardsticks
from gainakt.ui import frame, job, resources
from gainakt.ui.benchmark import start, view

frame.page("Benchmark", ":material/leaderboard:")
store = resources.store()
st.caption("Plain and published models on the same students as your trainings, so that an AUC has something beside it.")
done = yardsticks(store)
start.yardsticks(store, expanded=not done)
job.progress(start.JOB)
view.table(store, done)
st.divider()
view.curve(store)
