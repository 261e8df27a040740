"""Charts of what the store holds: pure functions, data frame in, Plotly figure (plain data) out."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gainakt.ui.plots.figures import (
    DASHES,
    LEGEND_BELOW,
    NEUTRAL,
    Axes,
    Figure,
    add_marks,
    axis,
    base_layout,
    color,
    dash,
    empty,
    faded,
    floats,
    grid,
    panel_title,
)
from gainakt.ui.plots.histograms import PANELS, histogram, shared_bins, skill_histograms
from gainakt.ui.text import chart_text, number, shortened

__all__ = ["PANELS", "Axes", "Figure", "bands", "bars", "histogram", "lines", "shared_bins", "skill_histograms"]

SPARSE = 40
"""Up to this many points a curve also shows its points."""

PLAIN = Axes()
EPOCHS = Axes(x="epoch", height=520)


def lines(
    series: pd.DataFrame,
    names: Mapping[str, str],
    runs: Mapping[str, str] | None = None,
    events: pd.DataFrame | None = None,
    axes: Axes = PLAIN,
) -> Figure:
    """Overlaid curves of the series in `names` (name -> label), of all runs or those in `runs` (run_id -> label).

    Several runs differ in colour (and several names in line style), one run's names in colour; there a measure of
    several splits (`validation.x`, `train_running.x`) keeps its colour and changes the line style. `events` are
    drawn as labelled marks. The order of `names` and `runs` fixes the colours.
    """
    curves = _curves(series, axes.x)
    if runs is None:
        runs = {run: run for run in dict.fromkeys(run for run, name in curves if name in names)}
    places = [(run, name) for run in runs for name in names if (run, name) in curves]
    look = _look(runs, names)
    length = 48 if len(places) <= LEGEND_BELOW else 24
    traces = [_curve(*curves[place], f"{place[0]}/{place[1]}", look(*place), length) for place in places]
    last = max((float(curves[place][0].max()) for place in places), default=None)
    figure: Figure = {"data": traces, "layout": base_layout(axes, len(traces))}
    figure["layout"] |= {
        "xaxis": axis(axes.x, **_whole_epochs(axes.x, last)),
        "yaxis": axis(axes.y),
        "hovermode": "x unified" if len(traces) <= LEGEND_BELOW else "closest",
    }
    if not traces:
        return empty(figure)
    if events is not None:
        shown = events[events["run_id"].isin(list(runs))].dropna(subset=["step"])
        add_marks(figure, shown, floats(shown[axes.x]))
    return figure


def _curves(series: pd.DataFrame, x: str) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """(run, name) -> x and values in order of steps; pandas' own grouping takes ten times as long."""
    if series.empty:
        return {}
    run_codes, runs = pd.factorize(series["run_id"])
    name_codes, names = pd.factorize(series["name"])
    codes = run_codes * len(names) + name_codes
    order = np.lexsort((series["step"].to_numpy(), codes))
    at, values = floats(series[x])[order], floats(series["value"])[order]
    begins = np.flatnonzero(np.diff(codes[order], prepend=-1))
    parts = zip(begins, np.split(at, begins[1:]), np.split(values, begins[1:]), strict=True)
    return {(str(runs[run_codes[order[b]]]), str(names[name_codes[order[b]]])): (a, v) for b, a, v in parts}


def _whole_epochs(x: str, last: float | None) -> dict[str, Any]:
    """Ticks at whole epochs, at most about ten; Plotly's own would stand at half epochs of short runs."""
    if x != "epoch" or last is None:
        return {}
    return {"tick0": 0, "dtick": max(1, -(-int(last) // 10))}


def _look(runs: Mapping[str, str], names: Mapping[str, str]) -> Callable[[str, str], tuple[str, str, str]]:
    """Of a run and a name: label, colour, line style."""
    run_places, name_places = {run: i for i, run in enumerate(runs)}, {name: i for i, name in enumerate(names)}
    measures = [name.split(".")[-1] for name in names]
    measure_places = {measure: i for i, measure in enumerate(dict.fromkeys(measures))}

    def look(run: str, name: str) -> tuple[str, str, str]:
        place, style = run_places[run], name_places[name]
        if len(runs) <= 1:
            hue, before = measure_places[measures[style]], measures[:style].count(measures[style])
            return names[name], color(hue), DASHES[before % len(DASHES)] if before else dash(hue)
        if len(names) == 1:
            return runs[run], color(place), dash(place)
        return f"{shortened(runs[run], 22)} · {names[name]}", color(place), DASHES[style % len(DASHES)]

    return look


def _curve(x: np.ndarray, y: np.ndarray, uid: str, look: tuple[str, str, str], length: int) -> dict[str, Any]:
    label, line_color, line_dash = look
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(x) <= SPARSE else "lines",
        "uid": uid,
        "name": chart_text(shortened(label, length)),
        "x": x,
        "y": y,
        "line": {"color": line_color, "width": 2, "dash": line_dash},
        "marker": {"size": 5},
        "hovertemplate": "%{y:.5~g}",
    }


def bands(
    parameters: pd.DataFrame,
    names: Mapping[str, str],
    runs: Mapping[str, str] | None = None,
    axes: Axes = EPOCHS,
    columns: int = 2,
    spread: bool = True,
) -> Figure:
    """Percentiles over epochs of the parameters in `names` (name -> label), one small plot each.

    A line for the median, a band for the middle 50 %, a lighter one for 90 %, a dotted line at the run's first median.
    Without `spread`, as many runs need it, the medians alone.
    """
    runs = {run: str(run) for run in parameters["run_id"].unique()} if runs is None else runs
    figure: Figure = {"data": [], "layout": base_layout(axes, len(runs))}
    layout = figure["layout"] | {"annotations": [], "shapes": [], "hovermode": "x unified"}
    figure["layout"] = layout
    layout["margin"]["t"] += 14
    by_run = dict(
        iter(parameters[parameters["quantiles"].map(len) > 0].groupby(["run_id", "name"]))
    )  # records: no bands
    rows = -(-len(names) // columns)
    last = None if parameters.empty else float(parameters["epoch"].max())
    domains = grid(len(names), columns, (0.09, min(0.3, 78 / axes.height)))
    for panel, ((name, label), domain) in enumerate(zip(names.items(), domains, strict=True)):
        suffix = str(panel + 1) if panel else ""
        bottom = panel >= (rows - 1) * columns
        layout[f"xaxis{suffix}"] = axis(
            axes.x if bottom else "", domain=domain[0], anchor=f"y{suffix}", **_whole_epochs("epoch", last)
        )
        layout[f"yaxis{suffix}"] = axis("", domain=domain[1], anchor=f"x{suffix}", tickformat=".5~g")
        parts = {run: by_run[run, name].sort_values("epoch") for run in runs if (run, name) in by_run}
        start = _start_text(*parts.values()) if len(runs) == 1 else ""
        layout["annotations"].append(panel_title(label + start, domain))
        for position, (run, run_label) in enumerate(runs.items()):
            if (part := parts.get(run)) is not None:
                look = {"color": color(position), "label": run_label if len(runs) > 1 else label, "legend": panel == 0}
                figure["data"] += _band(part, f"{run}/{name}", suffix, look)[0 if spread else -1 :]
                if not spread:
                    continue
                layout["shapes"].append(_start_line(part, suffix, NEUTRAL if len(runs) == 1 else color(position)))
    return figure if figure["data"] else empty(figure)


def _band(part: pd.DataFrame, uid: str, suffix: str, look: Mapping[str, Any]) -> list[dict[str, Any]]:
    percentiles = np.stack([np.asarray(row, dtype=np.float64) for row in part["quantiles"]])[:, [5, 25, 50, 75, 95]]
    run, x = uid.split("/")[0], floats(part["epoch"])
    shared = {"type": "scatter", "x": x, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "legendgroup": run}
    edge = shared | {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    traces = []
    for low, high, alpha in ((0, 4, 0.15), (1, 3, 0.28)):
        fill = {"fill": "tonexty", "fillcolor": faded(look["color"], alpha)}
        traces.append(edge | {"uid": f"{uid}/{low}", "y": floats(percentiles[:, low])})
        traces.append(edge | fill | {"uid": f"{uid}/{high}", "y": floats(percentiles[:, high])})
    text = [
        f"50 % in {number(b)} to {number(d)}, 90 % in {number(a)} to {number(e)}"
        for a, b, _, d, e in percentiles.tolist()
    ]
    median = {
        "mode": "lines+markers" if len(part) <= SPARSE else "lines",
        "y": floats(percentiles[:, 2]),
        "text": text,
        "uid": f"{uid}/median",
        "name": chart_text(shortened(look["label"], 30)),
        "showlegend": look["legend"],
        "line": {"color": look["color"], "width": 2},
        "marker": {"size": 4},
        "hovertemplate": "median %{y:.4~g} (%{text})",
    }
    return [*traces, shared | median]


def _start_text(part: pd.DataFrame | None = None) -> str:
    return "" if part is None else f" (start {number(float(part['quantiles'].iloc[0][50]))})"


def _start_line(part: pd.DataFrame, suffix: str, line_color: str) -> dict[str, Any]:
    start = float(np.float32(part["quantiles"].iloc[0][50]))  # as precise as the curves, or flat ones get a range
    line = {"color": line_color, "width": 1.2, "dash": "dot"}
    across = {"xref": f"x{suffix} domain", "x0": 0, "x1": 1}
    return {"type": "line", **across, "yref": f"y{suffix}", "y0": start, "y1": start, "line": line}


def bars(table: pd.DataFrame, axes: Axes = PLAIN) -> Figure:
    """Horizontal bars: one group per row (the index is its label), one colour per column; missing values stay empty."""
    figure: Figure = {"data": [], "layout": base_layout(axes, table.shape[1])}
    for position, column in enumerate(table.columns):
        figure["data"].append(
            {
                "type": "bar",
                "orientation": "h",
                "uid": f"bars/{column}",
                "name": chart_text(shortened(column, 30)),
                "y": [chart_text(label) for label in table.index],
                "x": floats(table[column]),
                "marker": {"color": color(position)},
                "hovertemplate": "%{x:.5~g}",
            }
        )
    figure["layout"] |= {
        "barmode": "group",
        "bargap": 0.25,
        "hovermode": "y unified" if table.shape[1] > 1 else "closest",
        "xaxis": axis(axes.y),
        "yaxis": axis("", autorange="reversed", type="category"),
    }
    return figure if table.size else empty(figure)
