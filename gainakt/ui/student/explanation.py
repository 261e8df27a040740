"""Charts of one prediction of Encoder 2: practice and level from earlier interactions, the curve, the threshold."""

from typing import Any

import numpy as np

from gainakt.ui.plots.figures import NEUTRAL, Axes, Figure, axis, base_layout, color, floats, panel_title
from gainakt.ui.student.figures import RESPONSES
from gainakt.ui.text import chart_text, shortened


def explanation_figure(explanation: Any) -> Figure:
    """Three plots: what each earlier interaction adds, the practice so far, the learning curve with the threshold."""
    layout = base_layout(Axes("", height=330), 9)
    each = explanation.contributions
    first = each[0].interaction if each else explanation.interaction
    earlier = [first - 0.5, max(each[-1].interaction if each else first, first + 7) + 0.5]
    highest = 1.08 * max(explanation.ceiling, explanation.threshold)
    lower_title = "Added to the level, by interaction" if explanation.level else "Practice so far"
    left, right = [0.0, 0.46], [0.58, 1.0]
    upper, lower = [0.58, 1.0], [0.0, 0.42]
    layout |= {
        "margin": {"l": 50, "r": 16, "t": 26, "b": 70},
        "hovermode": "closest",
        "shapes": [],
        "legend": base_layout(Axes(), 2)["legend"],
        "xaxis": axis("", domain=left, anchor="y", matches="x2", showticklabels=False, range=earlier),
        "xaxis2": axis("earlier interaction", domain=left, anchor="y2", tickformat="d", range=earlier),
        "xaxis3": axis("practice", domain=right, anchor="y3", rangemode="tozero"),
        "yaxis": axis("", domain=upper, anchor="x", rangemode="tozero"),
        "yaxis2": axis("", domain=lower, anchor="x2", rangemode="normal" if explanation.level else "tozero"),
        "yaxis3": axis("", domain=[0, 1], anchor="x3", range=[0, highest]),
        "annotations": [
            panel_title("Added to practice, by interaction", (left, upper)),
            panel_title(lower_title, (left, lower)),
            panel_title(shortened(f"Learning curve of {explanation.skill}", 48), (right, [0, 1])),
        ],
    }
    return {"data": [*_added(explanation), *_curve(explanation)], "layout": layout}


def _added(explanation: Any) -> list[dict[str, Any]]:
    each = explanation.contributions
    x = [one.interaction for one in each]
    traces: list[dict[str, Any]] = []
    for answer, label, hue, _, pattern in RESPONSES:
        fed = [one for one in each if one.response == answer]
        traces.append(
            {
                "type": "bar",
                "uid": f"added/{label}",
                "name": f"after {label}",
                "x": floats([o.interaction for o in fed]),
                "y": floats([one.added for one in fed]),
                "width": 0.9,
                "text": [chart_text(one.skill) for one in fed],
                "textposition": "none",
                "marker": {"color": hue, "pattern": {"shape": pattern}},
                "hovertemplate": f"interaction %{{x}}, %{{text}}, {label}: %{{y:.6f}}<extra></extra>",
            }
        )
    if explanation.level:
        return [*traces, *_levels(each)]
    total = np.cumsum([one.added for one in each])
    return [
        *traces,
        {
            "type": "scatter",
            "mode": "lines+markers",
            "uid": "practice",
            "name": "practice",
            "xaxis": "x2",
            "yaxis": "y2",
            "x": floats(x),
            "y": floats(total),
            "marker": {"size": 4},
            "line": {"shape": "hv", "width": 2, "color": color(2)},
            "hovertemplate": "practice %{y:.6f} after interaction %{x}<extra></extra>",
            "showlegend": False,
        },
    ]


def _levels(each: Any) -> list[dict[str, Any]]:
    """What each response tells of where the student started."""
    return [
        {
            "type": "bar",
            "uid": f"level/{label}",
            "name": f"after {label}",
            "xaxis": "x2",
            "yaxis": "y2",
            "x": floats([one.interaction for one in each if one.response == answer]),
            "y": floats([one.level for one in each if one.response == answer]),
            "width": 0.9,
            "marker": {"color": hue, "pattern": {"shape": pattern}},
            "hovertemplate": f"interaction %{{x}}, {label}: %{{y:+.6f}}<extra></extra>",
            "showlegend": False,
        }
        for answer, label, hue, _, pattern in RESPONSES
    ]


def _curve(explanation: Any) -> list[dict[str, Any]]:
    slope = explanation.slope * explanation.velocity
    low, start = 0.0, explanation.offset - explanation.level
    bend = max(0.1, (start + 3) / slope)  # where the curve is near its ceiling
    most = max(
        1.25 * explanation.practice, min(bend, 8 * explanation.practice) if explanation.practice > 0 else bend, 0.1
    )
    x = np.linspace(low, most, 201)
    y = explanation.ceiling / (1 + np.exp(-np.clip(slope * x - start, -500, 500)))
    flat: dict[str, Any] = {"type": "scatter", "mode": "lines", "xaxis": "x3", "yaxis": "y3", "x": floats([low, most])}
    at = {"type": "scatter", "mode": "markers", "xaxis": "x3", "yaxis": "y3"}
    return [
        flat
        | {
            "uid": "curve",
            "name": "mastery",
            "x": floats(x),
            "y": floats(y),
            "line": {"width": 2, "color": color(2)},
            "hovertemplate": "mastery %{y:.4f} at practice %{x:.4f}<extra></extra>",
        },
        flat | _constant("threshold", explanation.threshold, "dash"),
        flat | _constant("ceiling", explanation.ceiling, "dot"),
        at
        | {
            "uid": "point",
            "name": "at this prediction",
            "x": floats([explanation.practice]),
            "y": floats([explanation.mastery]),
            "marker": {"size": 12, "color": color(3), "symbol": "diamond", "line": {"width": 1, "color": "#ffffff"}},
            "hovertemplate": "practice %{x:.6f}, mastery %{y:.6f}<extra></extra>",
        },
    ]


def _constant(label: str, value: float, dash: str) -> dict[str, Any]:
    line = {"width": 1.6, "color": NEUTRAL, "dash": dash}
    return {
        "uid": label,
        "name": label,
        "y": floats([value, value]),
        "line": line,
        "hovertemplate": f"{label} %{{y:.4f}}<extra></extra>",
    }
