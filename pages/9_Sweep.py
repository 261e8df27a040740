"""Sweep: settings tried in all combinations, or searched, over seeds; what they do to the measures, live."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.sweep import view

frame.page("Sweep", ":material/grid_view:")
resources.store()
left, right = st.columns([3, 7], gap="large")
with left:
    folder = view.chosen()
if folder is None:
    st.stop()
with left:
    text = view.plan(folder)
with right:
    view.actions(folder, text)
    view.progress(folder)
    view.results(folder)
