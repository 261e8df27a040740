"""What a run learned against the truth of simulated students: a picture of the rates, and the numbers."""

import pandas as pd
import streamlit as st

from gainakt.measures.recovery import NOT_IDENTIFIED
from gainakt.measures.registry import AGREEMENT
from gainakt.store import Run, Store
from gainakt.ui import tables
from gainakt.ui.plots import figures
from gainakt.ui.plots.figures import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import chart_text

_HELPS = {label: text for label, text, _ in AGREEMENT.values()}


def recovery(store: Store, run: Run, learned: pd.DataFrame) -> None:
    """True against learned, where the run's data are simulated; `learned` is the run's table of skills."""
    metrics = store.metrics([run.run_id])
    if "recovery" not in set(metrics["split"]):
        return
    st.markdown("###### Learned against true values of the simulated students")
    left, right = st.columns(2)
    if "true_rate" in learned:
        with left:
            live_plot(f"recovery-{run.run_id}", rates_figure(learned))
    with right:
        single = tables.whole_run(metrics, "recovery")
        tables.show(single[["Measure", "Value"]], widths={"Measure": 300})
    tables.show(tables.agreement(metrics), widths={"Quantity": 140}, helps=_HELPS)
    st.caption(f"Not compared, because data cannot tell them apart: {'; '.join(NOT_IDENTIFIED)}.")


def rates_figure(learned: pd.DataFrame) -> Figure:
    """Learned over true effective rate, a point per skill, and the line where they are equal."""
    rated = learned.dropna(subset=["true_rate", "effective_rate"])
    figure: Figure = {"data": [], "layout": figures.base_layout(Axes("Effective rate per skill", height=360), 1)}
    figure["layout"] |= {"xaxis": figures.axis("true rate"), "yaxis": figures.axis("learned rate")}
    if rated.empty:
        return figures.empty(figure, "No skill has both rates")
    limits = [float(rated["true_rate"].min()), float(rated["true_rate"].max())]
    figure["data"] = [
        {
            "type": "scatter",
            "mode": "lines",
            "uid": "equal",
            "x": figures.floats(limits),
            "y": figures.floats(limits),
            "line": {"color": figures.NEUTRAL, "dash": "dot", "width": 1},
            "hoverinfo": "skip",
            "name": "equal",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "skills",
            "x": figures.floats(rated["true_rate"]),
            "y": figures.floats(rated["effective_rate"]),
            "name": "skill",
            "marker": {"size": 7, "color": figures.color(0)},
            "text": [chart_text(label) for label in rated["skill"]],
            "hovertemplate": "%{text}: true %{x:.3f}, learned %{y:.3f}<extra></extra>",
        },
    ]
    return figure
