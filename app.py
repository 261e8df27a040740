"""Home: what the workbench does, three one-click starts, the newest runs."""

import streamlit as st

from gainakt.config import changed, presets
from gainakt.ui import frame, resources, words
from gainakt.ui.text import markdown_text, shortened

frame.page("GainAKT workbench", "")
store = resources.store()
st.markdown(
    "Train GainAKT, a knowledge-tracing model with one encoder that predicts responses and one that explains them by"
    " learning gains, and find out why the learned gains are uniform. Change the loss weights while it trains, compare"
    " saved runs, and test whether the gains of skills really differ."
)

STARTS = (
    ("See the gains look uniform", "v3-phase1", {"model.width": 128, "training.max_epochs": 3},
     "The settings of the original study on simulated students. The number that it reported as gain is almost constant;"
     " the gains that its predictions use are not."),
    ("See them differ", "corrected", {},
     "The corrected model on the same students. Gains start small and separate by skill within a minute or two."),
)  # fmt: skip


def _text(text: str) -> None:
    """The card's text, which takes the room that is left, so that the buttons line up."""
    with st.container(height="stretch", border=False):
        st.markdown(text)


cards = st.columns(3)
for card, (title, preset, settings, text) in zip(cards, STARTS, strict=False):
    with card.container(border=True, height="stretch"):
        st.markdown(f"#### {title}")
        _text(text)
        if st.button(title, key=f"start-{preset}", type="primary", width="stretch"):
            chosen = changed(presets.preset(preset), settings)
            run_id = resources.service().submit(chosen, name=f"{preset} on demo", preset=preset)
            st.switch_page("pages/1_Train.py", query_params={"run": run_id})
with cards[2].container(border=True, height="stretch"):
    st.markdown("#### Bring your data")
    _text("Load a file of student responses, look at it, and train on it. Any row that is skipped is listed.")
    if st.button("Choose data", type="primary", width="stretch"):
        st.switch_page("pages/5_Data.py")


@st.fragment(run_every=3)
def state() -> None:
    """The store in one line, and the newest runs."""
    runs = store.runs()
    if runs.empty:
        st.info("No runs yet. Start one above; it takes a minute or two.", icon=":material/info:")
        return
    counts = ", ".join(f"{count} {status}" for status, count in runs["status"].value_counts().items())
    st.markdown(f"##### {len(runs)} run{'s' if len(runs) > 1 else ''}: {counts}")
    for run in runs.head(5).itertuples():
        where, status, date = st.columns([5, 2, 2], vertical_alignment="center")
        label = markdown_text(shortened(run.name, 70))
        where.page_link("pages/3_Run.py", label=label, query_params={"run": run.run_id})
        status.markdown(f":small[{words.STATUS[run.status]}]")
        date.markdown(f":small[{words.when(run.created)}]")


state()
st.caption(f"Store: {markdown_text(resources.store_path())}")
for warning in store.warnings:
    st.warning(markdown_text(warning), icon=":material/warning:")
