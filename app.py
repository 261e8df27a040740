"""Home: what the workbench does, a guided start, the newest runs."""

import streamlit as st

from gainakt.ui import frame, health, resources, words
from gainakt.ui.run import guide
from gainakt.ui.run.kin import badges
from gainakt.ui.text import markdown_text, shortened
from gainakt.ui.visitors import owners

frame.page("GainAKT workbench", "")
store = resources.store()
st.markdown(
    "Train GainAKT, a knowledge-tracing model with one encoder that predicts responses and one that explains them by"
    " learning gains, and find out whether the learned gains differ for a reason. Change the loss weights while it"
    " trains, compare saved runs, and test whether the gains of skills really differ."
)


@st.fragment(run_every=3)
def trouble() -> None:
    """What is wrong with this server's runs or the store just now."""
    for problem in resources.service().problems:
        st.error(markdown_text(problem), icon=":material/error:")
    for warning in store.warnings:
        st.warning(markdown_text(warning), icon=":material/warning:")


@st.fragment(run_every=3)
def start() -> None:
    """The guided start, in step with the store."""
    guide.draw(store)


@st.fragment(run_every=3)
def state() -> None:
    """The store in one line, and the newest runs."""
    runs = store.runs()
    runs = runs[~runs["archived"]]
    if runs.empty:
        st.info("No runs yet. Start one above; it takes a minute or two.", icon=":material/info:")
        return
    counts = ", ".join(f"{count} {status}" for status, count in runs["status"].value_counts().items())
    st.markdown(f"##### {len(runs)} run{'s' if len(runs) > 1 else ''}: {counts}")
    origins = store.origins()
    for run in runs.head(5).itertuples():
        where, status, date = st.columns([5, 2, 2], vertical_alignment="center")
        label = markdown_text(shortened(run.name, 70))
        special = "".join(f" :gray-badge[{one}]" for one in badges(*origins.get(run.run_id, ({}, False))))
        where.page_link("pages/3_Run.py", label=f"{label}{special}", query_params={"run": run.run_id})
        status.markdown(f":small[{words.STATUS[run.status]}]")
        date.markdown(f":small[{words.when(run.created)}]")


trouble()
st.markdown("##### A guided start")
start()
about, button = st.columns([9.75, 1.9], vertical_alignment="center")
about.markdown("**Bring your data.** Load a file of student responses and train on it. Skipped rows are listed.")
if button.button("Choose data", width="stretch", **owners()):
    st.switch_page("pages/5_Data.py")
state()
health.draw(store)
