"""Choosing the run that a page shows."""

import streamlit as st

from gainakt.store import Store
from gainakt.ui import resources, words


def names(store: Store) -> dict[str, str]:
    """Run id -> label of every run, published ones too, newest first."""
    return {row.run_id: words.run_label(row) for row in store.runs(published=None).itertuples()}


def one(store: Store) -> str:
    """The run that the link names or the user picks, kept in the link; with no runs, a page that says so and ends."""
    known = names(store)
    asked = resources.chosen_run(store, st.query_params.get("run"))
    if asked is not None:
        known.setdefault(asked.run_id, words.run_label(asked))
    if not known:
        st.info("No runs yet; start one on the Train page.", icon=":material/info:")
        st.stop()
    run_id: str = st.selectbox(
        "Run", list(known), index=list(known).index(asked.run_id) if asked else 0,
        format_func=lambda choice: known[choice], label_visibility="collapsed",
    )  # fmt: skip
    st.query_params["run"] = run_id
    return run_id
