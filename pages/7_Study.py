"""Study: is the truth found, and does noise fool the tests? Simulated classes, swept over seeds."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.study import view as study_view

frame.page("Study", ":material/experiment:")
store = resources.store()
st.caption(
    "Simulated students with known learning rates are trained on and tested: how well the rates are recovered, how"
    " often a difference between skills is found where there is one, and where there is none."
)
plan = study_view.plan_form(store)
study_view.progress()
every = st.segmented_control("Show", ["This study", "All studies"], default="This study", required=True)
study_view.curves(store, plan, every == "All studies")
