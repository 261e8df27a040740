"""The Diagnosis page's parts: losses and gradients, gains and saturation, training, the next step, the report."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from gainakt.analysis import diagnosis
from gainakt.analysis.insight import Insight, next_config
from gainakt.analysis.report import sentences, write
from gainakt.errors import InputError
from gainakt.store import Store
from gainakt.ui import resources, tables, words
from gainakt.ui.plots import charts
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text, number, plain_signs
from gainakt.ui.visitors import owners

_STATE = {
    "curve_slope": "Mean slope of the learning curve at the next skill (at most 0.25)",
    "curve_past": "Share of next skills past saturation (slope below a tenth of the largest)",
    "practice_past": "Share of practice past saturation",
    "practised_gain_std": "Std of the practised gains",
    "gains_at_edge": "Share of practised gains within 0.01 of 0 or 1",
    "distinct_gains": "Effective number of distinct gains (bins of 0.01; 1 if all are alike)",
}


def losses(insight: Insight) -> None:
    """Loss terms unweighted, weighted and as shares over steps; how strongly each pulls on Encoder 2."""
    facts, run_id = insight.facts, insight.facts.run.run_id
    kinds = (
        ("loss.", "Loss terms, unweighted", "loss"),
        ("weighted.", "Loss terms, weighted", "part of the total"),
        ("share.", "Share of the weighted sum", "share"),
    )
    for place, (start, title, unit) in zip(st.columns(3), kinds, strict=True):
        names = words.terms(facts.series["name"].unique(), start)
        with place:
            figure = charts.lines(facts.series, names, None, None, Axes(title, "step", unit, height=300))
            live_plot(f"diagnosis-{start}{run_id}", figure)
    table = diagnosis.losses(facts.series)
    if not table.empty:
        st.markdown("###### Last recorded epoch (medians over its recorded steps)")
        named = table.assign(term=table["term"].map(words.term)).rename(columns={"raw": "unweighted"})
        tables.show(named.rename(columns=str.capitalize))
        ratio = diagnosis.differentiation_share(table)
        if ratio is not None:
            st.caption(
                "Weighted sum of the differentiation losses over that of the prediction losses (BCE, IM, distillation):"
                f" {number(ratio)}."
            )
    _gradients(insight)


def _gradients(insight: Insight) -> None:
    facts, run_id = insight.facts, insight.facts.run.run_id
    st.markdown("###### Gradient probes: how strongly each loss term pulls on Encoder 2, and in which direction")
    table = diagnosis.gradients(facts.series)
    if table.empty:
        st.caption("No gradient probes were recorded; set `training.probe_every` above 0 to record them.")
        return
    for place, (where, title) in zip(st.columns(2), words.GRADIENTS.items(), strict=True):
        with place:
            shares = words.terms(facts.series["name"].unique(), f"gradient.{where}.share.")
            figure = charts.lines(facts.series, shares, None, None, Axes(title, "step", "share of norms", height=280))
            live_plot(f"diagnosis-gradient-{where}-{run_id}", figure)
            cosines = table[(table["where"] == where) & (table["what"] == "cosine")]
            if not cosines.empty:
                headings = {"term": "Term", "other": "Other term", "first": "Cosine, first probe", "last": "last probe"}
                named = cosines.assign(term=cosines["term"].map(words.term), other=cosines["other"].map(words.term))
                tables.show(named[list(headings)].rename(columns=headings))
    seconds = facts.curve("gradient.seconds")["value"]
    probes = "1 probe" if len(seconds) == 1 else f"{len(seconds)} probes"
    st.caption(f"{probes} took {seconds.sum():.1f} s of this run's {facts.run.seconds or 0:.0f} s.")


def gains(insight: Insight) -> None:
    """Practised and aggregate gains, variance components, saturation and bounds."""
    facts, run_id = insight.facts, insight.facts.run.run_id
    left, right = st.columns(2)
    with left:
        practised = sentences.practised_std(facts)
        names = {practised: "practised gains: used by predictions", "aggregate_gain_std": "aggregate gain: reported"}
        axes = Axes("Std of gains: used by predictions vs. reported by the original study", "step", "std", height=300)
        live_plot(f"diagnosis-tensors-{run_id}", charts.lines(facts.series, names, None, None, axes))
    with right:
        parts = {kind: facts.test.get(f"gain_variance_{kind}") for kind in ("skill", "student", "response", "rest")}
        table = pd.DataFrame({"share": pd.Series(parts, dtype=float)}).dropna()
        axes = Axes("What the gains' variance goes with", y="share of variance", height=300)
        live_plot(f"diagnosis-variance-{run_id}", charts.bars(table, axes))
    distinct = insight.state.get("distinct_gains")
    for sentence in (*sentences.aggregate_gain(facts), *sentences.distinct_gains(facts, distinct)):
        st.markdown(markdown_text(sentence))
    st.markdown("###### Saturation and bounds (validation students)")
    if not insight.state:
        st.caption("Not recorded: only trainings of two encoders record it.")
        return
    labels = _STATE | {
        name: f"Share of {name.removeprefix('at_bounds.')} at a bound" for name in insight.state if "at_bounds" in name
    }
    rows = [
        {"Measure": label, "Before training": insight.start.get(name), "At the best epoch": insight.state.get(name)}
        for name, label in labels.items()
    ]
    values = pd.DataFrame(rows).astype({"Before training": float, "At the best epoch": float})
    tables.show(values, widths={"Measure": 560})


def training(insight: Insight) -> None:
    """Best epochs, the distance between the encoders, from where they overfit."""
    facts, run_id = insight.facts, insight.facts.run.run_id
    left, right = st.columns(2)
    with left:
        figure = charts.lines(facts.series, words.AUCS, None, None, Axes("AUC per epoch", "epoch", "AUC"))
        live_plot(f"diagnosis-auc-{run_id}", figure)
    with right:
        apart = diagnosis.divergence(facts.series)
        series = pd.DataFrame(
            {"run_id": run_id, "name": "apart", "step": apart.index, "epoch": apart.index, "value": apart.to_numpy()}
        )
        axes = Axes("Validation AUC, Encoder 1 minus Encoder 2", "epoch", "difference")
        live_plot(f"diagnosis-apart-{run_id}", charts.lines(series, {"apart": "difference"}, None, None, axes))
    for sentence in (*sentences.stopping(facts), *sentences.dynamics(facts)):
        st.markdown(plain_signs(sentence))


def next_step(insight: Insight) -> None:
    """Candidate causes, the decision tree on this run's numbers, and the preset it ends in."""
    st.markdown("###### Candidate causes of uniform gains, checked against this run's numbers")
    rows = [{"Cause": c.name, "Here": c.here, "Evidence": markdown_text(c.evidence)} for c in insight.causes]
    st.table(pd.DataFrame(rows).set_index("Cause"))
    st.markdown("###### The original study's decision tree on this run's numbers")
    rows = [{"Question": b.question, "Answer": b.answer, "Value": b.value} for b in insight.path.branches]
    tables.show(pd.DataFrame(rows), widths={"Question": 430, "Value": 460})
    st.markdown(f"**{markdown_text(insight.path.end)}**")
    try:
        config = next_config(insight)
    except InputError as error:
        st.caption(markdown_text(error))
        return
    preset, run = insight.path.preset, insight.facts.run
    if st.button(f"Train {preset} on {markdown_text(run.data_name)}", type="primary", key="start-next", **owners()):
        started = resources.service().submit(config, name=f"{preset} after {run.run_id[-4:]}", preset=preset)
        st.switch_page("pages/1_Train.py", query_params={"run": started})


def report(store: Store, insight: Insight, labels: Mapping[str, str]) -> None:
    """A written analysis to download, with a comparison if a baseline is chosen."""
    run_id = insight.facts.run.run_id
    others = [None, *(other for other in labels if other != run_id)]
    baseline = st.selectbox(
        "Baseline",
        others,
        key=f"baseline-{run_id}",
        format_func=lambda i: labels[i] if i else "none",
        help="The report compares this run with it, setting by setting and measure by measure.",
    )
    if st.button("Write the report", type="primary", icon=":material/description:"):
        st.session_state["report"] = (run_id, baseline, write(store, run_id, baseline or "", insight.targets))
    written = st.session_state.get("report")
    if written is None or written[:2] != (run_id, baseline):
        return
    document = written[2]
    html, markdown, _ = st.columns([2, 2, 6])
    file = f"analysis-{run_id}"
    html.download_button("Download HTML", lambda: document.html, f"{file}.html", "text/html", width="stretch")
    markdown.download_button("Download Markdown", document.markdown, f"{file}.md", "text/markdown", width="stretch")
    for sentence in sentences.summary(insight.facts, insight.verdict, insight.targets):
        st.markdown(markdown_text(sentence))
