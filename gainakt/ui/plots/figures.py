"""Building blocks of the charts: palette, base layout, grids of small plots, event marks."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gainakt.ui.text import chart_text, json_value, number, shortened
from gainakt.ui.words import setting

Figure = dict[str, Any]
"""A Plotly figure as plain data: {"data": traces, "layout": layout}; numbers are NumPy arrays."""

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours that stand out on white and on black; a seventh curve repeats them dashed."""

DASHES = ("solid", "dash", "dot", "dashdot")
NEUTRAL = "#8a929c"
CLEAR = "rgba(0,0,0,0)"
MARK_LABELS = 6
MARK_ROOM = 0.16
"""Share of a chart's width that a mark's label takes."""
LEGEND_BELOW = 6


@dataclass(frozen=True)
class Axes:
    """How a chart is framed: title, what x is (step or epoch of a curve), title and unit of y, height in pixels."""

    title: str = ""
    x: str = "step"
    y: str = ""
    height: int = 320


def color(position: int) -> str:
    """The palette's colour of the curve at this position."""
    return PALETTE[position % len(PALETTE)]


def dash(position: int) -> str:
    """The line style of the curve at this position: curves of the same colour differ in it."""
    return DASHES[position // len(PALETTE) % len(DASHES)]


def faded(hex_color: str, alpha: float) -> str:
    """The colour with an opacity in [0, 1]."""
    red, green, blue = (int(hex_color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def floats(values: Any) -> np.ndarray:
    """Values as float32, half the bytes of float64 on their way to the browser; None becomes a gap."""
    if isinstance(dtype := getattr(values, "dtype", None), np.dtype) and dtype.kind in "fiu":
        return np.asarray(values, dtype=np.float32)
    return np.asarray(pd.to_numeric(pd.Series(values), errors="coerce"), dtype=np.float32)


def base_layout(axes: Axes, entries: int) -> dict[str, Any]:
    """Layout shared by all charts: transparent, compact, title left; legend below, or right of many entries."""
    below = {"orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom"}
    beside = {"orientation": "v", "x": 1.02, "xanchor": "left", "y": 1, "yanchor": "top"}
    return {
        "title": {
            "text": chart_text(axes.title),
            "font": {"size": 15, "weight": 600},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 8, "l": 8},
        },
        "height": axes.height,
        "margin": {"l": 60, "r": 16, "t": 44 if axes.title else 20, "b": 48},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "showlegend": entries > 1,
        "legend": {**(below if entries <= LEGEND_BELOW else beside), "bgcolor": CLEAR, "font": {"size": 12}},
        "hoverlabel": {"namelength": 48},
        "font": {"size": 12},
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """One axis with its title; `more` are Plotly's own settings."""
    return {"title": {"text": chart_text(title), "standoff": 8}, "automargin": True, "zeroline": False, **more}


def empty(figure: Figure, text: str = "No values yet") -> Figure:
    """The figure with a note in its middle instead of data."""
    note = {"text": text, "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    figure["layout"].setdefault("annotations", []).append(note | {"font": {"color": NEUTRAL, "size": 13}})
    for name in ("xaxis", "yaxis"):
        figure["layout"].setdefault(name, {})["visible"] = False
    return figure


def grid(count: int, columns: int, gap: tuple[float, float]) -> list[tuple[list[float], list[float]]]:
    """(x domain, y domain) of `count` small plots, row by row from the top; gaps are shares of width and height."""
    rows = -(-count // columns)
    width = (1 - gap[0] * (columns - 1)) / columns
    height = (1 - gap[1] * (rows - 1)) / rows
    domains = []
    for position in range(count):
        row, column = divmod(position, columns)
        left, top = column * (width + gap[0]), 1 - row * (height + gap[1])
        domains.append(([left, min(left + width, 1.0)], [max(top - height, 0.0), top]))
    return domains


def panel_title(text: str, domain: tuple[list[float], list[float]]) -> dict[str, Any]:
    """The title above one small plot."""
    (left, _), (_, top) = domain
    return {
        "text": chart_text(text),
        "showarrow": False,
        "font": {"size": 12},
        "x": left,
        "xref": "paper",
        "xanchor": "left",
        "y": top,
        "yref": "paper",
        "yanchor": "bottom",
    }


def mark_text(event: Any) -> str:
    """What an event says beside its line, such as `Variance weight 0 → 50`."""
    if event.field:
        return f"{setting(str(event.field))} {json_value(event.old)} → {json_value(event.new)}"
    return str(event.text or event.kind)


def add_marks(figure: Figure, events: pd.DataFrame, positions: np.ndarray) -> None:
    """Dotted vertical lines at the events' x positions, the latest labelled, all explained on hover."""
    if events.empty:
        return
    layout, rows = figure["layout"], list(events.itertuples())
    layout["margin"]["t"] += 18
    texts = [mark_text(row) for row in rows]
    line = {"color": NEUTRAL, "width": 1.2, "dash": "dot"}
    levels = _label_levels(positions.tolist(), figure)
    for order, (x, text) in enumerate(zip(positions.tolist(), texts, strict=True)):
        layout.setdefault("shapes", []).append(
            {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "layer": "below", "line": line}
        )
        if order in levels:
            layout.setdefault("annotations", []).append(_mark_label(x, text, levels[order]))
    layout["yaxis2"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    figure["data"].append(
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "marks",
            "name": "changes",
            "yaxis": "y2",
            "showlegend": False,
            "x": positions,
            "y": floats([1.0] * len(rows)),
            "cliponaxis": False,
            "text": [_mark_hover(*pair) for pair in zip(rows, texts, strict=True)],
            "marker": {"symbol": "triangle-down", "size": 9, "color": NEUTRAL},
            "hovertemplate": "%{text}<extra></extra>",
        }
    )


def _label_levels(positions: list[float], figure: Figure) -> dict[int, int]:
    """Which marks are labelled, and in which of two rows: the latest first, no label over another one."""
    every = [float(x) for trace in figure["data"] for x in (np.min(trace["x"]), np.max(trace["x"]))]
    room = MARK_ROOM * (max([*every, *positions]) - min([*every, *positions]))
    levels: dict[int, int] = {}
    rows: tuple[list[float], ...] = ([], [])
    for order in reversed(range(len(positions))):
        free = [level for level, row in enumerate(rows) if all(abs(positions[order] - x) >= room for x in row)]
        if free and len(levels) < MARK_LABELS:
            levels[order] = free[0]
            rows[free[0]].append(positions[order])
    return levels


def _mark_label(x: float, text: str, level: int) -> dict[str, Any]:
    return {
        "text": chart_text(shortened(text, 28)),
        "showarrow": False,
        "x": x,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": "center",
        "yshift": 3 + 12 * level,
        "font": {"size": 10, "color": NEUTRAL},
    }


def _mark_hover(event: Any, text: str) -> str:
    who = f", {event.who}" if event.who else ""
    moment = getattr(event, "time", None)
    clock = f", {dt.datetime.fromtimestamp(moment):%H:%M:%S}" if moment and moment == moment else ""
    return chart_text(f"{text} (step {number(event.step)}{clock}{who})")
