"""Distributions of gains: one axis with shared bins, or one small plot per skill."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np

from gainakt.ui.plots.figures import (
    Axes,
    Figure,
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
from gainakt.ui.text import chart_text, shortened

PANELS = 24
"""Small plots on one screen."""

SHARES = Axes(x="gain", y="share")
PANEL_AXES = Axes(x="gain", height=620)


def histogram(counts: Mapping[str, Sequence[int]], axes: Axes = SHARES) -> Figure:
    """Distributions of gains over (0, 1): label -> counts of equal bins, drawn as shares on bins that all can share.

    Runs whose numbers of bins differ are merged to the finest common bins.
    """
    shares = shared_bins(counts)
    figure: Figure = {"data": [], "layout": base_layout(axes, len(counts))}
    for position, (label, share) in enumerate(shares.items()):
        figure["data"].append(_steps(label, share, position, alpha=0.5 if len(counts) == 1 else 0.18))
    figure["layout"] |= {
        "xaxis": axis(axes.x, range=[0, 1]),
        "yaxis": axis(axes.y or "share", rangemode="tozero", tickformat=".3~g"),
        "hovermode": "x unified" if len(counts) <= 6 else "closest",
    }
    return figure if any(share.sum() for share in shares.values()) else empty(figure)


def shared_bins(counts: Mapping[Any, Sequence[int]]) -> dict[Any, np.ndarray]:
    """The same distributions as shares that sum to 1 (0 where empty), all on the finest bins common to them."""
    bins = gcd(*(len(part) for part in counts.values())) if counts else 0
    shares = {}
    for label, part in counts.items():
        merged = np.asarray(part, dtype=np.float64).reshape(bins, -1).sum(axis=1)
        shares[label] = merged / max(merged.sum(), 1)
    return shares


def _steps(label: str, share: np.ndarray, position: int, alpha: float) -> dict[str, Any]:
    edges, ranges = _bins(len(share))
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": f"histogram/{label}",
        "name": chart_text(shortened(label, 48)),
        "x": floats(edges),
        "y": floats([*share, share[-1]]),
        "text": [*ranges, ranges[-1]],
        "line": {"shape": "hv", "width": 1.8, "color": color(position), "dash": dash(position)},
        "fill": "tozeroy",
        "fillcolor": faded(color(position), alpha),
        "hovertemplate": "%{y:.3~%} in %{text}",
    }


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


def skill_histograms(
    counts_by_skill: Mapping[Hashable, Sequence[int]],
    labels: Mapping[Hashable, str],
    page: int = 0,
    axes: Axes = PANEL_AXES,
) -> Figure:
    """Small multiples of gain distributions, one per skill in the order given, at most `PANELS` from page (from 0) on.

    All panels have the same bins and the same scale, so that their shapes compare.
    """
    wanted = list(counts_by_skill)[page * PANELS : (page + 1) * PANELS]
    shown = list(shared_bins({skill: counts_by_skill[skill] for skill in wanted}).items())
    figure: Figure = {"data": [], "layout": base_layout(axes, 0)}
    if not shown:
        return empty(figure, "No skills to show")
    columns = min(6, len(shown))
    domains = grid(len(shown), columns, (0.02, min(0.09, 36 / axes.height)))
    top = float(max(share.max() for _, share in shown)) * 1.05 or 1.0
    figure["layout"] |= {
        "margin": {"l": 44, "r": 12, "t": 56 if axes.title else 28, "b": 40},
        "hovermode": "closest",
        "annotations": [],
    }
    for position, ((skill, share), domain) in enumerate(zip(shown, domains, strict=True)):
        suffix = str(position + 1) if position else ""
        first, last = position % columns == 0, position >= len(shown) - columns
        figure["data"].append(_panel(skill, labels.get(skill, str(skill)), share, suffix))
        figure["layout"][f"xaxis{suffix}"] = axis(
            axes.x if last else "",
            domain=domain[0],
            anchor=f"y{suffix}",
            range=[0, 1],
            tickvals=[0, 0.5, 1],
            showticklabels=last,
            title_standoff=2,
        )
        figure["layout"][f"yaxis{suffix}"] = axis(
            "",
            domain=domain[1],
            anchor=f"x{suffix}",
            range=[0, top],
            nticks=3,
            showticklabels=first,
            tickformat=".0%",
        )
        title = labels.get(skill, str(skill))
        figure["layout"]["annotations"].append(panel_title(shortened(title, 20), domain))
    return figure


def _panel(skill: Hashable, label: str, share: np.ndarray, suffix: str) -> dict[str, Any]:
    width = 1 / len(share)
    return {
        "type": "bar",
        "uid": f"skill/{skill}",
        "name": chart_text(shortened(label, 48)),
        "x0": width / 2,
        "dx": width,
        "y": floats(share),
        "width": width,
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "marker": {"color": color(0), "line": {"width": 0}},
        "hovertemplate": f"%{{y:.3~%}} within {width / 2:.3g} of %{{x:.3~g}}",
    }


def _bins(count: int) -> tuple[np.ndarray, list[str]]:
    edges = np.linspace(0, 1, count + 1)
    return edges, [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges.tolist())]
