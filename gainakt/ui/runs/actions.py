"""What can be done with the ticked runs; each button keeps its place whether or not it can be used."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from gainakt.errors import InputError
from gainakt.store import Run, Store
from gainakt.store.annotations import LONGEST_NAME, LONGEST_NOTES
from gainakt.store.trash import KEPT_DAYS
from gainakt.ui import resources
from gainakt.ui.run import keep
from gainakt.ui.runs import rows
from gainakt.ui.runs.controls import Look
from gainakt.ui.text import markdown_text, shortened
from gainakt.ui.visitors import owners

_SAID = "runs.said"


def draw(store: Store, look: Look) -> None:
    """The line of actions."""
    ids = rows.ticked()
    runs = _there(store, ids)
    own = [run for run in runs if not run.published]
    if said := st.session_state.pop(_SAID, ""):
        st.error(said, icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center", key="runs-actions"):
        if st.button(
            "Compare", type="primary", icon=":material/compare:", disabled=len(runs) < 2, help="Side by side; tick two."
        ):
            st.switch_page("pages/4_Compare.py", query_params={"runs": ",".join(run.run_id for run in runs)})
        with st.popover("Tag", icon=":material/sell:", **owners(not own, "Add or take off tags.")):
            _tags(store, own)
        with st.popover("Edit", icon=":material/edit:", **owners(len(own) != 1, "Name and notes of one run.")):
            if len(own) == 1:
                _edit(own[0])
        starred = bool(own) and all(run.favourite for run in own)
        _button("No star" if starred else "Star", "star", own, {"favourite": not starred})
        archived = bool(own) and all(run.archived for run in own)
        _button("Unarchive" if archived else "Archive", "archive", own, {"archived": not archived})
        keep.export_button(own, "ticked")
        with st.popover("Delete", icon=":material/delete:", **owners(not own, "Move to the trash.")):
            _delete(own)
        st.button("Untick all", icon=":material/close:", disabled=not ids, on_click=rows.tick, args=((),))
        st.caption(_count(runs, look))


def _there(store: Store, ids: Iterable[str]) -> list[Run]:
    return store.runs_by_id(list(ids))


def _count(runs: list[Run], look: Look) -> str:
    if not runs:
        return "Tick rows; Shift ticks a range." if look.rows != "seeds" else "A tick on a row ticks its runs."
    return f"{len(runs)} run{'s' if len(runs) > 1 else ''} ticked"


def _button(label: str, icon: str, runs: list[Run], changes: dict[str, Any]) -> None:
    ids = [run.run_id for run in runs]
    st.button(
        label, icon=f":material/{icon}:", key=f"do-{icon}", on_click=_write, args=(ids, changes), **owners(not runs)
    )


def _tags(store: Store, runs: list[Run]) -> None:
    used = sorted({tag for tags in store.tags() for tag in tags})
    held = sorted({tag for run in runs for tag in run.tags})
    st.caption(f"On the ticked runs: {markdown_text(', '.join(held))}" if held else "The ticked runs have no tags.")
    with st.container(horizontal=True, vertical_alignment="bottom"):  # the list of tags opens below, beside the buttons
        chosen = st.multiselect(
            "Tags", used, accept_new_options=True, key="tags", placeholder="Choose or type", width=300
        )
        st.button("Add", type="primary", on_click=_tag, args=(runs, chosen, True), **owners(not chosen))
        st.button("Take off", on_click=_tag, args=(runs, chosen, False), **owners(not chosen))


def _tag(runs: list[Run], tags: list[str], add: bool) -> None:
    def do() -> None:
        for run in runs:
            changed = {*run.tags, *tags} if add else set(run.tags) - set(tags)
            resources.store().annotate(run.run_id, {"tags": changed}, resources.WHO)

    _trying(do)
    st.session_state["tags"] = []


def _edit(run: Run) -> None:
    with st.form(f"edit-{run.run_id}", border=False):
        name = st.text_input("Name", run.name, max_chars=LONGEST_NAME)
        notes = st.text_area("Notes", run.notes or "", max_chars=LONGEST_NOTES, height=150, help="Markdown, no HTML.")
        if st.form_submit_button("Save", type="primary", **owners()):
            _write([run.run_id], {"name": name, "notes": notes})
            st.rerun()


def _write(ids: list[str], changes: dict[str, Any]) -> None:
    def do() -> None:
        for run_id in ids:
            resources.store().annotate(run_id, changes, resources.WHO)

    _trying(do)
    if "archived" in changes:
        rows.tick(one for one in rows.ticked() if one not in ids)


def _delete(runs: list[Run]) -> None:
    live = [run.name for run in runs if run.active or _tested(run)]
    if live:
        st.warning(
            f"Still at work: {markdown_text(shortened(', '.join(live), 80))}. Stop what trains or is tested first."
        )
    what = f"{len(runs)} runs" if len(runs) != 1 else f"“{markdown_text(shortened(runs[0].name, 50))}”"
    st.markdown(f"Move {what} to the trash? From there they can be restored for {KEPT_DAYS} days.")
    st.button(
        "Move to trash", type="primary", on_click=_discard, args=([run.run_id for run in runs],), **owners(bool(live))
    )


def _tested(run: Run) -> bool:
    job = resources.jobs().of(run.run_id)
    return job is not None and not job.ended


def _discard(ids: list[str]) -> None:
    def do() -> None:
        for run_id in ids:
            resources.store().delete(run_id, resources.WHO)

    _trying(do)
    rows.tick(one for one in rows.ticked() if one not in ids)
    st.toast(f"{len(ids)} in the trash", icon=":material/delete:")


def _trying(do: Callable[[], None]) -> None:
    """Do it; what went wrong is said above the buttons."""
    try:
        do()
    except InputError as error:
        st.session_state[_SAID] = markdown_text(error)
