"""Whether the store and its runs are sound, checked when asked: a part of Home."""

import streamlit as st

from gainakt.errors import read_only
from gainakt.store import Store, checkup
from gainakt.ui import resources
from gainakt.ui.text import markdown_text
from gainakt.ui.visitors import owners

_ICONS = {checkup.GOOD: ":material/check_circle:", checkup.BAD: ":material/error:"}


def draw(store: Store) -> None:
    """Where the store is, and on demand what `gainakt doctor` says of it."""
    path = resources.store_path()
    where, button = st.columns([9.75, 1.9], vertical_alignment="center")
    if not read_only():
        where.caption(f"Store: {markdown_text(path)}")
    if not button.button(
        "Check the store", width="stretch", **owners(help="Reads every row, checkpoint and state once.")
    ):
        return
    with st.spinner("Reading the store and the runs' folders …"):
        found = checkup.findings(path, store)
    for one in found:
        advice = f" To do: {markdown_text(one.do)}." if one.do else ""
        st.markdown(f"{_ICONS[one.state]} **{one.about.capitalize()}:** {markdown_text(one.says)}{advice}")
