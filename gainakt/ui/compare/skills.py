"""Skills: rates of A against rates of B, how alike their order is, and which moved most."""

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.skills import rates
from gainakt.ui import tables
from gainakt.ui.compare import link
from gainakt.ui.compare.look import Look
from gainakt.ui.plots import compared
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import shortened


def section(comparison: Compared, look: Look) -> None:
    """The chart and the table of one pair; with more runs the rank correlation of each with the baseline."""
    run_id = link.other(comparison.others, look.labels)
    found = rates(comparison, run_id)
    a, b = (shortened(look.labels[one].removeprefix("▸ "), 30) for one in (comparison.baseline, run_id))
    chart, table = st.columns([1, 1], gap="medium")
    with chart:
        axes = Axes("Effective rates of skills", f"A: {a}", f"B: {b}", height=440)
        live_plot(f"compare-rates-{run_id}", compared.rates(found.table, axes), revision=f"{look.revision} {run_id}")
    with table:
        if found.correlation is not None:
            st.metric(
                "Rank correlation (Spearman)",
                f"{found.correlation:.3f}",
                help="1: both runs put the skills in the same order.",
            )
        st.markdown("###### Skills that moved most")
        shown = found.table.rename(
            columns={
                "skill": "Skill",
                "a": "A",
                "b": "B",
                "difference": "B − A",
                "rank_a": "Rank in A",
                "rank_b": "Rank in B",
            }
        )
        tables.show(shown, most=300, widths={"Skill": 150})
        left_out = f" {found.one_only} skills that only one of them rates are left out." if found.one_only else ""
        st.caption(
            "Rates of the training and validation students; without an interval: more seeds show how far chance moves"
            f" them.{left_out}"
        )
    if len(comparison.others) > 1:
        st.markdown("###### Order of rates of every run against the baseline's")
        tables.show(_all(comparison, look), most=320, widths={"Run": 260})


def _all(comparison: Compared, look: Look) -> pd.DataFrame:
    rows = []
    for run_id in comparison.others:
        found = rates(comparison, run_id)
        top = found.table.iloc[0]["skill"] if len(found.table) else ""
        rows.append((look.labels[run_id], found.correlation, len(found.table), top))
    table = pd.DataFrame(rows, columns=["Run", "Rank correlation", "Skills", "Moved most"])
    return table.astype({"Rank correlation": float})
