"""Charts of one student's course, a `training.students.StudentView`: mastery, gains, predictions by interaction."""

from typing import Any

import numpy as np

from gainakt.ui.plots.figures import NEUTRAL, Axes, Figure, axis, base_layout, color, floats, panel_title
from gainakt.ui.text import chart_text, shortened

SKILLS_SHOWN = 24
INTERACTIONS_SHOWN = 1_000
DETAILED = 120
"""Up to this many interactions, signs are large, bars hatched and points drawn."""
CORRECT, INCORRECT = color(0), color(1)
RESPONSES = ((1, "correct", CORRECT, "circle", ""), (0, "incorrect", INCORRECT, "x", "/"))
_ENCODERS = ((1, "Encoder 1", color(2)), (2, "Encoder 2", color(3)))


def shown_part(course: Any, step: int) -> tuple[slice, list[int]]:
    """Which interactions and skills are drawn: a thousand around the chosen one, the most practised skills."""
    at = int(np.searchsorted(course.interaction, step))
    first = min(at, len(course.interaction) - 1) // INTERACTIONS_SHOWN * INTERACTIONS_SHOWN
    part = slice(first, first + INTERACTIONS_SHOWN)
    counts = np.bincount(course.practised[part], minlength=len(course.skills))
    order = np.argsort(-counts, kind="stable")
    return part, [int(skill) for skill in order[:SKILLS_SHOWN] if counts[skill]]


def course(student: Any, step: int) -> Figure:
    """Three plots over one axis of interactions: mastery of the practised skills, gains, both predictions.

    A line marks the interaction `step`, dotted lines where a sequence window begins.
    """
    part, skills = shown_part(student, step)
    x = student.interaction[part]
    high = 26 + max(60, 14 * len(skills) + 30)
    height = high + 290
    layout = base_layout(Axes("", "interaction", height=height), 9)
    layout |= {"margin": {"l": 60, "r": 16, "t": 26, "b": 84}, "hovermode": "closest", "annotations": [], "shapes": []}
    layout["legend"] = base_layout(Axes(), 2)["legend"]
    inside = height - 110
    cuts = (1 - (high - 26) / inside, 0.5 * (1 - high / inside) + 0.02)
    domains = [(cuts[0], 1.0), (cuts[1], cuts[0] - 34 / inside), (0.0, cuts[1] - 34 / inside)]
    titles = ("Mastery after each interaction", "Gain of the practised skill", "Probability of a correct response")
    for place, (domain, title) in enumerate(zip(domains, titles, strict=True)):
        layout["annotations"].append(panel_title(title, ([0.0, 1.0], list(domain))))
        layout[f"yaxis{place + 1 if place else ''}"] = axis("", domain=list(domain), anchor="x")
    layout["xaxis"] = axis("interaction", domain=[0, 1], anchor="y3", range=[x[0] - 0.5, x[-1] + 0.5])
    layout["yaxis"] |= {
        "tickvals": list(range(len(skills))),
        "ticktext": [chart_text(shortened(student.skills[skill], 24)) for skill in skills],
        "range": [len(skills) - 0.5, -0.5],
    }
    layout["yaxis2"] |= {"rangemode": "tozero"}
    layout["yaxis3"] |= {"range": [-0.08, 1.08]}
    starts = x[1:][np.diff(student.window[part]) > 0]
    layout["shapes"] += [_line(float(start) - 0.5, "dot") for start in starts] + [_line(float(step), "solid")]
    return {
        "data": [*_mastery(student, part, skills), *_gains(student, part), *_predictions(student, part)],
        "layout": layout,
    }


def _line(x: float, dash: str) -> dict[str, Any]:
    line = {"color": NEUTRAL, "width": 1.4 if dash == "solid" else 1, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "above"}


def _mastery(student: Any, part: slice, skills: list[int]) -> list[dict[str, Any]]:
    x, row = student.interaction[part], {skill: place for place, skill in enumerate(skills)}
    traces: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "uid": "mastery",
            "name": "mastery",
            "x": floats(x),
            "z": np.asarray(student.mastery[part][:, skills].T, dtype=np.float32),
            "zmin": 0,
            "zmax": 1,
            "y": list(range(len(skills))),
            "colorscale": "Cividis",
            "showlegend": False,
            "hovertemplate": "mastery %{z:.4f} after interaction %{x}<extra></extra>",
            "colorbar": {
                "thickness": 10,
                "len": 0.4,
                "y": 1,
                "yanchor": "top",
                "outlinewidth": 0,
                "tickvals": [0, 0.5, 1],
            },
        }
    ]
    size = 7 if len(x) <= DETAILED else 4
    practised, response = student.practised[part], student.response[part]
    for answer, label, _, symbol, _ in RESPONSES:
        at = [i for i in np.flatnonzero(response == answer) if practised[i] in row]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "uid": f"answer/{label}",
                "name": f"{label} response",
                "x": floats(x[at]),
                "y": floats([row[int(practised[i])] for i in at]),
                "text": [chart_text(student.skills[int(practised[i])]) for i in at],
                "marker": {
                    "symbol": symbol,
                    "size": size,
                    "color": "#ffffff",
                    "line": {"color": "#000000", "width": 1},
                },
                "hovertemplate": f"interaction %{{x}}: %{{text}}, {label}<extra></extra>",
            }
        )
    return traces


def _gains(student: Any, part: slice) -> list[dict[str, Any]]:
    x, gain, response = student.interaction[part], student.gain[part], student.response[part]
    return [
        {
            "type": "bar",
            "uid": f"gain/{label}",
            "name": f"gain after {label}",
            "x": floats(x[response == answer]),
            "y": floats(gain[response == answer]),
            "yaxis": "y2",
            "width": 0.9,
            "marker": {"color": hue, "pattern": {"shape": pattern if len(x) <= DETAILED else ""}},
            "hovertemplate": f"gain %{{y:.4f}} from interaction %{{x}}, {label}<extra></extra>",
        }
        for answer, label, hue, _, pattern in RESPONSES
    ]


def _predictions(student: Any, part: slice) -> list[dict[str, Any]]:
    x, response = student.interaction[part], student.response[part]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(x) <= DETAILED else "lines",
            "uid": f"p{place}",
            "name": label,
            "x": floats(x),
            "y": floats(getattr(student, f"p{place}")[part]),
            "yaxis": "y3",
            "marker": {"size": 4},
            "line": {"color": hue, "width": 2, "dash": "dash" if place == 1 else "solid"},
            "hovertemplate": f"{label} %{{y:.4f}} at interaction %{{x}}<extra></extra>",
        }
        for place, label, hue in _ENCODERS
    ]
    for answer, label, hue, symbol, _ in RESPONSES:
        at = np.flatnonzero(response == answer)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "uid": f"response/{label}",
                "name": label,
                "yaxis": "y3",
                "x": floats(x[at]),
                "y": floats(np.full(len(at), float(answer))),
                "showlegend": False,
                "marker": {"symbol": symbol, "size": 6 if len(x) <= DETAILED else 4, "color": hue},
                "hovertemplate": f"interaction %{{x}}: {label}<extra></extra>",
            }
        )
    return traces
