"""How a figure is read: smoothed, on a log scale, at a moment. Pure functions, figure in, figure out."""

from typing import Any

import numpy as np
import pandas as pd

from gainakt.ui.plots.figures import Figure, floats

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
    curve = pd.Series(values, dtype=float)
    return floats(curve.ewm(alpha=1 - smoothing, ignore_na=True).mean().where(curve.notna()))


def logarithmic(figure: Figure) -> Figure:
    """The figure with a log scale for y, on which values of 0 and below are gaps."""
    figure["layout"]["yaxis"] |= {"type": "log", "uirevision": "log", "exponentformat": "power"}
    return figure


def at_moment(figure: Figure, x: float | None) -> Figure:
    """The figure with a line at the moment that is looked at; None is now and has no line."""
    if x is not None:
        line = {"color": "#d55e00", "width": 1.5}
        mark = {"type": "line", "x0": x, "x1": x, "xref": "x", "y0": 0, "y1": 1, "yref": "paper", "line": line}
        figure["layout"].setdefault("shapes", []).append(mark)
    return figure
