"""Compare: two or more runs side by side."""

import pandas as pd
import streamlit as st

from gainakt.config import fields
from gainakt.ui import frame, resources, tables, words
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.run import view as run_view
from gainakt.ui.text import shortened

frame.page("Compare", ":material/compare:")
store = resources.store()
table = store.runs(published=None)
if len(table) < 2:
    st.info("Two saved runs are needed; start them on the Train page.", icon=":material/info:")
    st.stop()
names = {row.run_id: words.run_label(row) for row in table.itertuples()}
linked = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id in names]
told = [row.run_id for row in table.itertuples() if row.status in ("finished", "stopped")]
usual = (told if len(told) > 1 else list(names))[:2]
picked = st.multiselect("Runs", list(names), default=linked or usual, format_func=names.get)
st.query_params["runs"] = ",".join(picked)
if len(picked) < 2:
    st.info("Choose two runs or more.", icon=":material/info:")
    st.stop()
labels = {run_id: f"{shortened(store.run(run_id).name, 24)} ({run_id[-4:]})" for run_id in picked}
widths = dict.fromkeys(labels.values(), max(110, 690 // len(labels)))

settings, numbers = st.tabs(["What differs in the configuration", "Test students"])
with settings:
    stated = {labels[r]: run_view.stated(store.run(r)) for r in picked}
    flat = pd.DataFrame(
        {label: [str(values.get(name, "")) or "–" for name in fields()] for label, values in stated.items()},
        index=list(fields()),
    )
    differs = flat[flat.nunique(axis=1) > 1]
    if differs.empty:
        st.caption("Nothing: the configurations are the same.")
    else:
        differs.insert(0, "Setting", [fields()[name].label for name in differs.index])
        tables.show(differs, most=330, widths=widths | {"Setting": 210})
with numbers:
    metrics = store.metrics(picked)
    wide = metrics[metrics["split"] == "test"].pivot(index="name", columns="run_id", values="value")
    if wide.empty:
        st.caption("No final numbers yet: they come when a run ends.")
    else:
        ordered = [name for name in words.METRICS if name in wide.index]
        shown = wide.reindex(index=ordered, columns=picked).rename(columns=labels)
        shown.insert(0, "Measure", [words.METRICS[name][0] for name in ordered])
        tables.show(shown, most=330, widths=widths | {"Measure": 210})

curves = ("gain_std", "validation.encoder1_auc", "validation.encoder2_auc", "loss.total", "loss.im")
series = store.series(picked, curves, points=800)
marks = pd.concat([run_view.marks(store, run_id) for run_id in picked])
for titles in (
    (("gain_std", "Gain std, last 20 batches", "std of gains", "step"), None),
    (("validation.encoder1_auc", "Encoder 1, validation", "AUC", "epoch"),
     ("validation.encoder2_auc", "Encoder 2, validation", "AUC", "epoch")),
    (("loss.total", "Total loss", "weighted sum", "step"), ("loss.im", "IM loss, Encoder 2", "nats", "step")),
):  # fmt: skip
    for place, title in zip(st.columns(2), titles, strict=True):
        with place:
            if title is None:
                found = {labels[r]: store.latest_histogram(r, "validation") for r in picked}
                counts = {label: h.counts for label, h in found.items() if h is not None}
                axes = Axes("Gains of the practised skill, validation", "gain", "share of gains")
                live_plot("compare-gains", charts.histogram(counts, axes), revision=",".join(picked))
            else:
                name, text, unit, x = title
                figure = charts.lines(series, {name: text}, labels, marks if x == "step" else None, Axes(text, x, unit))
                figure["layout"]["showlegend"] = True
                live_plot(f"compare-{name}", figure, revision=",".join(picked))
figure = charts.bands(
    store.parameters(picked), words.PARAMETERS, labels, Axes("Learned parameters", "epoch", height=520)
)
live_plot("compare-parameters", figure, revision=",".join(picked))
