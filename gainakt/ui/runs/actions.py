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

_SAID, _EDIT, _OPENED, _DELETE = "runs.said", "runs.edit", "runs.opened", "runs.delete"


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
        _edit(own[0] if len(own) == 1 else None)
        starred = bool(own) and all(run.favourite for run in own)
        _button("No star" if starred else "Star", "star", own, {"favourite": not starred})
        archived = bool(own) and all(run.archived for run in own)
        _button("Unarchive" if archived else "Archive", "archive", own, {"archived": not archived})
        keep.export_button(own, "ticked")
        with st.popover(
            "Delete", icon=":material/delete:", **owners(not own, "Move to the trash."), key=_DELETE,
            on_change="rerun",
        ):  # fmt: skip
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
        label, icon=f":material/{icon}:", key=f"do-{icon}", on_click=_click, args=(ids, changes), **owners(not runs)
    )


def _click(ids: list[str], changes: dict[str, Any]) -> None:
    _write(ids, changes)


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

    if _trying(do):
        st.session_state["tags"] = []  # what was refused stays to be mended


def _edit(run: Run | None) -> None:
    """The form of a run's name and notes; it holds what they were when it was opened, whatever another tab saves."""
    with st.popover(
        "Edit", icon=":material/edit:", **owners(run is None, "Name and notes of one run."), key=_EDIT,
        on_change="rerun",
    ) as form:  # fmt: skip
        if run is None or not form.open:
            st.session_state.pop(_OPENED, None)
            return
        opened = st.session_state.setdefault(
            _OPENED, {"run_id": run.run_id, "name": run.name, "notes": run.notes or ""}
        )
        with st.form("edit-form", border=False):
            st.text_input("Name", opened["name"], max_chars=LONGEST_NAME, key="edit.name", width=420)
            st.text_area(
                "Notes", opened["notes"], max_chars=LONGEST_NOTES, key="edit.notes", width=420, height=150,
                help="Markdown, no HTML.",
            )  # fmt: skip
            st.form_submit_button("Save", type="primary", on_click=_save, args=(opened,), **owners())


def _save(opened: dict[str, str]) -> None:
    """Write what was changed in the form, and nothing else."""
    changes = {part: st.session_state[f"edit.{part}"] for part in ("name", "notes")}
    changes = {part: text for part, text in changes.items() if text != opened[part]}
    if not changes or _written([opened["run_id"]], changes):
        st.session_state[_EDIT] = False
        st.toast("Saved", icon=":material/check:")


def _write(ids: list[str], changes: dict[str, Any]) -> None:
    _written(ids, changes)


def _written(ids: list[str], changes: dict[str, Any]) -> bool:
    def do() -> None:
        for run_id in ids:
            resources.store().annotate(run_id, changes, resources.WHO)

    done = _trying(do)
    if done and "archived" in changes:
        rows.tick(one for one in rows.ticked() if one not in ids)
        put = "archived" if changes["archived"] else "back in the list"
        st.toast(f"{len(ids)} {put}", icon=":material/archive:")
    return done


def _delete(runs: list[Run]) -> None:
    live = [run.name for run in runs if run.active or _tested(run)]
    if live:
        st.warning(
            f"Still at work: {markdown_text(shortened(', '.join(live), 80))}. Stop what trains or is tested first."
        )
    what = f"{len(runs)} runs" if len(runs) != 1 else f"“{markdown_text(shortened(runs[0].name, 50))}”"
    st.markdown(f"Move {what} to the trash? For {KEPT_DAYS} days {'it' if len(runs) == 1 else 'they'} can be restored.")
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

    if _trying(do):
        st.session_state[_DELETE] = False
        rows.tick(one for one in rows.ticked() if one not in ids)
        st.toast(f"{len(ids)} in the trash", icon=":material/delete:")


def _trying(do: Callable[[], None]) -> bool:
    """Do it, and whether that went well; what went wrong is said above the buttons."""
    try:
        do()
    except InputError as error:
        st.session_state[_SAID] = markdown_text(error)
        return False
    return True
