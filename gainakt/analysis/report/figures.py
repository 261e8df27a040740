"""The report's figures as plain Plotly data, and the page that shows them without any server."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gainakt.analysis.report.sentences import practised_std
from gainakt.store.facts import Facts

Figure = dict[str, Any]
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_PARAMETERS = {"beta": "beta", "threshold": "theta", "gamma": "gamma", "saturation": "M_sat"}
_MOST_SKILLS = 60


def all_figures(facts: Facts, baseline: Facts | None) -> dict[str, Figure]:
    """Every figure that the run has values for, by the name that the template places it under."""
    both = {"this run": facts} | ({"baseline": baseline} if baseline else {})
    losses = _named(facts, "loss.")
    figures = {
        "auc": _curves(
            both,
            {"validation.encoder1_auc": "Encoder 1", "validation.encoder2_auc": "Encoder 2"},
            "AUC of the validation students",
            "epoch",
            "AUC",
        ),
        "gain_std": _curves(
            both,
            {practised_std(facts): "practised gains", "aggregate_gain_std": "aggregate gain"},
            "Std of gains, last 20 batches",
            "step",
            "std",
        ),
        "losses": _curves({"this run": facts}, losses, "Loss terms, unweighted", "step", "loss"),
        "shares": _curves({"this run": facts}, _named(facts, "share."), "Share of the weighted loss", "step", "share"),
        "gains": _histogram(both),
        "rates": _rates(facts),
        "parameters": _parameters(facts),
    }
    return {name: figure for name, figure in figures.items() if figure["data"]}


def _named(facts: Facts, start: str) -> dict[str, str]:
    names = sorted({str(name) for name in facts.series["name"] if str(name).startswith(start)})
    return {name: name.removeprefix(start) for name in names}


def _curves(runs: dict[str, Facts], names: dict[str, str], title: str, x: str, y: str) -> Figure:
    traces = []
    for place, (label, facts) in enumerate(runs.items()):
        for position, (name, about) in enumerate(names.items()):
            curve = facts.curve(name)
            if not curve.empty:
                line = {"color": _COLORS[position % len(_COLORS)], "dash": ("solid", "dot")[place]}
                traces.append(
                    {
                        "type": "scatter",
                        "mode": "lines" if len(curve) > 40 else "lines+markers",
                        "x": curve[x].tolist(),
                        "y": curve["value"].tolist(),
                        "line": line,
                        "name": f"{about}, {label}" if len(runs) > 1 else about,
                    }
                )
    return {"data": traces, "layout": _layout(title, x, y)}


def _histogram(runs: dict[str, Facts]) -> Figure:
    traces = []
    for label, facts in runs.items():
        if facts.gains and sum(facts.gains):
            n = len(facts.gains)
            shares = [count / sum(facts.gains) for count in facts.gains]
            traces.append(
                {"type": "bar", "x": [(i + 0.5) / n for i in range(n)], "y": shares, "name": label, "opacity": 0.7}
            )
    layout = _layout("Gains of the practised skill, validation students", "gain", "share of gains")
    return {"data": traces, "layout": layout | {"barmode": "overlay", "bargap": 0.02}}


def _rates(facts: Facts) -> Figure:
    layout = _layout("Effective rate per skill", "skill", "rate")
    if facts.skills.empty or "effective_rate" not in facts.skills:
        return {"data": [], "layout": layout}
    rates = facts.skills.dropna(subset=["effective_rate"]).sort_values("effective_rate", ascending=False)
    if len(rates) > _MOST_SKILLS:
        rates = rates.iloc[np.linspace(0, len(rates) - 1, _MOST_SKILLS).astype(int)]
    traces = (
        []
        if rates.empty
        else [
            {
                "type": "bar",
                "x": [str(s) for s in rates["skill"]],
                "y": rates["effective_rate"].tolist(),
                "name": "rate",
            }
        ]
    )
    layout["xaxis"] |= {"type": "category"}
    return {"data": traces, "layout": layout}


def _parameters(facts: Facts) -> Figure:
    traces: list[dict[str, Any]] = []
    layout = _layout("Learned parameters: mean and std, over epochs", "", "") | {"height": 480}
    for place, (name, label) in enumerate(_PARAMETERS.items()):
        path = facts.parameter(name)
        if path.empty:
            continue
        axis = "" if not place else str(place + 1)
        left, top = 0.55 * (place % 2), 1 - 0.56 * (place // 2)
        layout[f"xaxis{axis}"] = {"domain": [left, left + 0.45], "anchor": f"y{axis}", "title": {"text": "epoch"}}
        layout[f"yaxis{axis}"] = {"domain": [top - 0.38, top], "anchor": f"x{axis}", "title": {"text": label}}
        error = {"type": "data", "array": path["std"].tolist(), "visible": bool(path["std"].max() > 0)}
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": path["epoch"].tolist(),
                "showlegend": False,
                "y": path["mean"].tolist(),
                "error_y": error,
                "xaxis": f"x{axis}",
                "yaxis": f"y{axis}",
                "name": label,
                "line": {"color": _COLORS[place]},
            }
        )
    return {"data": traces, "layout": layout}


def _layout(title: str, x: str, y: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "font": {"size": 15}},
        "height": 340,
        "margin": {"l": 60, "r": 20, "t": 46, "b": 50},
        "xaxis": {"title": {"text": x}},
        "yaxis": {"title": {"text": y}},
        "template": "none",
        "legend": {"orientation": "h", "y": -0.25},
    }


def element(name: str, figure: Figure) -> str:
    """The figure's place in a page and the script that draws it; no text in it can end the script."""
    data = json.dumps(plain(figure), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    config = "{responsive:true,showSendToCloud:false}"  # nothing leaves for Plotly's cloud
    return (
        f'<div id="figure-{name}" class="figure"></div>'
        f'<script>{{const f={data};Plotly.newPlot("figure-{name}",f.data,f.layout,{config})}}</script>'
    )


def plain(value: Any) -> Any:
    """JSON values, with NaN as null; texts shown as they are, which Plotly would read tags from."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value.replace("&", "&amp;").replace("<", "&lt;")
    return None if isinstance(value, float) and pd.isna(value) else value


def library() -> str:
    """The source of plotly.js, from the installed package."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package plotly is not installed")
    return (Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
