"""The table of yardsticks and trainings, and the curve of accuracy against interpretability."""

import pandas as pd
import streamlit as st

from gainakt.analysis import benchmark
from gainakt.jobs import freedoms
from gainakt.store import Run, Store
from gainakt.ui import job, tables
from gainakt.ui.benchmark import start
from gainakt.ui.plots import figures
from gainakt.ui.plots.figures import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import chart_text, shortened

_PROTOCOLS = {"pykt": "given folds", "students80": "80/20 of students"}
_HEADINGS = {
    "model": "Model",
    "folds": "Folds",
    "fold": "Fold",
    "students": "Test students",
    "auc": "AUC",
    "interval": "95 % interval",
    "to_best": "To the best",
    "spread": "Spread",
    "log_loss": "Log-loss",
    "rmse": "RMSE",
    "ece": "ECE",
    "seconds": "Seconds",
    "about": "What it is",
}
_HELPS = {
    "AUC": "Area under the ROC curve on the test students, the mean over folds.",
    "95 % interval": "Of the AUC, over students; the mean of its ends over folds.",
    "To the best": "AUC minus that of the best yardstick, over the folds that both have.",
    "Spread": "Standard deviation of the AUC over folds. Folds share data, so it is no standard error.",
    "Log-loss": "Binary cross-entropy in nats per prediction; lower is better.",
    "RMSE": "Root mean square error of the probability; lower is better.",
    "ECE": "Expected calibration error over ten equally wide bins; lower is better.",
    "Seconds": "To fit and measure one fold, on the machine that ran it.",
}


def table(store: Store, yardsticks: list[Run]) -> None:
    """One row per model on the chosen data; trainings of the same split beside them."""
    found = benchmark.benchmarks(yardsticks)
    if not found:
        st.info("No yardstick has finished yet. Run some above, or `python -m gainakt benchmark DATA`.",
                icon=":material/info:")  # fmt: skip
        return
    left, right = st.columns([2, 5])
    names = {key: f"{some[0].data_name}, {_PROTOCOLS.get(key[1], key[1])}" for key, some in found.items()}
    chosen = left.selectbox("Benchmark", list(found), format_func=names.__getitem__)
    some = found[chosen]
    trainings = benchmark.configurations(benchmark.comparable(store, some))
    most = max(trainings, key=lambda name: len(trainings[name]), default=None)  # folds; the newest of equals
    picked = right.multiselect(
        "Trainings", list(trainings), [most] if most else [], placeholder="None on these data and splits",
        format_func=lambda name: shortened(name, 60), disabled=not trainings,
        help="Finished trainings on the same data and splits. Those that differ in fold and seed alone are one row.",
    )  # fmt: skip
    rows = benchmark.by_fold(store, some, {name: trainings[name] for name in picked})
    means = benchmark.summary(rows)
    tested_on, few = benchmark.rests_on(rows)
    if few:
        st.warning(tested_on, icon=":material/groups:")
    _show(means, ["model", "folds", "auc", "interval", "to_best", "spread", "log_loss", "rmse", "ece", "seconds"])
    best = benchmark.best_yardstick(rows)
    if len(best):
        named = f"The best yardstick is {best['model'].iloc[0]}."
        once = "Test students are read once, when a model is done; every choice is made on validation students."
        st.caption(" ".join(filter(None, ["" if few else tested_on, named, once])))
    with st.expander("Every fold", icon=":material/table_rows:"):
        _show(rows, ["model", "fold", "students", "auc", "interval", "log_loss", "rmse", "ece", "seconds", "run_id"])
    tables.download(rows, "benchmark", "benchmark")


def _show(rows: pd.DataFrame, columns: list[str]) -> None:
    known = rows["lower"].notna()
    interval = [f"{low:.3f}–{high:.3f}" if there else None for low, high, there in
                zip(rows["lower"], rows["upper"], known, strict=True)]  # fmt: skip
    shown = rows.assign(interval=interval)[columns].rename(columns=_HEADINGS)
    config = {name: st.column_config.NumberColumn(name, format="%.4f", help=_HELPS.get(name)) for name in
              ("AUC", "Spread", "Log-loss", "RMSE", "ECE")}  # fmt: skip
    config["To the best"] = st.column_config.NumberColumn("To the best", format="%+.4f", help=_HELPS["To the best"])
    config["Seconds"] = st.column_config.NumberColumn("Seconds", format="%.0f", help=_HELPS["Seconds"])
    config["95 % interval"] = st.column_config.TextColumn(help=_HELPS["95 % interval"])
    config["Test students"] = st.column_config.NumberColumn(format="%d")
    config["Model"] = st.column_config.TextColumn(width=300)
    config["run_id"] = st.column_config.TextColumn("Run id")
    st.dataframe(shown, hide_index=True, placeholder="–", column_config=config, height=tables.fitting(len(shown), 560))


def curve(store: Store) -> None:
    """Accuracy against interpretability: the figure and its points, and the button that trains them."""
    st.markdown("###### Accuracy against interpretability")
    st.caption(
        "Encoder 2 from gains alone, one freedom after the other, up to Encoder 1, which explains nothing. Each point"
        f" is a run on the data and one on simulated students ({freedoms.SIMULATED}), where recovery is measured."
    )
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        data = start.of_data(start.data_choice(store, "curve"))
    with right:
        start.curve(data)
    job.progress(start.CURVE)
    points = freedoms.table(store, data)
    if points.empty:
        st.info("No point has finished yet.", icon=":material/info:")
        return
    live_plot("freedoms", curve_figure(points))
    tables.show(points.rename(columns=_POINT_HEADINGS).drop(columns=["run_id", "simulated_id"]),
                widths={"Encoder 2 with": 230}, helps=_POINT_HELPS)  # fmt: skip


_POINT_HEADINGS = {
    "point": "Encoder 2 with",
    "auc": "AUC",
    "log_loss": "Log-loss",
    "added": "AUC added",
    "spearman": "Spearman's r",
    "ratio": "Gain ratio",
    "seconds": "Seconds",
}
_POINT_HELPS = {
    "AUC added": "AUC above the point before.",
    "Spearman's r": "Of learned and true effective rates on the simulated students.",
    "Gain ratio": "Learned gain after correct over gain after incorrect responses, on the simulated students.",
}


def curve_figure(points: pd.DataFrame) -> Figure:
    """Test AUC and recovery over the freedoms, in their order."""
    labels = [chart_text(shortened(label, 34)) for label in points["point"]]
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "uid": column,
            "name": name,
            "x": labels,
            "y": figures.floats(points[column]),
            "yaxis": axis,
            "line": {"color": figures.color(place), "width": 2, "dash": "solid" if place == 0 else "dot"},
            "marker": {"size": 8},
            "hovertemplate": "%{y:.4f}",
        }
        for place, (column, name, axis) in enumerate(
            (("auc", "test AUC", "y"), ("spearman", "recovery of rates, Spearman's r (right axis)", "y2"))
        )
    ]
    figure: Figure = {"data": traces, "layout": figures.base_layout(Axes("", height=360), 2)}
    figure["layout"]["margin"]["r"] = 60
    figure["layout"] |= {
        "xaxis": figures.axis("", type="category"),
        "yaxis": figures.axis("test AUC"),
        "yaxis2": figures.axis("Spearman's r", overlaying="y", side="right", showgrid=False),
    }
    return figure
