"""Diagnosis: is a run's differentiation real, why did its gains come out so, and what to try next."""

import streamlit as st

from gainakt.ui import diagnosis_view, frame, resources, words

frame.page("Diagnosis", ":material/stethoscope:")
store = resources.store()
table = store.runs(published=None)
if table.empty:
    st.info("No runs yet; start one on the Train page.", icon=":material/info:")
    st.stop()
names = {row.run_id: words.run_label(row) for row in table.itertuples()}
asked = resources.chosen_run(store, st.query_params.get("run"))
if asked is not None:
    names.setdefault(asked.run_id, words.run_label(asked))
run_id = st.selectbox(
    "Run", list(names), index=list(names).index(asked.run_id) if asked else 0, format_func=names.get,
    label_visibility="collapsed",
)  # fmt: skip
st.query_params["run"] = run_id
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
    diagnosis_view.report(store, seen, names)
