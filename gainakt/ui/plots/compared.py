"""Charts of several runs beside each other: pure functions, plain data in, Plotly figure (plain data) out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gainakt.ui.plots.figures import (
    LEGEND_BELOW,
    NEUTRAL,
    Axes,
    Figure,
    axis,
    base_layout,
    color,
    dash,
    empty,
    faded,
    floats,
)
from gainakt.ui.text import chart_text, shortened

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star")
OPENS = "run"
"""The `meta` of traces whose points open the run that their `customdata` names (`live.js`)."""
_PARALLEL_ROOM = 16
_SCALE = "Cividis"


def grouped(figure: Figure, groups: Mapping[str, str], runs: Mapping[str, str]) -> Figure:
    """Curves of many runs (`charts.lines`) in the colour of their group: run id -> group, run id -> label on hover.

    The legend names each group once.
    """
    names = list(dict.fromkeys(groups.values()))
    shown: set[str] = set()
    for trace in figure["data"]:
        run_id = str(trace["uid"]).split("/")[0]
        if run_id not in groups:
            continue
        name = groups[run_id]
        place = names.index(name)
        trace |= {
            "name": chart_text(shortened(name, 40)),
            "legendgroup": name,
            "showlegend": name not in shown and trace.get("showlegend", True),
            "mode": "lines",
            "line": {"color": color(place), "dash": dash(place), "width": 1.3},
            "hovertemplate": f"%{{y:.5~g}}<extra>{chart_text(shortened(runs[run_id], 40))}</extra>",
        }
        if trace["showlegend"]:
            shown.add(name)
    many = len(names) > LEGEND_BELOW
    legend = base_layout(Axes(), len(names))["legend"]
    figure["layout"] |= {"hovermode": "closest", "showlegend": True, "legend": legend | {"font": {"size": 11}}}
    if many:
        figure["layout"]["legend"]["itemsizing"] = "constant"
    return figure


def gain_rows(shares: Mapping[str, np.ndarray], axes: Axes) -> Figure:
    """Distributions of gains of many runs as one row of a heat map each: label -> shares of equal bins of (0, 1)."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 0)}
    if not shares:
        return empty(figure)
    values = np.stack(list(shares.values()))
    bins = values.shape[1]
    figure["data"].append(
        {
            "type": "heatmap",
            "uid": "gain-rows",
            "x": floats((np.arange(bins) + 0.5) / bins),
            "y": [chart_text(shortened(label, 30)) for label in shares],
            "z": np.sqrt(values).astype(np.float32),
            "customdata": values.astype(np.float32),
            "colorscale": _SCALE,
            "showscale": False,
            "hovertemplate": "%{y}, gain %{x:.2f}: %{customdata:.1%} of gains<extra></extra>",
        }
    )
    figure["layout"] |= {
        "xaxis": axis(axes.x, range=[0, 1]),
        "yaxis": axis("", autorange="reversed", type="category", tickfont={"size": 10}),
    }
    return figure


def rates(table: pd.DataFrame, axes: Axes, named: int = 5) -> Figure:
    """Rates of B over rates of A, a point per skill (skill, a, b), with the line on which they are equal.

    The first `named` rows, those that moved most, carry their names.
    """
    figure: Figure = {"data": [], "layout": base_layout(axes, 0)}
    if table.empty:
        return empty(figure, "No skill has a rate in both runs")
    low, high = float(table[["a", "b"]].min().min()), float(table[["a", "b"]].max().max())
    labels = [chart_text(shortened(skill, 24)) for skill in table["skill"]]
    texts = [label if place < named else "" for place, label in enumerate(labels)]
    right = float(table["a"].median())
    positions = ["middle left" if a > right else "middle right" for a in table["a"]]
    figure["data"] = [
        {
            "type": "scatter",
            "mode": "lines",
            "uid": "equal",
            "x": floats([low, high]),
            "y": floats([low, high]),
            "line": {"color": NEUTRAL, "dash": "dot", "width": 1},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers+text",
            "uid": "skills",
            "x": floats(table["a"]),
            "y": floats(table["b"]),
            "text": texts,
            "textposition": positions,
            "textfont": {"size": 10},
            "customdata": labels,
            "marker": {"size": 7, "color": faded(color(0), 0.75)},
            "hovertemplate": "%{customdata}<br>A %{x:.4~g}, B %{y:.4~g}<extra></extra>",
        },
    ]
    figure["layout"] |= {"xaxis": axis(axes.x), "yaxis": axis(axes.y), "hovermode": "closest"}
    return figure


def intervals(table: pd.DataFrame, axes: Axes) -> Figure:
    """Differences with their intervals, a row each: label, value, low, high; what leaves out 0 is filled."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 0)}
    if table.empty:
        return empty(figure, "No intervals")
    clear = (table["low"] > 0) | (table["high"] < 0)
    hues = [color(0) if one else NEUTRAL for one in clear]
    figure["data"].append(
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "intervals",
            "x": floats(table["value"]),
            "y": [chart_text(shortened(label, 44)) for label in table["label"]],
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": floats(table["high"] - table["value"]),
                "arrayminus": floats(table["value"] - table["low"]),
                "color": NEUTRAL,
                "thickness": 1.5,
                "width": 4,
            },
            "marker": {
                "size": 9,
                "color": [hue if one else "rgba(0,0,0,0)" for hue, one in zip(hues, clear, strict=True)],
                "line": {"color": hues, "width": 2},
            },
            "text": [f"{low:+.4f} to {high:+.4f}" for low, high in zip(table["low"], table["high"], strict=True)],
            "hovertemplate": "%{x:+.4f} (%{text})<extra>%{y}</extra>",
        }
    )
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    figure["layout"] |= {
        "xaxis": axis(axes.x, tickformat="+.3~g"),
        "yaxis": axis("", autorange="reversed", type="category"),
        "hovermode": "closest",
        "shapes": [zero | {"line": {"color": NEUTRAL, "width": 1.2, "dash": "dot"}}],
    }
    return figure


def scatter(points: pd.DataFrame, axes: Axes, logs: Sequence[str] = (), means: bool = False) -> Figure:
    """Runs as points that open them: columns run_id, label, group, x, y and, if given, ring (drawn around).

    `logs` names the axes on a log scale; `means` adds a line through the mean at each x.
    """
    points = points.dropna(subset=["x", "y"])
    groups = list(dict.fromkeys(points["group"]))
    figure: Figure = {"data": [], "layout": base_layout(axes, len(groups))}
    if points.empty:
        return empty(figure, "No run has both values")
    if means:
        by_x = points.groupby("x")["y"].mean()
        line = {"color": NEUTRAL, "width": 1.5}
        figure["data"].append(_quiet("means", by_x.index, by_x) | {"mode": "lines", "line": line})
    for place, group in enumerate(groups):
        figure["data"].append(_points(points[points["group"] == group], group, place))
    if "ring" in points and points["ring"].any():
        ringed = points[points["ring"]]
        ring = {"size": 17, "symbol": "circle-open", "color": NEUTRAL, "line": {"width": 2}}
        figure["data"].append(_quiet("ring", ringed["x"], ringed["y"]) | {"mode": "markers", "marker": ring})
    figure["layout"] |= {
        "xaxis": axis(axes.x, **_log("x", logs)),
        "yaxis": axis(axes.y, **_log("y", logs)),
        "hovermode": "closest",
    }
    return figure


def _log(name: str, logs: Sequence[str]) -> dict[str, Any]:
    return {"type": "log", "exponentformat": "power"} if name in logs else {}


def _quiet(uid: str, x: Any, y: Any) -> dict[str, Any]:
    shared = {"type": "scatter", "uid": uid, "hoverinfo": "skip", "showlegend": False}
    return shared | {"x": floats(x), "y": floats(y)}


def _points(part: pd.DataFrame, group: str, place: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "uid": f"points/{place}",
        "name": chart_text(shortened(group, 40)),
        "meta": OPENS,
        "customdata": part["run_id"].tolist(),
        "x": floats(part["x"]),
        "y": floats(part["y"]),
        "text": [chart_text(shortened(label, 48)) for label in part["label"]],
        "marker": {
            "size": 10,
            "color": color(place),
            "symbol": SYMBOLS[place // 6 % len(SYMBOLS)],
            "line": {"width": 1, "color": "rgba(127,127,127,0.6)"},
        },
        "hovertemplate": "%{text}<br>%{x:.5~g}, %{y:.5~g}<extra>click opens the run</extra>",
    }


def parallel(table: pd.DataFrame, labels: Mapping[str, str], by: str, axes: Axes) -> Figure:
    """Parallel coordinates: a line per row, an axis per column in `labels` (column -> label), coloured by column `by`.

    Drag along an axis to keep only the lines that pass there.
    """
    known = table[list(labels)].dropna()
    figure: Figure = {"data": [], "layout": base_layout(axes, 0)}
    if known.empty or by not in known:
        return empty(figure, "No run has all of these values")
    figure["data"].append(
        {
            "type": "parcoords",
            "uid": "parallel",
            "line": {
                "color": known[by].astype(float).tolist(),
                "colorscale": _SCALE,
                "showscale": True,
                "colorbar": {"title": {"text": chart_text(shortened(labels[by], 18))}, "thickness": 12},
            },
            "dimensions": [
                {"label": chart_text(shortened(label, _PARALLEL_ROOM)), "values": known[name].astype(float).tolist()}
                for name, label in labels.items()
            ],
            "labelfont": {"size": 11},
            "rangefont": {"size": 10},
            "tickfont": {"size": 10},
        }
    )
    figure["layout"]["margin"] = {"l": 70, "r": 70, "t": 80, "b": 30}
    return figure
