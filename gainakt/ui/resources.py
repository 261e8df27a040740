"""The store and the training service of this server: one of each, shared by all tabs."""

import os
from pathlib import Path

import streamlit as st

from gainakt import reference
from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError, StoreBusy
from gainakt.jobs.service import Service
from gainakt.store import Run, Store, runs_root
from gainakt.ui.text import markdown_text


def store_path() -> Path:
    """The store's file: GAINAKT_STORE, else data/gainakt.duckdb under the folder that the server runs in."""
    return Path(os.environ.get("GAINAKT_STORE") or DEFAULT_STORE)


@st.cache_resource(show_spinner=False)
def _open_store() -> Store:
    reference.place(runs_root(store_path()))
    store = Store.open(store_path())
    store.start_intake()
    return store


def store() -> Store:
    """The open store, or a page that says who holds it and ends here."""
    try:
        return _open_store()
    except StoreBusy as error:
        st.error(
            f"{markdown_text(error)}\n\nTo look at its runs use that dashboard, or the command line:"
            " `python -m gainakt runs`. To work beside it set GAINAKT_STORE to another file.",
            icon=":material/lock:",
        )
    except InputError as error:
        st.error(markdown_text(error), icon=":material/error:")
    st.stop()


@st.cache_resource(show_spinner=False)
def service() -> Service:
    """This server's training queue."""
    return Service(runs_root(store_path()))


def chosen_run(store: Store, run_id: str | None) -> Run | None:
    """The run with this id; None, said on the page, when there is none."""
    if not run_id:
        return None
    try:
        return store.run(run_id)
    except InputError:
        pass
    try:
        store.take_in()  # it may have been queued a moment ago
        return store.run(run_id)
    except InputError as error:
        st.warning(markdown_text(error))
        return None
