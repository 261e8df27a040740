"""Compare: two or more runs side by side."""

import pandas as pd
import streamlit as st

from gainakt.ui import frame, resources, tables, words
from gainakt.ui.forms import run_choice
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.run.recorded import curves_of
from gainakt.ui.text import shortened

frame.page("Compare", ":material/compare:")
store = resources.store()
choices = run_choice.labels(store)
if len(choices) < 2:
    st.info("Comparing needs two runs: start them on the Train page.", icon=":material/info:")
    st.stop()
wanted = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id]
linked = [run.run_id for run_id in wanted if (run := resources.chosen_run(store, run_id)) and run.run_id in choices]
table = store.runs(published=None)
ended = table.loc[table["status"].isin(("finished", "stopped")), "run_id"].tolist()
newest = (ended if len(ended) > 1 else list(choices))[:2]
picked = st.multiselect("Runs", list(choices), default=linked if wanted else newest, format_func=choices.get)
st.query_params["runs"] = ",".join(picked)
if len(picked) < 2:
    st.info("Choose two or more runs.", icon=":material/info:")
    st.stop()
runs = {run_id: store.run(run_id) for run_id in picked}
labels = {run_id: f"{shortened(run.name, 24)} ({run_id[-4:]})" for run_id, run in runs.items()}
widths = dict.fromkeys(labels.values(), max(110, 560 // len(labels)))

settings, numbers = st.tabs(["Settings that differ", "Test students"])
with settings:
    differing = tables.differing({labels[run_id]: run for run_id, run in runs.items()})
    if differing.empty:
        st.caption("None: the configurations are the same.")
    else:
        tables.show(differing, most=330, widths=widths | {"Setting": 210})
with numbers:
    measured = tables.by_run(store.metrics(picked), labels)
    if measured.empty:
        st.caption("The final numbers appear when a run ends.")
    else:
        tables.show(measured, most=330, widths=widths | {"Measure": 250})

CURVES = ("gain_std", "validation.encoder1_auc", "validation.encoder2_auc", "loss.total", "loss.im")
series = store.series(picked, CURVES, points=800)
changes = pd.concat([curves_of(store, run_id).marks for run_id in picked])
revision = ",".join(picked)


def curve(name: str, axes: Axes) -> None:
    """One series of all runs."""
    figure = charts.lines(series, {name: axes.title}, labels, changes if axes.x == "step" else None, axes)
    figure["layout"]["showlegend"] = True
    live_plot(f"compare-{name}", figure, revision=revision)


left, right = st.columns(2)
with left:
    curve("gain_std", Axes("Gain std over the last 20 batches", "step", "std of gains"))
    curve("validation.encoder1_auc", Axes("Encoder 1, validation", "epoch", "AUC"))
    curve("loss.total", Axes("Total loss", "step", "weighted sum"))
with right:
    newest_gains = {labels[run_id]: store.latest_histogram(run_id, "validation") for run_id in picked}
    counts = {label: histogram.counts for label, histogram in newest_gains.items() if histogram is not None}
    axes = Axes("Practised gains, validation", "gain", "share of gains")
    live_plot("compare-gains", charts.histogram(counts, axes), revision=revision)
    curve("validation.encoder2_auc", Axes("Encoder 2, validation", "epoch", "AUC"))
    curve("loss.im", Axes("IM loss, Encoder 2", "step", "nats"))
parameters = Axes("Learned parameters: median, middle 50 % and 90 %", "epoch", height=520)
live_plot(
    "compare-parameters",
    charts.bands(store.parameters(picked), words.PARAMETERS, labels, parameters),
    revision=revision,
)
