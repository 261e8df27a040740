"""How a figure is read: smoothed, on a log scale, at a moment. Pure functions, figure in, figure out."""

from typing import Any

import numpy as np

from gainakt.ui.plots.figures import Axes, Figure, axis, base_layout, empty, floats

_RAW = 0.3
"""Opacity of a curve beside its smoothed one."""


def smoothed(figure: Figure, smoothing: float) -> Figure:
    """Each curve as its exponential moving average (0: as it is, towards 1: smoother), with itself faint behind it."""
    if not 0 < smoothing < 1:
        return figure
    raw: list[dict[str, Any]] = []
    for trace in figure["data"]:
        if trace["type"] != "scatter" or "lines" not in trace["mode"]:
            continue
        faint = {
            "opacity": _RAW,
            "hoverinfo": "skip",
            "showlegend": False,
            "mode": "lines",
            "legendgroup": trace["uid"],
        }
        raw.append({**trace, **faint, "uid": f"{trace['uid']}/raw", "hovertemplate": None})
        trace |= {"y": moving_average(trace["y"], smoothing), "legendgroup": trace["uid"]}
    figure["data"] += raw
    return figure


def moving_average(values: np.ndarray, smoothing: float) -> np.ndarray:
    """Exponential moving average of a curve, corrected for its start; gaps stay gaps and are passed over."""
    averages = np.full(len(values), np.nan, dtype=np.float32)
    total = weight = 0.0
    for place, value in enumerate(values.tolist()):
        if value == value:
            total, weight = smoothing * total + (1 - smoothing) * value, smoothing * weight + 1 - smoothing
            averages[place] = total / weight
    return averages


def logarithmic(figure: Figure) -> Figure:
    """The figure with a log scale for y, on which values of 0 and below are gaps."""
    figure["layout"]["yaxis"] |= {"type": "log", "uirevision": "log", "exponentformat": "power"}
    return figure


def at_moment(figure: Figure, x: float | None, xaxis: str = "x") -> Figure:
    """The figure with a line at the moment that is looked at; None is now and has no line."""
    if x is not None:
        line = {"color": "#d55e00", "width": 1.5}
        mark = {"type": "line", "x0": x, "x1": x, "xref": xaxis, "y0": 0, "y1": 1, "yref": "paper", "line": line}
        figure["layout"].setdefault("shapes", []).append(mark)
    return figure


def gain_map(steps: np.ndarray, counts: np.ndarray, axes: Axes) -> Figure:
    """The distribution of gains over steps as a heat map: counts (steps, bins) of equal bins of (0, 1), as shares."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 0)}
    figure["layout"] |= {"xaxis": axis(axes.x), "yaxis": axis(axes.y, range=[0, 1])}
    if not len(counts):
        return empty(figure)
    bins = counts.shape[1]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure["data"].append(
        {
            "type": "heatmap",
            "uid": "gain-map",
            "x": floats(steps),
            "y": floats((np.arange(bins) + 0.5) / bins),
            "z": np.ascontiguousarray(np.sqrt(shares).T, dtype=np.float32),
            "customdata": np.ascontiguousarray(shares.T, dtype=np.float32),
            "colorscale": "Cividis",
            "showscale": False,
            "hovertemplate": "step %{x:,}, gain %{y:.2f}: %{customdata:.1%} of gains<extra></extra>",
        }
    )
    return figure
