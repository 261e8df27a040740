"""The Diagnosis page's parts: losses and gradients, saturation, training, the next step, the report."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from gainakt.analysis import diagnosis
from gainakt.analysis import report as writing
from gainakt.analysis.insight import Insight, next_config
from gainakt.analysis.report import sentences
from gainakt.errors import InputError
from gainakt.store import Store
from gainakt.ui import resources, tables
from gainakt.ui.diagnosis.verdict import evidence, judged, lights, progress
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text

__all__ = ["evidence", "gains", "judged", "lights", "losses", "next_step", "progress", "report", "training"]
_STATE = {
    "curve_slope": "Mean slope of the learning curve's sigmoid at the asked skills (0.25 at most)",
    "curve_past": "Share of asked skills past saturation (slope under a tenth of the largest)",
    "practice_past": "Share of practice that lies past saturation",
    "practised_gain_std": "Std of the practised gains",
    "gains_at_edge": "Share of practised gains within 0.01 of 0 or 1",
    "distinct_gains": "Effective number of distinct gains (bins of 0.01; 1 if all are alike)",
}


def losses(seen: Insight) -> None:
    """Loss terms raw, weighted and as shares over steps; how they pull at Encoder 2."""
    facts, run_id = seen.facts, seen.facts.run.run_id
    kinds = (
        ("loss.", "Loss terms, raw", "nats or units"), ("weighted.", "Weighted", "part of the total"),
        ("share.", "Share of the weighted sum", "share"),
    )  # fmt: skip
    for place, (start, title, unit) in zip(st.columns(3), kinds, strict=True):
        names = _names(facts.series, start)
        with place:
            figure = charts.lines(facts.series, names, None, None, Axes(title, "step", unit, height=300))
            live_plot(f"diagnosis-{start}{run_id}", figure)
    table = diagnosis.losses(facts.series)
    if not table.empty:
        st.markdown("###### Medians over the last recorded steps")
        tables.show(table.rename(columns=str.capitalize))
        ratio = diagnosis.differentiation_share(table)
        if ratio is not None:
            st.caption(f"Ratio of differentiation losses to prediction losses (BCE + IM): {ratio:.3g}.")
    _gradients(seen)


def _names(series: pd.DataFrame, start: str) -> dict[str, str]:
    found = sorted({str(name) for name in series["name"] if str(name).startswith(start)})
    return {name: name.removeprefix(start).replace("_", " ") for name in found}


def _gradients(seen: Insight) -> None:
    facts, run_id = seen.facts, seen.facts.run.run_id
    st.markdown("###### How the terms pull at Encoder 2: shares of the gradient norms, cosines between terms")
    table = diagnosis.gradients(facts.series)
    if table.empty:
        st.caption("This training recorded no looks (`training.probe_every`).")
        return
    for place, (where, title) in zip(
        st.columns(2), (("gains", "On the gain logits"), ("parameters", "On all parameters of Encoder 2")), strict=True
    ):
        with place:
            shares = _names(facts.series, f"gradient.{where}.share.")
            figure = charts.lines(facts.series, shares, None, None, Axes(title, "step", "share", height=280))
            live_plot(f"diagnosis-gradient-{where}-{run_id}", figure)
            cosines = table[(table["where"] == where) & (table["what"] == "cosine")]
            if not cosines.empty:
                shown = cosines.drop(columns=["where", "what"]).rename(columns=str.capitalize)
                tables.show(shown.rename(columns={"First": "Cosine, first look", "Last": "last look"}))
    cost = facts.curve("gradient.seconds")["value"]
    looks = "1 look" if len(cost) == 1 else f"{len(cost)} looks"
    st.caption(f"Cost: {cost.sum():.1f} s for {looks}, of this run's {facts.run.seconds or 0:.0f} s.")


def gains(store: Store, seen: Insight) -> None:
    """Saturation, bounds, distinct gains, variance components; the original's tensor beside the true one."""
    facts, run_id = seen.facts, seen.facts.run.run_id
    left, right = st.columns(2)
    with left:
        names = {"gain_std": "practised gains, which predict", "aggregate_gain_std": "what the original reported"}
        axes = Axes("Std of gains: two tensors of one name", "step", "std", height=300)
        live_plot(f"diagnosis-tensors-{run_id}", charts.lines(facts.series, names, None, None, axes))
    with right:
        parts = {kind: facts.test.get(f"gain_variance_{kind}") for kind in ("skill", "student", "response", "rest")}
        table = pd.DataFrame({"share": pd.Series(parts, dtype=float)}).dropna()
        axes = Axes("Where the gains' variance lies", y="share of variance", height=300)
        live_plot(f"diagnosis-variance-{run_id}", charts.bars(table, axes))
    for told in (*sentences.aggregate_gain(facts), *sentences.distinct_gains(facts, seen.state.get("distinct_gains"))):
        st.markdown(markdown_text(told))
    st.markdown("###### Saturation and bounds (validation students)")
    if not seen.state:
        st.caption("This run recorded no state: it was no training of two encoders.")
        return
    labels = _STATE | {
        name: f"Share of {name.removeprefix('at_bounds.')} at a bound" for name in seen.state if "at_bounds" in name
    }
    rows = [
        {"What": label, "Before training": seen.start.get(name), "At the best epoch": seen.state.get(name)}
        for name, label in labels.items()
    ]
    tables.show(pd.DataFrame(rows).astype({"Before training": float, "At the best epoch": float}), widths={"What": 560})


def training(seen: Insight) -> None:
    """Best epochs, divergence of the encoders, from where it overfits."""
    facts, run_id = seen.facts, seen.facts.run.run_id
    left, right = st.columns(2)
    aucs = {f"{split}.{encoder}_auc": f"{label}, {kind}"
            for encoder, label in (("encoder1", "Encoder 1"), ("encoder2", "Encoder 2"))
            for split, kind in (("validation", "validation"), ("train_running", "training"))}  # fmt: skip
    with left:
        figure = charts.lines(facts.series, aucs, None, None, Axes("AUC per epoch", "epoch", "AUC"))
        live_plot(f"diagnosis-auc-{run_id}", figure)
    with right:
        apart = diagnosis.divergence(facts.series)
        series = pd.DataFrame({"run_id": run_id, "name": "apart", "step": apart.index, "epoch": apart.index,
                               "time": 0.0, "value": apart.to_numpy()})  # fmt: skip
        axes = Axes("Encoder 1's validation AUC minus Encoder 2's", "epoch", "AUC")
        live_plot(f"diagnosis-apart-{run_id}", charts.lines(series, {"apart": "difference"}, None, None, axes))
    for told in (*sentences.stopping(facts), *sentences.dynamics(facts)):
        st.markdown(told)


def next_step(seen: Insight) -> None:
    """Candidate causes, the decision tree on this run's numbers, and the preset it ends in."""
    st.markdown("###### Candidate causes of uniform gains, judged by this run's numbers")
    rows = [
        {"Cause": c.name, "Here": diagnosis.HOLDS[c.present], "Evidence": markdown_text(c.evidence)}
        for c in seen.causes
    ]
    st.table(pd.DataFrame(rows).set_index("Cause"))
    st.markdown("###### The original analysis' decision tree on these numbers")
    rows = [{"Question": b.question, "Answer": b.answer, "Value": b.value} for b in seen.path.branches]
    tables.show(pd.DataFrame(rows), widths={"Question": 430, "Value": 460})
    st.markdown(f"**{markdown_text(seen.path.end)}**")
    try:
        chosen = next_config(seen)
    except InputError as error:
        st.caption(markdown_text(error))
        return
    label = f"Start {seen.path.preset} on {markdown_text(seen.facts.run.data_name)}"
    if st.button(label, type="primary", key="start-next"):
        name = f"{seen.path.preset} after {seen.facts.run.run_id[-4:]}"
        started = resources.service().submit(chosen, name=name, preset=seen.path.preset)
        st.switch_page("pages/1_Train.py", query_params={"run": started})


def report(store: Store, seen: Insight, names: Mapping[str, str]) -> None:
    """A written analysis to take away, beside a baseline if one is chosen."""
    run_id = seen.facts.run.run_id
    others = [None, *(name for name in names if name != run_id)]
    baseline = st.selectbox(
        "Compare with", others, key=f"baseline-{run_id}", format_func=lambda i: names[i] if i else "no baseline"
    )
    if st.button("Write the report", type="primary", icon=":material/description:"):
        st.session_state["report"] = (run_id, baseline, writing.write(store, run_id, baseline or "", seen.targets))
    made = st.session_state.get("report")
    if made is None or made[:2] != (run_id, baseline):
        return
    written = made[2]
    page, plain, _ = st.columns([2, 2, 6])
    file = f"analysis-{run_id}"
    page.download_button("Download HTML", lambda: written.html, f"{file}.html", "text/html", width="stretch")
    plain.download_button("Download Markdown", written.markdown, f"{file}.md", "text/markdown", width="stretch")
    for told in sentences.summary(seen.facts, seen.verdict, seen.targets):
        st.markdown(markdown_text(told))
