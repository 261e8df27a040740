"""Choosing runs: the labels that every list of runs shows, and the choice of one."""

from typing import NoReturn

import streamlit as st

from gainakt.store import Store
from gainakt.ui import resources, words


def labels(store: Store) -> dict[str, str]:
    """Run id -> label of every run, published ones too, newest first and the archived ones last."""
    return {run.run_id: words.run_label(run) for run in store.named()}


def one(store: Store) -> str:
    """The run that the link names or the user picks, kept in the link; with no runs, a page that says so and ends."""
    choices = labels(store)
    wanted = st.query_params.get("run")
    linked = resources.chosen_run(store, wanted)
    if linked is not None:
        choices.setdefault(linked.run_id, words.run_label(linked))
    if not choices:
        st.info(words.NO_RUNS, icon=":material/info:")
        st.stop()
    if wanted and linked is None:
        another(choices)
    run_id: str = st.selectbox(
        "Run",
        list(choices),
        index=list(choices).index(linked.run_id) if linked else 0,
        format_func=choices.__getitem__,
        label_visibility="collapsed",
    )
    st.query_params["run"] = run_id
    return run_id


def another(choices: dict[str, str]) -> NoReturn:
    """The list of runs in place of the one that the link names and that is not there; the page ends here."""
    run_id = st.selectbox(
        "Run",
        list(choices),
        index=None,
        placeholder="Choose a run",
        format_func=choices.__getitem__,
        label_visibility="collapsed",
    )
    if run_id is not None:
        st.query_params["run"] = run_id
        st.rerun()
    st.stop()
