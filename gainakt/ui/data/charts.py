"""Charts of a data set before training: pure functions, figures and tables in, Plotly figure (plain data) out."""

from typing import Any

import numpy as np
import pandas as pd

from gainakt.measures import metrics
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

PANELS = 16
"""Small plots on one screen."""

COLUMNS = 4
_BINS = 40
_FAR = 0.99
_FEW = 6
_LOG_FROM = 30


def lengths(values: np.ndarray, window: int, axes: Axes) -> Figure:
    """Students by interactions: bars of equal width, the longest 1 % in the last; a line where windows are cut."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 1)}
    if not len(values):
        return empty(figure)
    low, far = int(values.min()), max(int(np.quantile(values, _FAR)), int(values.min()) + 1)
    width = max(1, -(-(far - low + 1) // _BINS))
    bins = -(-(far - low + 1) // width)
    counts = np.bincount(np.minimum((values - low) // width, bins - 1), minlength=bins)
    starts = low + width * np.arange(bins)
    ends = np.append(starts[1:] - 1, int(values.max()))
    text = [f"{a:,} to {b:,}" if b > a else f"{a:,}" for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    figure["data"].append(_bars(starts + (width - 1) / 2, counts, width, text, "%{y:,} students with %{text}"))
    figure["layout"] |= {
        "xaxis": axis("interactions per student", tickformat=",d", rangemode="tozero"),
        "yaxis": _counts("students", counts),
    }
    if low < window <= starts[-1] + width:
        _mark(figure, window, f"window of {window}")
    return figure


def shares(values: np.ndarray, what: str, axes: Axes) -> Figure:
    """A histogram over [0, 1] in steps of 0.05 of `what` (students or skills) by share correct."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 1)}
    counts, edges = np.histogram(values, 20, (0, 1))
    text = [f"{a:.2f} to {a + 0.05:.2f}" for a in edges[:-1].tolist()]
    figure["data"].append(_bars(edges[:-1] + 0.025, counts, 0.05, text, f"%{{y:,}} {what} with %{{text}}"))
    figure["layout"] |= {"xaxis": axis("share correct", range=[0, 1]), "yaxis": _counts(what, counts)}
    return figure if len(values) else empty(figure)


def _bars(x: Any, y: Any, width: float, text: list[str], hover: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "uid": "bars",
        "x": floats(x),
        "y": floats(y),
        "width": width,
        "text": text,
        "textposition": "none",
        "marker": {"color": color(0), "line": {"width": 0}},
        "hovertemplate": f"{hover}<extra></extra>",
    }


def _counts(title: str, counts: np.ndarray) -> dict[str, Any]:
    return axis(title, tickformat=",d", **({"dtick": 1} if counts.max(initial=0) <= _FEW else {}))


def _mark(figure: Figure, x: float, text: str) -> None:
    line = {"color": NEUTRAL, "width": 1.5, "dash": "dot"}
    figure["layout"]["shapes"] = [{"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}]
    note = {"text": text, "showarrow": False, "x": x, "y": 1, "yref": "paper", "xanchor": "left", "xshift": 4}
    figure["layout"]["annotations"] = [note | {"font": {"size": 11, "color": NEUTRAL}}]


def reached(values: np.ndarray, axes: Axes) -> Figure:
    """How much practice there is: `values[n - 1]` is the share of (student, skill) pairs with n opportunities."""
    values = values[: np.count_nonzero(values) + 1]
    figure: Figure = {"data": [], "layout": base_layout(axes, 1)}
    figure["data"].append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "uid": "reached",
            "x": floats(range(1, len(values) + 1)),
            "y": floats(values),
            "line": {"color": color(0), "width": 2},
            "marker": {"size": 4},
            "fill": "tozeroy",
            "fillcolor": faded(color(0), 0.15),
            "hovertemplate": "%{y:.1%} get %{x} opportunities or more<extra></extra>",
        }
    )
    figure["layout"] |= {
        "xaxis": axis("opportunities on a skill", range=[0.5, len(values) + 0.5]),
        "yaxis": axis("share of student-skill pairs", range=[0, 1.03], tickformat=".0%"),
    }
    return figure


def difficulty(skills: pd.DataFrame, axes: Axes) -> Figure:
    """Each skill by share correct at the first attempt and number of students."""
    wide = len(skills) and skills["students"].max() > _LOG_FROM * skills["students"].min()
    figure: Figure = {"data": [], "layout": base_layout(axes, 1)}
    figure["data"].append(
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "skills",
            "x": floats(skills["first_attempt_correct"]),
            "y": floats(skills["students"]),
            "text": [chart_text(shortened(label, 60)) for label in skills["skill"]],
            "marker": {"size": 7, "color": faded(color(0), 0.6), "line": {"width": 0}},
            "hovertemplate": "%{text}<br>%{x:.1%} of %{y:,} students<extra></extra>",
        }
    )
    figure["layout"] |= {
        "xaxis": axis("share correct at the first attempt", range=[-0.03, 1.03], tickformat=".0%"),
        "yaxis": axis("students who try it", type="log" if wide else "linear", tickformat=",d", rangemode="tozero"),
        "hovermode": "closest",
    }
    return figure if len(skills) else empty(figure)


def pooled(curves: pd.DataFrame, axes: Axes) -> Figure:
    """Share correct by opportunity over all skills, with 95 % intervals (responses as independent)."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 1)}
    right = (curves["students"] * curves["share_correct"]).groupby(curves["opportunity"]).sum()
    count = curves["students"].groupby(curves["opportunity"]).sum()
    table = pd.DataFrame({"opportunity": count.index, "students": count, "share_correct": right / count})
    figure["data"].append(_curve("pooled", table, "", "%{text} responses"))
    figure["layout"] |= {
        "xaxis": axis("opportunity", dtick=1),
        "yaxis": axis("share correct", range=[0, 1], tickformat=".0%"),
    }
    return figure if len(table) else empty(figure)


def learning_curves(curves: pd.DataFrame, skills: pd.DataFrame, longest: int, axes: Axes) -> Figure:
    """Small multiples of share correct by opportunity, one per row of `skills`, with 95 % intervals."""
    figure: Figure = {"data": [], "layout": base_layout(axes, 0)}
    if skills.empty:
        return empty(figure, "No skill matches")
    figure["layout"] |= {"hovermode": "closest", "annotations": [], "margin": {"l": 48, "r": 12, "t": 28, "b": 44}}
    domains = grid(len(skills), COLUMNS, (0.03, min(0.12, 36 / axes.height)))
    parts = dict(iter(curves[curves["skill"].isin(skills["skill"])].groupby("skill")))
    for position, (row, domain) in enumerate(zip(skills.itertuples(), domains, strict=True)):
        suffix = str(position + 1) if position else ""
        first, last = position % COLUMNS == 0, position >= len(skills) - COLUMNS
        figure["data"].append(_curve(f"skill/{row.Index}", parts[row.skill], suffix, "%{text} students"))
        figure["layout"][f"xaxis{suffix}"] = axis(
            "opportunity" if last else "",
            domain=domain[0],
            anchor=f"y{suffix}",
            range=[0.5, longest + 0.5],
            tickvals=[1, longest // 2, longest],
            showticklabels=last,
            title_standoff=2,
        )
        figure["layout"][f"yaxis{suffix}"] = axis(
            "",
            domain=domain[1],
            anchor=f"x{suffix}",
            range=[0, 1.05],
            tickvals=[0, 0.5, 1],
            tickformat=".0%",
            showticklabels=first,
        )
        figure["layout"]["annotations"].append(panel_title(shortened(row.skill, 32), domain))
    return figure


def height(panels: int) -> int:
    """Pixels for so many small plots."""
    return 72 + 132 * -(-max(panels, 1) // COLUMNS)


def _curve(uid: str, part: pd.DataFrame, suffix: str, counted: str) -> dict[str, Any]:
    share, count = (part[name].to_numpy(np.float64) for name in ("share_correct", "students"))
    low, high = metrics.wilson(share, count)
    bars = {
        "type": "data",
        "symmetric": False,
        "array": floats(high - share),
        "arrayminus": floats(share - low),
        "color": faded(color(0), 0.65),
        "thickness": 1.5,
        "width": 0,
    }
    text = [f"{n:,.0f}" for n in count.tolist()]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "uid": uid,
        "x": floats(part["opportunity"]),
        "y": floats(share),
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "error_y": bars,
        "text": text,
        "cliponaxis": False,
        "line": {"color": color(0), "width": 1.8},
        "marker": {"size": 4},
        "hovertemplate": f"opportunity %{{x}}: %{{y:.1%}} of {counted}<extra></extra>",
    }
