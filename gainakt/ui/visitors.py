"""A dashboard for visitors, who look on: what starts, changes or deletes is shown and cannot be used."""

from typing import Any

import streamlit as st

from gainakt.errors import read_only

LOOK_ON = "Visitors look on: nothing can be started, changed or deleted from this dashboard."


def owners(disabled: bool = False, help: str | None = None) -> dict[str, Any]:
    """The arguments `disabled` and `help` of a control that visitors cannot use; the store refuses it as well."""
    return {"disabled": True, "help": LOOK_ON} if read_only() else {"disabled": disabled, "help": help}


def note() -> None:
    """Say beside the navigation of every page that this dashboard is for visitors, where it is."""
    if read_only():
        st.badge("Looking on", icon=":material/visibility:", color="blue", help=LOOK_ON)


def end_here() -> None:
    """End a page, or the part of one, that only starts something; for the owner it goes on."""
    if read_only():
        st.info("Here the owner of this dashboard chooses data and starts work; the other pages show what came of it.",
                icon=":material/info:")  # fmt: skip
        st.stop()
