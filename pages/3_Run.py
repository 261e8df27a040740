"""Run: everything saved of one run."""

import streamlit as st

from gainakt.ui import frame, resources, tables
from gainakt.ui.diagnosis.verdict import run_badges
from gainakt.ui.forms import run_choice
from gainakt.ui.run import keep, kin, twin, yardstick
from gainakt.ui.run.accuracy import accuracy
from gainakt.ui.run.recorded import curves_of
from gainakt.ui.run.recovery import recovery
from gainakt.ui.run.view import header, overview, parameters, skill_controls, skill_gains
from gainakt.ui.runs.below import written
from gainakt.ui.text import markdown_text

frame.page("Run", ":material/monitoring:")
store = resources.store()
run_id = run_choice.one(store)
run = store.run(run_id)
if run.yardstick:
    yardstick.draw(store, run)
    st.stop()
curves = curves_of(store, run_id)
header(run, curves)
if not run.active:
    run_badges(store, run_id)
else:
    st.page_link("pages/1_Train.py", label="Watch it live and steer it", icon=":material/visibility:",
                 query_params={"run": run_id})  # fmt: skip
kin.actions(run)
written(run)
charts, skills, predictions, numbers, related, configuration, log = st.tabs(
    ["Overview", "Skills", "Predictions", "Numbers", "Related runs", "Configuration", "Events"]
)
with charts:
    overview(store, run, curves)
    parameters(store, run)
with skills:
    if store.skill_labels(run_id):
        skill_gains(store, run, *skill_controls(store, run))
    else:
        text = "The skills appear once the data are read." if run.active else "The run ended before it read its data."
        st.info(text, icon=":material/info:")
    learned = store.skills(run_id)
    if not learned.empty:
        st.markdown(f"###### Learned parameters per skill, at Encoder 2's best epoch ({run.best_encoder2})")
        st.dataframe(learned, hide_index=True, placeholder="–", column_config=tables.SKILLS,
                     column_order=list(tables.SKILLS), height=tables.fitting(len(learned), 700))  # fmt: skip
        tables.download(learned, f"{run_id}-skills", "skills")
        recovery(store, run, learned)
with predictions:
    accuracy(store, run)
with numbers:
    metrics = store.metrics([run_id])
    if metrics.empty:
        text = "The final numbers appear when the run ends." if run.active else "The run ended before its evaluation."
        st.info(text, icon=":material/info:")
    else:
        tables.show(tables.by_split(metrics), widths={"Measure": 230, "What it is": 600})
        epochs = {"Encoder 1": run.best_encoder1, "Encoder 2": run.best_encoder2}
        best = ", ".join(f"{name} from epoch {epoch}" for name, epoch in epochs.items() if epoch is not None)
        st.caption(
            f"Each encoder at its best validation epoch{f': {best}' if best else ''}. Test students are evaluated once,"
            " at the end."
        )
        if "run" in set(metrics["split"]):
            st.markdown("###### The whole run")
            tables.show(tables.whole_run(metrics), widths={"Measure": 230, "What it is": 600})
with related:
    kin.draw(store, run, twin.is_training(run))
    twin.section(store, run)
with configuration:
    keep.reproduce(store, run)
    chosen, surroundings = st.columns(2)
    with chosen:
        st.markdown("###### Settings")
        tables.show(tables.settings(run), most=700)
    with surroundings:
        st.markdown("###### Data, machine, versions")
        tables.show(tables.surroundings(run), most=700, widths={"What": 210, "Value": 210})
with log:
    tables.show(tables.events(curves.events), most=460, widths={"Detail": 460})
    if run.traceback:
        with st.expander("Traceback"):
            st.code(run.traceback)
    if run.reason:
        st.caption(f"Why it ended: {markdown_text(run.reason)}.")
