"""Where a run's predictions of the test students are right: a reliability diagram, and AUC by groups."""

from typing import Any

import pandas as pd
import streamlit as st

from gainakt.analysis.accuracy import Accuracy, of_run
from gainakt.analysis.benchmark import YARDSTICKS
from gainakt.errors import InputError
from gainakt.measures.text import number
from gainakt.store import Run, Store
from gainakt.ui.plots import figures
from gainakt.ui.plots.figures import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import chart_text, markdown_text

_HEIGHT = 300
_CHARTS = {
    "opportunity": ("AUC by earlier predictions of the skill", "opportunity of the skill"),
    "interaction": ("AUC over a student's first ten interactions", "interaction of the student"),
    "skill": ("AUC by how much data a skill has", "training and validation interactions of the skill"),
}


def accuracy(store: Store, run: Run) -> None:
    """The four charts, or why there are none."""
    if run.published:
        st.info("A published record has no predictions of single responses.", icon=":material/info:")
        return
    if run.active:
        st.info("These charts are drawn from the test students' predictions, which come when the run ends.",
                icon=":material/info:")  # fmt: skip
        return
    skills = store.skills(run.run_id)
    counts = tuple(int(count) for count in skills["interactions"].fillna(0)) if len(skills) else ()
    try:
        found = of_run(store.folder(run.run_id).folder, counts)
    except InputError as error:
        st.error(markdown_text(error), icon=":material/error:")
        return
    if found is None:
        st.info(f"The run kept no predictions of its test students. `python -m gainakt evaluate {run.run_id}` adds"
                " them to runs that have a model.", icon=":material/info:")  # fmt: skip
        return
    names = {"encoder1": "Encoder 1", "encoder2": "Encoder 2"}
    if run.yardstick:
        known = YARDSTICKS.get(run.yardstick)
        names["encoder1"] = known.label if known else run.yardstick
    left, right = st.columns(2)
    with left:
        live_plot(f"reliability-{run.run_id}", reliability_figure(found, names))
        _chart(found, names, "interaction", run)
    with right:
        _chart(found, names, "opportunity", run)
        _chart(found, names, "skill", run)
    st.caption(
        "Test students. The reliability diagram compares predicted probabilities with the share of correct responses;"
        " ECE is their mean distance. A student's first response is never predicted, so it counts as no opportunity."
        " Groups with under 50 predictions are left out."
    )


def _chart(found: Accuracy, names: dict[str, str], what: str, run: Run) -> None:
    live_plot(f"auc-by-{what}-{run.run_id}", groups_figure(found.groups, names, what))


def reliability_figure(found: Accuracy, names: dict[str, str]) -> Figure:
    """Share of correct responses over the predicted probability, a curve per predictor, and the line of perfection."""
    axes = Axes("Reliability", height=_HEIGHT)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "uid": "equal",
            "name": "equal",
            "x": figures.floats([0, 1]),
            "y": figures.floats([0, 1]),
            "line": {"color": figures.NEUTRAL, "dash": "dot", "width": 1},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for place, (name, bins) in enumerate(found.reliability.items()):
        label = f"{names[name]}, ECE {number(found.ece[name])}"
        hover = [f"{count:,} predictions" for count in bins.count]
        traces.append(_curve(place, label, bins.probability, bins.correct, hover))
    figure: Figure = {"data": traces, "layout": figures.base_layout(axes, len(traces))}
    figure["layout"] |= {
        "xaxis": figures.axis("predicted probability", range=[0, 1]),
        "yaxis": figures.axis("share of correct responses", range=[0, 1]),
    }
    return figure


def groups_figure(groups: pd.DataFrame, names: dict[str, str], what: str) -> Figure:
    """AUC of each group, a curve per predictor."""
    title, x = _CHARTS[what]
    rows = groups[(groups["what"] == what) & groups["auc"].notna()]
    traces = [
        _curve(
            place, names[name], some["group"].tolist(), some["auc"], [f"{n:,} predictions" for n in some["predictions"]]
        )
        for place, (name, some) in enumerate(rows.groupby("predictor", sort=False))
    ]
    figure: Figure = {"data": traces, "layout": figures.base_layout(Axes(title, height=_HEIGHT), len(traces))}
    figure["layout"] |= {"xaxis": figures.axis(x, type="category"), "yaxis": figures.axis("AUC")}
    return figure if traces else figures.empty(figure, "Too few predictions")


def _curve(place: int, label: str, x: Any, y: Any, hover: list[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "uid": label,
        "name": chart_text(label),
        "x": x if isinstance(x, list) else figures.floats(x),
        "y": figures.floats(y),
        "text": hover,
        "hovertemplate": "%{y:.3f}, %{text}",
        "line": {"color": figures.color(place), "width": 2},
        "marker": {"size": 6},
    }
