"""Curves of the compared runs over each other: aligned by step, epoch or time, smoothed, with steering marks."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.curves import ALIGNED, aligned
from gainakt.ui import words
from gainakt.ui.compare import link
from gainakt.ui.compare.look import Look
from gainakt.ui.plots import charts, compared
from gainakt.ui.plots.charts import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.plots.reading import smoothed
from gainakt.ui.run.recorded import merged

CURVES = {
    "gain_std": ("Gain std over the last 20 batches", "std of gains"),
    "validation.gain_std": ("Gain std, validation", "std of gains"),
    "validation.encoder1_auc": ("Encoder 1, validation", "AUC"),
    "validation.encoder2_auc": ("Encoder 2, validation", "AUC"),
    "loss.total": ("Total loss", "weighted sum"),
    "loss.im": ("IM loss, Encoder 2", "nats"),
    "loss.bce": ("BCE loss, Encoder 1", "nats"),
    "validation.mastery_correlation": ("Mastery correlation, validation", "Pearson r"),
}
"""Series -> title and unit."""
_SHOWN = ["gain_std", "validation.encoder2_auc", "validation.encoder1_auc", "loss.total"]
_POINTS = 10_000
"""Most points of a chart."""


def section(comparison: Compared, look: Look) -> None:
    """The chosen curves, two in a row."""
    by_at, smooth_at, which_at = st.columns([3, 3, 8], vertical_alignment="bottom", gap="medium")
    with by_at:
        by = link.one_of("align", list(ALIGNED), "Align by", ALIGNED.__getitem__)
    with smooth_at:
        smooth = link.amount("smooth", "Smoothing", help="Exponential moving average; the curve itself stays faint.")
    with which_at:
        names = link.several("curves", list(CURVES), _SHOWN, "Curves", format_func=lambda one: CURVES[one][0])
    for place, name in enumerate(names):
        if place % 2 == 0:
            columns = st.columns(2)
        title, unit = CURVES[name]
        with columns[place % 2]:
            live_plot(
                f"compare-{name}",
                figure(comparison, look, name, Axes(title, by, unit, height=330), smooth=smooth),
                revision=f"{look.revision} {by}",
            )


def figure(
    comparison: Compared,
    look: Look,
    name: str,
    axes: Axes,
    run_ids: Sequence[str] = (),
    smooth: float = 0.0,
) -> Figure:
    """One series of all runs, or of some, over `axes.x`: step, epoch or minutes."""
    shown = list(run_ids or comparison.runs)
    series = comparison.store.series(shown, [name], points=max(40, _POINTS // len(shown)))
    marks = pd.concat([merged(rows) for _, rows in comparison.changes.groupby("run_id")] or [comparison.changes])
    series, marks = (aligned(rows, comparison.runs, axes.x) for rows in (series, marks[marks["run_id"].isin(shown)]))
    labels = {run_id: look.labels[run_id] for run_id in shown}
    drawn = charts.lines(series, {name: words.LOSSES.get(name, name)}, labels, marks if len(marks) else None, axes)
    drawn = smoothed(drawn, smooth)
    if look.many and not run_ids:
        drawn = compared.grouped(drawn, look.groups, look.labels)
    drawn["layout"]["showlegend"] = True
    return drawn
