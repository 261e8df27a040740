"""Figures of the Skills page: learning curves with fits, practice of skills; plain data in, Plotly figure out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gainakt.analysis.learning.curves import LONGEST
from gainakt.ui.plots.figures import (
    NEUTRAL,
    Axes,
    Figure,
    axis,
    base_layout,
    color,
    empty,
    faded,
    floats,
    grid,
    panel_title,
)
from gainakt.ui.text import chart_text, shortened

COLUMNS, PANELS = 4, 16
FITS = {"afm": "AFM", "bkt": "BKT", "curve": "Learning-curve model", "encoder2": "Encoder 2 (test students)"}
_SEEN = "students, 95 % interval"
_LEFT = "share of students still practising"


def height(panels: int) -> int:
    """Pixels for so many small plots and the legend."""
    return 104 + 140 * -(-max(panels, 1) // COLUMNS)


def small_multiples(curves: pd.DataFrame, skills: pd.DataFrame, fits: Sequence[str], words: Sequence[str]) -> Figure:
    """Share incorrect by opportunity, a panel per row of `skills`, with fits; `words` follow the panels' titles."""
    panels = height(len(skills))
    figure: Figure = {"data": [], "layout": base_layout(Axes("", height=panels), 2)}
    if skills.empty:
        return empty(figure, "No skill matches")
    figure["layout"] |= {"hovermode": "closest", "annotations": [], "margin": {"l": 48, "r": 12, "t": 28, "b": 72}}
    domains = grid(len(skills), COLUMNS, (0.03, min(0.14, 40 / panels)))
    longest = min(LONGEST, int(curves["opportunity"].max()))  # of all skills, so that pages have one scale
    parts = dict(iter(curves[curves["skill"].isin(skills.index)].groupby("skill")))
    for position, (row, domain) in enumerate(zip(skills.itertuples(), domains, strict=True)):
        suffix = str(position + 1) if position else ""
        first, last = position % COLUMNS == 0, position >= len(skills) - COLUMNS
        figure["data"] += _panel(parts[row.Index], suffix, fits)
        figure["layout"][f"xaxis{suffix}"] = axis(
            "opportunity" if last else "",
            domain=domain[0],
            anchor=f"y{suffix}",
            range=[0.5, longest + 0.5],
            tickvals=[1, 5, 10, 15, 20] if longest >= 5 else list(range(1, longest + 1)),
            showticklabels=last,
            title_standoff=2,
        )
        figure["layout"][f"yaxis{suffix}"] = axis(
            "",
            domain=domain[1],
            anchor=f"x{suffix}",
            range=[0, 1.03],
            tickvals=[0, 0.5, 1],
            tickformat=".0%",
            showticklabels=first,
        )
        title = panel_title(f"{shortened(row.skill, 30)} · {words[position]}", domain)
        figure["layout"]["annotations"].append(title)
    return figure


def _panel(part: pd.DataFrame, suffix: str, fits: Sequence[str]) -> list[dict[str, Any]]:
    count = part["students"].to_numpy(np.float64)
    place = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "x": floats(part["opportunity"])}
    shown = {"showlegend": not suffix}
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "uid": f"left{suffix}",
            "name": _LEFT,
            "legendgroup": "left",
            "y": floats(count / count[0]),
            "line": {"width": 0, "shape": "hvh"},
            "fill": "tozeroy",
            "fillcolor": faded(NEUTRAL, 0.18),
            "hoverinfo": "skip",
            **place,
            **shown,
        },
        _seen(part, place | shown, f"seen{suffix}"),
    ]
    for number, name in enumerate(fits):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "uid": f"{name}{suffix}",
                "name": FITS[name],
                "legendgroup": name,
                "y": floats(part[name]),
                "line": {"color": color(number + 1), "width": 1.6},
                "hovertemplate": f"{FITS[name]}, opportunity %{{x}}: %{{y:.1%}}<extra></extra>",
                **place,
                **shown,
            }
        )
    return traces


def _seen(part: pd.DataFrame, place: dict[str, Any], uid: str) -> dict[str, Any]:
    share = part["incorrect"].to_numpy(np.float64)
    bars = {
        "type": "data",
        "symmetric": False,
        "array": floats(part["high"] - share),
        "arrayminus": floats(share - part["low"]),
        "color": faded(color(0), 0.6),
        "thickness": 1.3,
        "width": 0,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "uid": uid,
        "name": _SEEN,
        "legendgroup": "seen",
        "y": floats(share),
        "error_y": bars,
        "text": [f"{n:,}" for n in part["students"].tolist()],
        "cliponaxis": False,
        "marker": {"size": 4.5, "color": color(0)},
        "hovertemplate": "opportunity %{x}: %{y:.1%} incorrect of %{text} students<extra></extra>",
        **place,
    }


def one_skill(part: pd.DataFrame, stayed: pd.DataFrame, fits: Sequence[str], axes: Axes) -> Figure:
    """One skill's curve with fits, and the curve of those alone who reach its last point (opportunity, incorrect)."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 2)}
    if part.empty:
        return empty(figure)
    figure["data"] = _panel(part, "", fits)
    if len(stayed) > 1:
        least = int(stayed["opportunity"].max())
        figure["data"].append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "uid": "stayed",
                "name": f"only the {int(stayed['students'].iloc[0]):,} who reach opportunity {least}",
                "x": floats(stayed["opportunity"]),
                "y": floats(stayed["incorrect"]),
                "line": {"color": NEUTRAL, "width": 1.6, "dash": "dot"},
                "marker": {"size": 4},
                "hovertemplate": "opportunity %{x}: %{y:.1%}<extra></extra>",
            }
        )
    figure["layout"]["margin"]["b"] = 92
    figure["layout"] |= {
        "hovermode": "closest",
        "xaxis": axis("opportunity", range=[0.5, float(part["opportunity"].max()) + 0.5], tickformat="d"),
        "yaxis": axis("share incorrect", range=[0, 1.03], tickformat=".0%"),
    }
    return figure


def too_long_and_short(practice: pd.DataFrame, axes: Axes) -> Figure:
    """A dot per skill: the share of its tasks done after mastery, and of its students who leave before it."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 1)}
    if practice.empty:
        return empty(figure)
    size = np.sqrt(practice["tasks"] / max(1, practice["tasks"].max()))
    figure["data"].append(
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "skills",
            "x": floats(practice["extra"] / practice["tasks"].clip(lower=1)),
            "y": floats(1 - practice["mastered"]),
            "text": [chart_text(shortened(label, 60)) for label in practice["skill"]],
            "marker": {"size": floats(6 + 14 * size), "color": faded(color(0), 0.5), "line": {"width": 0}},
            "cliponaxis": False,
            "hovertemplate": "%{text}<br>%{x:.0%} of its tasks come after mastery"
            "<br>%{y:.0%} of its students leave before it<extra></extra>",
        }
    )
    figure["layout"] |= {
        "hovermode": "closest",
        "xaxis": axis("tasks after mastery (too long)", range=[-0.03, 1.03], tickformat=".0%"),
        "yaxis": axis("students who leave before (too short)", range=[-0.03, 1.03], tickformat=".0%"),
    }
    return figure
