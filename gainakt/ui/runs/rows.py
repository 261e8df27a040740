"""The rows of the table and which are ticked; rows stay where they are until the user asks for something else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.analysis.runs.fields import with_epochs
from gainakt.analysis.runs.seeds import fold
from gainakt.analysis.runs.table import read
from gainakt.analysis.runs.where import names, parse
from gainakt.store import Store
from gainakt.ui.run.kin import came_about
from gainakt.ui.runs.controls import SELECTION, Look
from gainakt.ui.text import markdown_text

CAME = "came"
"""Of the arrangement by lineage: the column that says what a run is to the one above it."""
_TICKED, _LINK, _HELD, _READ, _VERSION = "runs.ticked", "runs.link", "runs.held", "runs.read", "runs.version"


@dataclass(frozen=True)
class Rows:
    """What the table shows: a row per run or per fold, the ids behind each (column `runs`), how many are new."""

    table: pd.DataFrame
    new: int

    def at(self, positions: Iterable[int]) -> list[str]:
        """The ids of the runs in these rows."""
        return [run_id for place in positions for run_id in self.table["runs"].iloc[place]]

    def ticked(self) -> list[int]:
        """The positions of the rows whose runs are all ticked."""
        chosen = set(ticked())
        return [place for place, ids in enumerate(self.table["runs"]) if chosen.issuperset(ids)]

    def tick_rows(self, positions: Sequence[int]) -> None:
        """Tick exactly these rows; what is ticked of runs that are not listed stays so."""
        listed = {run_id for ids in self.table["runs"] for run_id in ids}
        st.session_state[_TICKED] = [*(one for one in ticked() if one not in listed), *self.at(positions)]


def ticked() -> list[str]:
    """The ids of the ticked runs, in the order in which they were ticked."""
    ids: list[str] = st.session_state.get(_TICKED, [])
    return ids


def follow_link(store: Store) -> None:
    """Tick the runs that the link names where it is another than this page left there; say which are gone."""
    linked = st.query_params.get(SELECTION)
    if linked is None or linked == st.session_state.get(_LINK):
        return
    asked = list(dict.fromkeys(one for one in linked.split(",") if one))
    known = {run.run_id for run in store.runs_by_id(asked)}
    if len(known) < len(asked):
        store.take_in()  # the server may just have started
        known = {run.run_id for run in store.runs_by_id(asked)}
    tick(one for one in asked if one in known)
    if gone := [one for one in asked if one not in known]:
        st.toast(f"Not here any more: {markdown_text(', '.join(gone[:3]))}", icon=":material/warning:")


def keep_in_link() -> None:
    """Put the ticked runs into the link."""
    text = ",".join(ticked())
    st.session_state[_LINK] = text
    if text == st.query_params.get(SELECTION, ""):
        return
    if text:
        st.query_params[SELECTION] = text
    else:
        st.query_params.pop(SELECTION, None)


def tick(ids: Iterable[str]) -> None:
    """Tick exactly these runs, wherever they are listed."""
    st.session_state[_TICKED] = list(dict.fromkeys(ids))
    st.session_state[_VERSION] = version() + 1


def version() -> int:
    """A number that changes where rows have to be ticked anew on the screen."""
    return int(st.session_state.get(_VERSION, 0))


def renew() -> None:
    """Let what came since appear, and what is gone go."""
    st.session_state.pop(_HELD, None)


def every(store: Store, look: Look) -> pd.DataFrame:
    """All runs that the look's filter lets through, archived and published ones too; read once while nothing is new."""
    kept: tuple[int, dict[Any, pd.DataFrame]] = st.session_state.get(_READ, (-1, {}))
    if kept[0] != store.generation:
        kept = store.generation, {}
        st.session_state[_READ] = kept
    asked = look.where, look.columns, look.order
    if asked not in kept[1]:
        kept[1][asked] = read(store, with_epochs(look.columns), look.where, look.order)
    return kept[1][asked]


def current(store: Store, look: Look) -> Rows:
    """The rows as they are held for this look, with what is known now; raises InputError for a wrong filter."""
    table = every(store, look)
    if look.show == "published":
        table = table[table["published"]]
    else:
        explicit = "archived" in names(parse(look.where))
        here = True if explicit else table["archived"] == (look.show == "archived")
        table = table[~table["published"] & here]
    arranged = {"each": _each, "seeds": _folded, "lineage": _by_lineage}[look.rows](table, look)
    sign = (look.where, look.show, look.rows, look.order)
    held = st.session_state.get(_HELD)
    if held is None or held[0] != sign or not held[1]:
        held = sign, list(arranged.index)
        st.session_state[_HELD] = held
    there = set(arranged.index)
    stay = [key for key in held[1] if key in there]
    return Rows(arranged.loc[stay], len(there) - len(stay))


def _each(table: pd.DataFrame, _look: Look) -> pd.DataFrame:
    return table.assign(runs=[[run_id] for run_id in table.index])


def _folded(table: pd.DataFrame, look: Look) -> pd.DataFrame:
    return fold(table, with_epochs(look.columns))


def _by_lineage(table: pd.DataFrame, look: Look) -> pd.DataFrame:
    """Each run below the one it came from, families in the order of the table."""
    below: dict[str, list[str]] = {}
    top = []
    for run_id, parent in zip(table.index, table["parent"], strict=True):
        if parent in table.index and parent != run_id:
            below.setdefault(parent, []).append(run_id)
        else:
            top.append(run_id)
    placed: dict[str, int] = {}
    waiting = [(run_id, 0) for run_id in reversed(top)]
    while waiting:
        run_id, depth = waiting.pop()
        placed[run_id] = depth
        waiting += [(child, depth + 1) for child in below.get(run_id, ())]
    ordered = _each(table.loc[list(placed)], look)
    ordered["name"] = [
        "\u2003" * (depth - 1) + "└ " * bool(depth) + str(name)
        for name, depth in zip(ordered["name"], placed.values(), strict=True)
    ]
    ordered[CAME] = [
        came_about(
            lineage, None if pd.isna(seed) else int(seed), "" if depth or not lineage else " of a run not listed"
        )
        for lineage, seed, depth in zip(ordered["lineage"], ordered["seed"], placed.values(), strict=True)
    ]
    return ordered
