"""Settings, steering, data, code and versions of the compared runs."""

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.settings import as_frame, settings, surroundings
from gainakt.ui import tables, words
from gainakt.ui.compare import link
from gainakt.ui.compare.look import FEW, Look
from gainakt.ui.run.recorded import merged
from gainakt.ui.text import json_value

_ACROSS = 12
"""Up to so many runs stand as columns; more stand as rows."""


def section(comparison: Compared, look: Look) -> None:
    """What was set, what was changed while training, and around it data and versions."""
    only = link.switch(
        "only", "Only what differs", True, help="A setting that a run does not state is blank: unknown, not different."
    )
    _table(as_frame(settings(comparison.runs, only), look.labels, "Setting"), "settings", only)
    st.markdown("###### Data, code and versions")
    _table(as_frame(surroundings(comparison.runs, only), look.labels, "What"), "data, code and versions", only)
    moves = steering(comparison, look)
    if len(moves):
        st.markdown("###### Changed while training")
        tables.show(moves, most=320)


def _table(frame: pd.DataFrame, what: str, only: bool) -> None:
    if frame.empty:
        st.caption(f"None: the {what} are the same." if only else f"No {what} are on record.")
        return
    heading = frame.columns[0]
    if frame.shape[1] - 1 > _ACROSS:
        turned = frame.set_index(heading).T.rename_axis("Run").reset_index()
        tables.show(turned, most=420, widths={"Run": 230})
        return
    width = max(110, 900 // (frame.shape[1] - 1)) if frame.shape[1] - 1 <= FEW else 140
    tables.show(frame, most=420, widths=dict.fromkeys(frame.columns[1:], width) | {heading: 230})


def steering(comparison: Compared, look: Look) -> pd.DataFrame:
    """The changes of settings while runs trained, moves of seconds as one."""
    parts = [
        merged(changes).assign(run=look.labels[str(run_id)])
        for run_id, changes in comparison.changes.groupby("run_id", sort=False)
    ]
    if not parts:
        return pd.DataFrame()
    rows = pd.concat(parts)
    return pd.DataFrame(
        {
            "Run": rows["run"],
            "Setting": rows["field"].map(words.setting),
            "From": rows["old"].map(json_value),
            "To": rows["new"].map(json_value),
            "Step": rows["step"].astype("Int64"),
            "Epoch": rows["epoch"].astype("Int64"),
            "By": rows["who"],
        }
    )
