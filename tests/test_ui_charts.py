"""Charts: what the store holds is what the figure shows."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import packed


def test_no_chart_offers_to_upload_its_data() -> None:
    """Plotly's button "Share chart..." is there by default, and sends the data to its cloud."""
    package = Path(charts.__file__).parents[2]
    drawing = {path.name: path.read_text() for path in package.rglob("*.*") if path.suffix in (".py", ".js", ".html")}
    drawing = {name: text for name, text in drawing.items() if "Plotly.newPlot" in text or "Plotly.react" in text}
    assert {"live.js", "figures.py"} <= drawing.keys()
    for name, text in drawing.items():
        shown = text.count("Plotly.newPlot(") + text.count("Plotly.react(")
        assert text.count("showSendToCloud: false") + text.count("showSendToCloud:false") == shown, name


def series(runs: tuple[str, ...] = ("a",), names: tuple[str, ...] = ("loss",), count: int = 100) -> pd.DataFrame:
    rows = [
        {"run_id": run, "name": name, "step": 5 * i, "epoch": i // 10, "time": 1000.0 + 6 * i, "value": 1 / (i + 1)}
        for run in runs
        for name in names
        for i in range(count)
    ]
    return pd.DataFrame(rows)


def events(run: str = "a", count: int = 1, text: str = "") -> pd.DataFrame:
    row = {"run_id": run, "kind": "changed", "field": "" if text else "weights.variance", "text": text, "who": "page"}
    rows = [row | {"seq": i, "time": 1060.0, "step": 50 + i, "epoch": 1, "old": "0", "new": "50"} for i in range(count)]
    return pd.DataFrame(rows)


def parameters(runs: tuple[str, ...] = ("a",)) -> pd.DataFrame:
    rows = [
        {"run_id": run, "name": "beta", "step": 0, "epoch": epoch, "quantiles": np.linspace(epoch, epoch + 1, 101)}
        for run in runs
        for epoch in range(3)
    ]
    return pd.DataFrame(rows)


def valid(figure: charts.Figure) -> go.Figure:
    """The figure as Plotly itself checks it; raises on a property it does not know."""
    packed(figure)
    return go.Figure(figure)


def test_every_chart_is_a_valid_plotly_figure_with_and_without_data() -> None:
    valid(charts.lines(series(), {"loss": "loss"}, events=events()))
    valid(charts.lines(series().iloc[:0], {"loss": "loss"}, events=events()))
    valid(charts.histogram({"a": [1, 2]}))
    valid(charts.histogram({}))
    valid(charts.histogram({"a": [0, 0]}))
    valid(charts.skill_histograms({1: [1, 2]}, {1: "x"}))
    valid(charts.skill_histograms({}, {}))
    valid(charts.bands(parameters(), {"beta": "beta", "theta": "theta"}))
    valid(charts.bands(parameters().iloc[:0], {"beta": "beta"}))
    valid(charts.bars(pd.DataFrame({"a": [1.0, None]}, index=["x", "y"])))
    valid(charts.bars(pd.DataFrame()))


def test_curves_keep_values_and_name_units() -> None:
    figure = charts.lines(series(), {"loss": "BCE"}, axes=Axes(y="loss (nats)"))
    (trace,) = figure["data"]
    np.testing.assert_allclose(trace["y"], series()["value"], rtol=1e-6)
    assert figure["layout"]["yaxis"]["title"]["text"] == "loss (nats)"
    assert not figure["layout"]["showlegend"]


def test_colours_follow_the_order_given_not_the_order_of_arrival() -> None:
    runs, names = {"a": "first", "b": "second"}, {"loss": "loss"}
    both = {t["uid"]: t["line"] for t in charts.lines(series(("b", "a")), names, runs)["data"]}
    only = {t["uid"]: t["line"] for t in charts.lines(series(("b",)), names, runs)["data"]}
    assert both["b/loss"] == only["b/loss"] != both["a/loss"]
    looks = charts.lines(series(tuple(map(str, range(20)))), names)["data"]
    assert len({(t["line"]["color"], t["line"]["dash"]) for t in looks}) == 20


def test_training_and_validation_of_one_measure_share_a_colour_and_differ_in_line_style() -> None:
    names = {"validation.a": "A", "validation.b": "B", "train_running.a": "A, training"}
    rows = pd.concat([series().assign(name=name) for name in names])
    first, second, training = (trace["line"] for trace in charts.lines(rows, names)["data"])
    assert first["color"] == training["color"] != second["color"]
    assert first["dash"] == second["dash"] != training["dash"]


def test_events_are_labelled_lines_at_their_step() -> None:
    figure = charts.lines(series(), {"loss": "loss"}, events=events(count=9))
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == list(range(50, 59))
    labels = [(note["x"], note["text"]) for note in figure["layout"]["annotations"]]
    assert labels == [(57, "Variance weight 0 → 50"), (58, "Variance weight 0 → 50")], (
        "the latest, no label over another"
    )
    marks = next(trace for trace in figure["data"] if trace["uid"] == "marks")
    assert len(marks["text"]) == 9 and "step 50" in marks["text"][0] and "page" in marks["text"][0]


def test_events_of_other_runs_are_not_drawn() -> None:
    figure = charts.lines(series(), {"loss": "loss"}, {"a": "a"}, events("other"))
    assert "shapes" not in figure["layout"]


def test_missing_values_are_gaps() -> None:
    rows = series(count=3).assign(value=[1.0, None, 3.0])
    (trace,) = charts.lines(rows, {"loss": "loss"})["data"]
    assert math.isnan(trace["y"][1])
    packed(trace)


def test_shares_sum_to_one_on_the_finest_common_bins() -> None:
    shares = charts.shared_bins({"a": [1] * 20, "b": [5] * 50, "empty": [0] * 50})
    assert {len(share) for share in shares.values()} == {10}
    assert [share.sum() for share in shares.values()] == pytest.approx([1, 1, 0])
    figure = charts.histogram({"a": [0, 3, 1, 0], "b": [4, 0]}, Axes(x="gain", y="share"))
    assert [trace["y"].tolist() for trace in figure["data"]] == [[0.75, 0.25, 0.25], [1, 0, 0]]
    assert figure["data"][0]["x"].tolist() == [0, 0.5, 1]
    assert figure["layout"]["xaxis"]["range"] == [0, 1]


def test_skill_panels_page_keep_order_and_share_bins_and_scale() -> None:
    counts = {skill: [skill + 1, 1, 0, 0] for skill in range(60)}
    first = charts.skill_histograms(counts, {0: "addition"}, 0)
    last = charts.skill_histograms(counts, {}, 2)
    assert (len(first["data"]), len(last["data"])) == (charts.PANELS, 12)
    assert first["data"][0]["name"] == "addition" and last["data"][0]["name"] == "48"
    axes = [value for key, value in first["layout"].items() if key.startswith("yaxis")]
    assert len({tuple(axis["range"]) for axis in axes}) == 1
    assert {(trace["x0"], trace["dx"]) for trace in first["data"]} == {(0.125, 0.25)}


def test_bands_show_median_percentiles_and_start() -> None:
    figure = charts.bands(parameters(), {"beta": "β"})
    by_uid = {trace["uid"]: trace for trace in figure["data"]}
    np.testing.assert_allclose(by_uid["a/beta/median"]["y"], [0.5, 1.5, 2.5])
    np.testing.assert_allclose(by_uid["a/beta/0"]["y"], [0.05, 1.05, 2.05], rtol=1e-6)
    assert [shape["y0"] for shape in figure["layout"]["shapes"]] == [0.5]
    assert figure["layout"]["annotations"][0]["text"] == "β (start 0.5)"


@pytest.mark.parametrize("hostile", ["<a href='http://x.invalid'>x</a>", "<b>x", "&lt;b&gt;"])
def test_names_never_become_markup(hostile: str) -> None:
    names = {"loss": hostile}
    figures = [
        charts.lines(series(), names, events=events(text=hostile), axes=Axes(title=hostile, y=hostile)),
        charts.histogram({hostile: [1]}),
        charts.skill_histograms({0: [1]}, {0: hostile}),
        charts.bands(parameters(), {"beta": hostile}, {"a": hostile}),
        charts.bars(pd.DataFrame({hostile: [1.0]}, index=[hostile])),
    ]
    for figure in figures:
        assert_escaped(figure["layout"])
        for trace in figure["data"]:
            assert_escaped({key: value for key, value in trace.items() if key in ("name", "y", "text")})


def assert_escaped(part: Any) -> None:
    if isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            assert_escaped(value)
    elif isinstance(part, str):
        assert "<" not in part and "&lt;b" not in part.replace("&lt;b>", "").replace("&lt;b&gt;x", "")


def test_packed_is_strict_compact_json_with_typed_arrays() -> None:
    sent = json.loads(packed({"x": np.arange(3, dtype=np.float32), "n": np.int64(3)}))
    assert sent["n"] == 3 and sent["x"]["dtype"] == "f4"
    with pytest.raises(ValueError, match="not JSON compliant"):
        packed({"x": math.nan})
