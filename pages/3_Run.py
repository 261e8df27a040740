"""Run: everything saved of one run."""

import json

import pandas as pd
import streamlit as st

from gainakt.ui import frame, resources, run_view, words
from gainakt.ui.steer_view import skill_controls
from gainakt.ui.text import markdown_text

frame.page("Run", ":material/monitoring:")
store = resources.store()
table = store.runs()
if table.empty:
    st.info("No runs yet; start one on the Train page.", icon=":material/info:")
    st.stop()
names = {row.run_id: f"{row.name} · {words.when(row.created)} · {row.run_id[-4:]}" for row in table.itertuples()}
asked = resources.chosen_run(store, st.query_params.get("run"))
run_id = st.selectbox(
    "Run", list(names), index=list(names).index(asked.run_id) if asked else 0, format_func=names.get,
    label_visibility="collapsed",
)  # fmt: skip
st.query_params["run"] = run_id
run = store.run(run_id)
curves = run_view.curves_of(store, run_id)
run_view.header(run, curves)
if run.active:
    st.page_link("pages/1_Train.py", label="Watch it live and steer it", icon=":material/visibility:",
                 query_params={"run": run_id})  # fmt: skip
overview, skills, numbers, setup, log = st.tabs(["Overview", "Skills", "Numbers", "Configuration", "Events"])
with overview:
    run_view.overview(store, run, curves)
    run_view.parameters(store, run)
with skills:
    run_view.skill_gains(store, run, *skill_controls(store, run))
    learned = store.skills(run_id)
    if not learned.empty:
        st.dataframe(learned.drop(columns="position"), hide_index=True)
with numbers:
    metrics = store.metrics([run_id])
    if metrics.empty:
        st.info("Final numbers are computed when the run ends.", icon=":material/info:")
    else:
        wide = metrics.pivot(index="name", columns="split", values="value")
        ordered = [name for name in words.METRICS if name in wide.index]
        known = wide.loc[ordered, [c for c in ("train", "validation", "test") if c in wide]]
        known.insert(0, "measure", [words.METRICS[name][0] for name in ordered])
        known["what it is"] = [words.METRICS[name][1] for name in ordered]
        st.dataframe(known, hide_index=True, height=38 * (len(known) + 1))
        best = f"Encoder 1 from epoch {run.best_encoder1}, Encoder 2 from epoch {run.best_encoder2}"
        st.caption(f"Each encoder at its own best validation epoch: {best}. Test students were read once, at the end.")
with setup:
    st.dataframe(
        pd.DataFrame([(f"{s}.{n}", str(v)) for s, part in run.config.items() for n, v in part.items()],
                     columns=["setting", "value"]), hide_index=True,
    )  # fmt: skip
    about = {"data": run.data, "device": run.device, "versions": run.versions, "parameters": run.parameters}
    st.json(json.dumps(about), expanded=True)
with log:
    events = store.events(run_id)
    st.dataframe(
        events.assign(time=pd.to_datetime(events["time"], unit="s")).drop(columns="seq"), hide_index=True,
        column_config={"time": st.column_config.DatetimeColumn(format="HH:mm:ss")},
    )  # fmt: skip
    if run.traceback:
        st.code(run.traceback)
    st.caption(f"Reason of the end: {markdown_text(run.reason or '–')}")
