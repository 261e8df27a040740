"""Diagnosis: is a run's differentiation real, why did its gains come out so, and what to try next."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.diagnosis.verdict import badges, evidence, judged, progress
from gainakt.ui.diagnosis.view import gains, losses, next_step, report, training
from gainakt.ui.forms import run_choice
from gainakt.ui.run import yardstick

frame.page("Diagnosis", ":material/stethoscope:")
store = resources.store()
run_id = run_choice.one(store)
if store.run(run_id).yardstick:
    yardstick.says(store.run(run_id))
    st.stop()
insight = judged(store, run_id)
badges(insight)
progress(run_id)
PARTS = {
    "Verdict": evidence, "Losses and gradients": losses, "Gains and saturation": gains, "Training": training,
    "Next step": next_step,
}  # fmt: skip
*tabs, last = st.tabs([*PARTS, "Report"])
for tab, draw in zip(tabs, PARTS.values(), strict=True):
    with tab:
        draw(insight)
with last:
    report(store, insight, run_choice.labels(store))
