"""Run: everything saved of one run."""

import streamlit as st

from gainakt.ui import frame, resources, tables
from gainakt.ui.diagnosis import verdict as verdict_view
from gainakt.ui.forms import run_choice
from gainakt.ui.run import recovery as recovery_view
from gainakt.ui.run import view as run_view
from gainakt.ui.text import markdown_text
from gainakt.ui.train.watch import skill_controls

frame.page("Run", ":material/monitoring:")
store = resources.store()
run_id = run_choice.one(store)
run = store.run(run_id)
curves = run_view.curves_of(store, run_id)
run_view.header(run, curves)
if not run.active:
    verdict_view.run_lights(store, run_id)
else:
    st.page_link("pages/1_Train.py", label="Watch it live and steer it", icon=":material/visibility:",
                 query_params={"run": run_id})  # fmt: skip
overview, skills, numbers, setup, log = st.tabs(["Overview", "Skills", "Numbers", "Configuration", "Events"])
with overview:
    run_view.overview(store, run, curves)
    run_view.parameters(store, run)
with skills:
    if store.skill_labels(run_id):
        run_view.skill_gains(store, run, *skill_controls(store, run))
    else:
        st.info(
            "The skills are not known yet." if run.active else "It ended before its skills were known.",
            icon=":material/info:",
        )
    learned = store.skills(run_id)
    if not learned.empty:
        st.markdown(f"###### What was learned of each skill, at Encoder 2's best epoch ({run.best_encoder2})")
        st.dataframe(learned, hide_index=True, placeholder="–", column_config=tables.SKILLS,
                     column_order=list(tables.SKILLS), height=tables.fitting(len(learned), 700))  # fmt: skip
        tables.download(learned, f"{run_id}-skills", "skills")
        recovery_view.recovery(store, run, learned)
with numbers:
    metrics = store.metrics([run_id])
    if metrics.empty:
        text = (
            "Final numbers are computed when the run ends." if run.active else "It ended before its final evaluation."
        )
        st.info(text, icon=":material/info:")
    else:
        tables.show(tables.numbers(metrics), widths={"Measure": 210, "What it is": 480})
        epochs = {"Encoder 1": run.best_encoder1, "Encoder 2": run.best_encoder2}
        best = ", ".join(f"{name} from epoch {epoch}" for name, epoch in epochs.items() if epoch is not None)
        st.caption(f"Each encoder at its own best validation epoch: {best}. Test students were read once, at the end."
                   f" {tables.onsets(metrics)} Targets are those of the original study.")  # fmt: skip
with setup:
    chosen, surroundings = st.columns(2)
    with chosen:
        st.markdown("###### Settings")
        tables.show(tables.settings(run), most=700)
    with surroundings:
        st.markdown("###### Data, machine, versions")
        tables.show(tables.surroundings(run), most=700, widths={"What": 210, "Value": 210})
with log:
    tables.show(tables.events(store.events(run_id)), most=460, widths={"Detail": 460})
    if run.traceback:
        with st.expander("Traceback"):
            st.code(run.traceback)
    if run.reason:
        st.caption(f"Why it ended: {markdown_text(run.reason)}.")
