"""What the compared runs learned: gains on shared bins, with distances, and the learned parameters over epochs."""

import numpy as np
import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.gains import distances
from gainakt.store.several import newest_histograms
from gainakt.ui import tables, words
from gainakt.ui.compare.look import Look
from gainakt.ui.plots import charts, compared
from gainakt.ui.plots.charts import Axes, Figure
from gainakt.ui.plots.histograms import shared_bins
from gainakt.ui.plots.live import live_plot


def section(comparison: Compared, look: Look) -> None:
    """Histograms with their distances to the baseline's, then parameters."""
    counts = newest_histograms(comparison.store, list(comparison.runs), "validation")
    shares = shared_bins(counts)
    chart, table = st.columns([3, 2], gap="medium")
    with chart:
        live_plot("compare-gains", histogram(counts, look), revision=look.revision)
    with table:
        st.markdown("###### Distance to the baseline's gains")
        found = distances(shares, comparison.baseline)
        rows = {"Run": [look.labels[one] for one in found], "Wasserstein distance": list(found.values())}
        tables.show(pd.DataFrame(rows).astype({"Wasserstein distance": float}), most=300, widths={"Run": 250})
        st.caption(
            "How far, on average, gains must move to turn one distribution into the other: 0 is the same, 1 the most"
            " there can be. On the bins of the chart."
        )
    live_plot("compare-parameters", parameters(comparison, look), revision=look.revision)


def histogram(counts: dict[str, tuple[int, ...]], look: Look) -> Figure:
    """Gain distributions of the runs, over each other or, where there are many, a row each."""
    by_label = {look.labels[run_id]: counts[run_id] for run_id in look.comparison.runs if run_id in counts}
    axes = Axes("Practised gains, validation", "gain", "share of gains", height=360)
    if look.many:
        shares: dict[str, np.ndarray] = shared_bins(by_label)
        return compared.gain_rows(
            shares, Axes(f"{axes.title}: the brighter, the more", "gain", height=max(360, 80 + 14 * len(shares)))
        )
    return charts.histogram(by_label, axes)


def parameters(comparison: Compared, look: Look) -> Figure:
    """Percentiles of beta, theta, gamma and M_sat over training; of many runs the medians alone, by group."""
    title = "Learned parameters: medians" if look.many else "Learned parameters: median, middle 50 % and 90 %"
    axes = Axes(title, "epoch", height=520)
    rows = comparison.store.parameters(list(comparison.runs))
    drawn = charts.bands(rows, words.PARAMETERS, look.labels, axes, spread=not look.many)
    return compared.grouped(drawn, look.groups, look.labels) if look.many else drawn
