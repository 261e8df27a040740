"""What the settings of a sweep do: a measure over each of them, and all of them side by side."""

from typing import Any

import numpy as np
import pandas as pd

from gainakt.config import fields
from gainakt.jobs.sweep.space import Axis, Range, Space
from gainakt.measures.registry import MEASURES
from gainakt.ui import words
from gainakt.ui.plots import figures
from gainakt.ui.plots.figures import Axes, Figure
from gainakt.ui.text import chart_text, number

PANELS = 6
"""Settings that are drawn, each in a plot of its own."""
_LOG_FROM = 30.0
"""Values that are this many times apart get a log axis."""
_SYMBOLS = {"differentiated": "circle", "noise": "circle-open", "untested": "circle"}


def label(name: str) -> str:
    """What is varied, in words."""
    return "Preset" if name == "preset" else words.setting(name)


def effects(rows: pd.DataFrame, space: Space, measure: str, by: str) -> Figure:
    """A measure over each setting: a point per trial, and the mean where several have the same value.

    `by` is what the colours tell apart; open circles are runs whose tests found them not differentiated.
    """
    names = [name for name in space.varied if name != by or len(space.varied) == 1][:PANELS]
    columns = min(len(names), 3)
    domains = figures.grid(len(names), columns or 1, (0.1, 0.24))
    groups: list[tuple[Any, pd.DataFrame]] = [("all", rows)]
    if by in space.varied and len(space.varied) > 1:
        groups = [(value, rows[rows[by] == value]) for value in dict.fromkeys(rows[by])]
    axes = Axes(y=MEASURES[measure].label, height=330 if len(names) <= columns else 560)
    figure: Figure = {"data": [], "layout": figures.base_layout(axes, len(groups))}
    for place, (name, (across, down)) in enumerate(zip(names, domains, strict=True)):
        suffix = "" if place == 0 else str(place + 1)
        figure["layout"][f"xaxis{suffix}"] = figures.axis(
            label(name), domain=across, anchor=f"y{suffix}", **_scale(rows[name], space.varied[name])
        )
        title = MEASURES[measure].label if place % (columns or 1) == 0 else ""
        figure["layout"][f"yaxis{suffix}"] = figures.axis(title, domain=down, anchor=f"x{suffix}", tickformat=".3~g")
        for position, (value, part) in enumerate(groups):
            text = number(value) if by == "preset" else f"{label(by)} {number(value)}"
            shown = chart_text(text), place == 0 and len(groups) > 1
            figure["data"] += _curve(part, (name, measure), shown, position, suffix)
    return figure if rows[measure].notna().any() else figures.empty(figure, "No trial has ended yet")


def _scale(values: pd.Series, axis: Axis) -> dict[str, Any]:
    if not _numeric(axis):
        return {"type": "category"}
    held = pd.to_numeric(values).dropna()
    ends = (axis.low, axis.high) if isinstance(axis, Range) else (min(axis), max(axis))
    wide = ends[0] > 0 and ends[1] / ends[0] >= _LOG_FROM
    if (isinstance(axis, Range) and axis.log) or wide:
        ticks = {} if isinstance(axis, Range) or len(axis) > 8 else {"tickvals": [float(one) for one in axis]}
        return {"type": "log", "dtick": 1, **ticks} if not ticks else {"type": "log", **ticks}
    return {"type": "linear"} if len(held) else {}


def _numeric(axis: Axis) -> bool:
    return isinstance(axis, Range) or all(isinstance(one, int | float) and not isinstance(one, bool) for one in axis)


def _curve(
    rows: pd.DataFrame, of: tuple[str, str], shown: tuple[str, bool], position: int, suffix: str
) -> list[dict[str, Any]]:
    name, measure = of
    text, in_legend = shown
    rows = rows.dropna(subset=[measure])
    numeric = pd.api.types.is_numeric_dtype(rows[name]) and not pd.api.types.is_bool_dtype(rows[name])
    axes = {"type": "scatter", "xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "legendgroup": text, "name": text}

    def values(column: pd.Series) -> Any:
        return figures.floats(column) if numeric else [chart_text(number(one)) for one in column]

    symbols = [_SYMBOLS.get(standing, "circle") for standing in rows["differentiated"]]
    points = {
        **axes,
        "uid": f"{name}/{text}/points",
        "mode": "markers",
        "x": values(rows[name]),
        "y": figures.floats(rows[measure]),
        "showlegend": False,
        "marker": {"size": 7, "color": figures.faded(figures.color(position), 0.55), "symbol": symbols},
        "text": [chart_text(f"seed {row.seed}, {row.run_id}") for row in rows.itertuples()],
        "hovertemplate": "%{x}: %{y:.3f}<br>%{text}",
    }
    means = rows.groupby(name, sort=True)[measure].mean()
    line = {
        **axes,
        "uid": f"{name}/{text}/mean",
        "mode": "lines",
        "x": values(means.index.to_series()),
        "y": figures.floats(means),
        "showlegend": in_legend,
        "line": {"color": figures.color(position), "width": 2, "dash": figures.dash(position)},
        "hoverinfo": "skip",
    }
    return [line, points] if len(means) < len(rows) or len(means) <= 12 else [points]


def parallel(rows: pd.DataFrame, space: Space, measure: str) -> Figure:
    """Parallel coordinates: an axis per setting and one of the measure, a line per trial that has it."""
    rows = rows.dropna(subset=[measure])
    figure: Figure = {"data": [], "layout": figures.base_layout(Axes(height=400), 1)}
    figure["layout"]["margin"] |= {"l": 90, "r": 70, "t": 60, "b": 30}
    if rows.empty:
        return figures.empty(figure, "No trial has ended yet")
    values = figures.floats(rows[measure])
    dimensions = [_dimension(name, rows[name], axis) for name, axis in space.varied.items()]
    dimensions.append({"label": chart_text(MEASURES[measure].label), "values": values, "tickformat": ".3~g"})
    color = {"color": values, "colorscale": "Viridis", "showscale": False}
    figure["data"] = [{"type": "parcoords", "uid": "parallel", "dimensions": dimensions, "line": color}]
    return figure


def _dimension(name: str, values: pd.Series, axis: Axis) -> dict[str, Any]:
    """One axis: numbers far apart by their logarithms, what is no number by its place in the list."""
    shown = {"label": chart_text(label(name))}
    if _scale(values, axis).get("type") == "log":
        exponents = np.log10(pd.to_numeric(values).to_numpy(dtype=np.float64))
        marks = _decades(exponents) if isinstance(axis, Range) else sorted(axis)
        ticks = {"tickvals": [float(np.log10(one)) for one in marks], "ticktext": [number(one) for one in marks]}
        return {**shown, **ticks, "values": figures.floats(exponents)}
    if not _numeric(axis) or name not in fields():
        known = list(axis) if isinstance(axis, tuple) else []
        ticks = {"tickvals": list(range(len(known))), "ticktext": [chart_text(number(one)) for one in known]}
        return {**shown, **ticks, "values": figures.floats([known.index(one) for one in values])}
    ticks = {"tickvals": [float(one) for one in axis]} if isinstance(axis, tuple) else {}
    return {**shown, **ticks, "values": figures.floats(values)}


def _decades(exponents: np.ndarray) -> list[float]:
    return [10.0**power for power in range(int(np.floor(exponents.min())), int(np.ceil(exponents.max())) + 1)]
