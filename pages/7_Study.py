"""Study: are true learning rates recovered, and how often do the tests raise a false alarm? Simulated classes."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.study import view

frame.page("Study", ":material/experiment:")
store = resources.store()
st.caption(
    "Trains on simulated students whose learning rates are known, and tests each run. It shows how well the rates are"
    " recovered, and how often the tests find that skills differ, where they do and where they do not."
)
finished = view.plan_form(store)
view.progress()
shown = st.segmented_control("Show", ["This study", "All studies"], default="This study", required=True)
view.curves(store, finished, shown == "All studies")
