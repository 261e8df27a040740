"""The store, the training queue and the jobs of this server: one of each, shared by all tabs."""

import os
from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from gainakt import reference
from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError, StoreBusy, StoreDamaged, in_words, read_only
from gainakt.jobs.background import Job, Jobs
from gainakt.jobs.devices import Device
from gainakt.jobs.devices import devices as there
from gainakt.jobs.service import Service
from gainakt.store import Run, Store, damage, runs_root
from gainakt.store.owner import this_process
from gainakt.ui.text import markdown_text, shortened

WHO = "dashboard"
"""Who asks for what is asked for on a page."""


def store_path() -> Path:
    """The store's file: GAINAKT_STORE, else data/gainakt.duckdb under the folder that the server runs in."""
    return Path(os.environ.get("GAINAKT_STORE") or DEFAULT_STORE)


@st.cache_resource(show_spinner=False)
def _open_store() -> Store:
    if read_only():  # a store of its own beside the one that holds the file, made from the same journals
        store = Store.open(":memory:", runs=runs_root(store_path()))
    else:
        reference.place(runs_root(store_path()))
        store = Store.open(store_path())
    store.on_damage = _show_damage
    with suppress(InputError):  # a full disk: the intake tries again
        store.take_in()  # else the first page would know of no run that came while no dashboard ran
    store.start_intake()
    return store


def _show_damage(_: StoreDamaged) -> None:
    """Draw a page anew that found the store damaged: it then says so. Other threads go their own way."""
    if get_script_run_ctx() is not None:
        st.rerun()


def _offer_rebuilding(error: StoreDamaged, opened: Store | None = None) -> None:
    """Say that the store is damaged, `opened` or not, and build it anew when asked to."""
    st.error(
        f"The store {markdown_text(store_path())} is damaged. All of a run is in its own journal, so the store can be"
        " built anew from the runs' folders; trainings go on meanwhile, and the damaged file is kept beside it.",
        icon=":material/error:",
    )
    st.caption(markdown_text(error))
    if st.button("Rebuild the store", type="primary", icon=":material/build:"):
        with st.spinner("Building the store from the journals …"):
            _rebuild(opened)
        st.rerun()


def _rebuild(opened: Store | None) -> None:
    if opened is not None:
        opened.close()
    try:
        damage.rebuild(store_path(), runs_root(store_path()))
    except (InputError, StoreBusy) as error:
        st.error(markdown_text(error), icon=":material/error:")
        st.stop()
    _open_store.clear()


def store() -> Store:
    """The open store, or a page that says who holds it or that it is damaged, and ends here."""
    try:
        opened = _open_store()
        if opened.damage is None:
            return opened
        _offer_rebuilding(opened.damage, opened)
    except StoreDamaged as error:
        _offer_rebuilding(error)
    except StoreBusy as error:
        st.error(
            f"{markdown_text(error)}\n\nOpen that dashboard to see its runs, or list them with"
            " `python -m gainakt runs`. To use a store of your own, set GAINAKT_STORE to another file.",
            icon=":material/lock:",
        )
    except (InputError, OSError) as error:
        st.error(markdown_text(in_words(error)), icon=":material/error:")
    st.stop()


@st.cache_resource(show_spinner=False)
def service() -> Service:
    """This server's training queue."""
    return Service(runs_root(store_path()))


@st.cache_data(ttl=5, show_spinner=False)
def devices() -> list[Device]:
    """What this machine can train on, as of a few seconds ago."""
    return there()


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """This server's tests of saved runs, and its studies."""
    return Jobs(service())


_NAMED = 3
"""Trainings that are named where something waits for them."""


def queued_behind(store: Store, run: Run | None = None) -> str:
    """`behind A (epoch 2 of 15), B`: the trainings that come before a queued run, or before a job of this server.

    Empty where none is known.
    """
    host, pid = (run.host, run.pid) if run else (this_process()["host"], this_process()["pid"])
    ahead = [one for one in store.active() if (one.host, one.pid) == (host, pid)]
    if run is not None:
        ahead = [one for one in ahead if (one.created or 0.0, one.run_id) < (run.created or 0.0, run.run_id)]
    names = [
        markdown_text(shortened(one.name, 40)) + (f" (epoch {one.epoch} of {one.max_epochs})" if one.epoch else "")
        for one in ahead
    ]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"behind {', '.join(names[:_NAMED])}{more}" if names else ""


def job_text(store: Store, job: Job) -> str:
    """How far a job is; while it waits, for what."""
    if job.says != Job.says:
        return markdown_text(job.says)
    return f"queued {queued_behind(store)}".strip() + "."


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
