"""Compare: two or more runs side by side."""

import pandas as pd
import streamlit as st

from gainakt.config import Config, fields, flatten
from gainakt.ui import charts, frame, resources, words
from gainakt.ui.charts import Axes
from gainakt.ui.live import live_plot

frame.page("Compare", ":material/compare:")
store = resources.store()
table = store.runs()
if len(table) < 2:
    st.info("Two saved runs are needed; start them on the Train page.", icon=":material/info:")
    st.stop()
names = {row.run_id: f"{row.name} · {words.when(row.created)} · {row.run_id[-4:]}" for row in table.itertuples()}
linked = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id in names]
picked = st.multiselect("Runs", list(names), default=linked or list(names)[:2], format_func=names.get)
st.query_params["runs"] = ",".join(picked)
if len(picked) < 2:
    st.info("Choose two runs or more.", icon=":material/info:")
    st.stop()
labels = {run_id: f"{store.run(run_id).name} ({run_id[-4:]})" for run_id in picked}

settings, numbers = st.tabs(["What differs in the configuration", "Test students"])
with settings:
    flat = pd.DataFrame({labels[r]: flatten(Config.model_validate(store.run(r).config)) for r in picked}).astype(str)
    differs = flat[flat.nunique(axis=1) > 1]
    if differs.empty:
        st.caption("Nothing: the configurations are the same.")
    else:
        differs.insert(0, "setting", [fields()[name].label for name in differs.index])
        st.dataframe(differs, hide_index=True, height=min(38 * (len(differs) + 1), 330))
with numbers:
    metrics = store.metrics(picked)
    wide = metrics[metrics["split"] == "test"].pivot(index="name", columns="run_id", values="value")
    if wide.empty:
        st.caption("No final numbers yet: they come when a run ends.")
    else:
        ordered = [name for name in words.METRICS if name in wide.index]
        shown = wide.reindex(index=ordered, columns=picked).rename(columns=labels)
        shown.insert(0, "measure", [words.METRICS[name][0] for name in ordered])
        st.dataframe(shown, hide_index=True, placeholder="–", height=330)

curves = ("gain_std", "validation.encoder1_auc", "validation.encoder2_auc", "loss.total", "loss.im")
series = store.series(picked, curves, points=800)
marks = pd.concat([store.events(r).assign(run_id=r) for r in picked])
marks = marks[marks["kind"] == "changed"]
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
                live_plot(f"compare-{name}", figure, revision=",".join(picked))
figure = charts.bands(store.parameters(picked), words.PARAMETERS, labels, Axes("Learned parameters", "epoch", height=520))
live_plot("compare-parameters", figure, revision=",".join(picked))
