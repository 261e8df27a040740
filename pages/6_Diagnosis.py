"""Diagnosis: is a run's differentiation real, why did its gains come out so, and what to try next."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.diagnosis import view as diagnosis_view
from gainakt.ui.forms import run_choice

frame.page("Diagnosis", ":material/stethoscope:")
store = resources.store()
run_id = run_choice.one(store)
seen = diagnosis_view.judged(store, run_id)
diagnosis_view.lights(seen)
diagnosis_view.progress(run_id)
verdict, losses, gains, training, step, report = st.tabs(
    ["Verdict", "Losses and gradients", "Gains and saturation", "Training", "Next step", "Report"]
)
with verdict:
    diagnosis_view.evidence(store, seen)
with losses:
    diagnosis_view.losses(seen)
with gains:
    diagnosis_view.gains(store, seen)
with training:
    diagnosis_view.training(seen)
with step:
    diagnosis_view.next_step(seen)
with report:
    diagnosis_view.report(store, seen, run_choice.names(store))
