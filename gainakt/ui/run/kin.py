"""The runs that a run comes from and that come from it, as a tree of links; and what can be made of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gainakt.analysis.runs.table import badges as badges
from gainakt.analysis.runs.table import came_from
from gainakt.errors import InputError
from gainakt.jobs import lineage
from gainakt.store import Run, Store
from gainakt.ui import resources, words
from gainakt.ui.run import keep
from gainakt.ui.text import markdown_text, number, shortened
from gainakt.ui.visitors import owners

MOST = 60
"""Runs of a tree that are listed."""
_RESUMABLE = ("paused", "stopped", "failed", "interrupted")
_INDENT = "\u2003\u2003"


@dataclass(frozen=True)
class Relative:
    """A run of the tree, how deep it stands, and what it is to the run above it, in words."""

    run: Run
    depth: int
    what: str


def tree(store: Store, run: Run) -> list[Relative]:
    """The eldest run that is still there and all that came from it, each below the one it came from."""
    eldest, climbed = run, {run.run_id}
    while (above := _above(eldest)) and above not in climbed:
        try:
            eldest = store.run(above)
        except InputError:  # it was deleted
            break
        climbed.add(eldest.run_id)
    listed: set[str] = set()
    return list(_below(store, Relative(eldest, 0, _says(eldest, None)), listed))


def _below(store: Store, relative: Relative, listed: set[str]) -> Iterator[Relative]:
    if relative.run.run_id in listed or len(listed) >= MOST:
        return
    listed.add(relative.run.run_id)
    yield relative
    for child in store.kin(relative.run.run_id):
        if _above(child) == relative.run.run_id:
            yield from _below(store, Relative(child, relative.depth + 1, _says(child, relative.run)), listed)


def _above(run: Run) -> str | None:
    return came_from(run.lineage)


def _says(run: Run, parent: Run | None) -> str:
    if run.yardstick:
        return ""
    return came_about(run.lineage, run.seed, "" if parent else f" of {_above(run)}, which is not here any more")


def came_about(origin: Mapping[str, Any], seed: int | None, gone: str = "") -> str:
    """What a run is to the one it came from, such as `branch at step 40: Variance weight 0 → 50`."""
    if not origin:
        return ""
    if "sweep" in origin and came_from(origin) is None:
        return f"trial of the sweep {origin['sweep']}"
    if "twin" in origin:
        what = "steered again" if origin.get("steered") else "unsteered twin"
        return f"{what}{gone}, seed {seed}"
    if "parent" in origin:
        changes = _changes(origin)
        return f"branch at step {origin['step']:,}{gone}" + (f": {changes}" if changes else ", same settings")
    return f"replay{gone}"


def _changes(origin: Mapping[str, Any]) -> str:
    before = origin.get("before", {})
    return ", ".join(
        f"{words.setting(name)} {number(before[name]) + ' → ' if name in before else ''}{number(new)}"
        for name, new in origin.get("changes", {}).items()
    )


def draw(store: Store, run: Run, busy: bool = False) -> None:
    """The tree, with this run's line in bold; redrawn while one of its runs waits or trains, or (`busy`) is to come."""
    relatives = tree(store, run)
    if len(relatives) == 1 and (not run.lineage or run.yardstick) and not busy:
        st.caption("Branches, replays and twins of this run will be listed here.")
        return
    pace = 2.0 if busy or any(one.run.active for one in relatives) else None
    st.fragment(_lines, run_every=pace)(run.run_id)


def _lines(run_id: str) -> None:
    store = resources.store()
    relatives = tree(store, store.run(run_id))
    for relative in relatives:
        name = markdown_text(shortened(relative.run.name, 60))
        link, status, what = st.columns([5, 1.4, 6], vertical_alignment="center")
        before = _INDENT * (relative.depth - 1) + "\u2003└\u2002" if relative.depth else ""
        if relative.run.run_id == run_id:
            link.markdown(f"{before}**{name}**\u2002:gray-badge[this run]")
        else:
            link.page_link("pages/3_Run.py", label=f"{before}{name}", query_params={"run": relative.run.run_id})
        status.markdown(f":small[{words.STATUS[relative.run.status]}]")
        what.markdown(f":small[{markdown_text(relative.what)}]")
    if len(relatives) >= MOST:
        st.caption(f"The first {MOST} are shown.")


def actions(run: Run) -> None:
    """Resume, replay and export, where the run's status allows them."""
    if run.active or run.published or run.yardstick:
        return
    with st.container(horizontal=True):
        resume(run)
        if st.button(
            "Replay",
            icon=":material/replay:",
            key=f"replay-{run.run_id}",
            **owners(help="Trains it again as a new run, with every steering change at its step."),
        ):
            _start(run, "replay")
        keep.export_button([run], run.run_id)


def resume(run: Run) -> None:
    """The button that trains a run on, where it can be."""
    if (
        run.status in _RESUMABLE
        and not run.yardstick
        and st.button(
            "Resume",
            icon=":material/resume:",
            type="primary",
            key=f"resume-{run.run_id}",
            **owners(help="Trains on from the newest kept moment, to the same result as if it had never ended."),
        )
    ):
        _start(run, "resume")


def _start(run: Run, what: str) -> None:
    root = resources.service().root
    try:
        made = lineage.resume(root, run, resources.WHO) if what == "resume" else lineage.replay(root, run)
    except InputError as error:
        st.error(markdown_text(error), icon=":material/error:")
        return
    run_id = resources.service().start(*made)
    resources.store().take_in()
    st.switch_page("pages/1_Train.py", query_params={"run": run_id})
