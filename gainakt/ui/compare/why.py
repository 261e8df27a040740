"""Why do A and B differ: the computed sentences beside the intervals and the curves they speak of."""

from collections.abc import Iterator

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.predictions import ENCODERS
from gainakt.analysis.compare.why import answer
from gainakt.ui.compare import link
from gainakt.ui.compare.curves import figure as curve
from gainakt.ui.compare.look import Look
from gainakt.ui.plots import compared
from gainakt.ui.plots.charts import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text

_AXES = Axes("B minus A on the same test students, with 95 % intervals", "difference", height=215)


def section(comparison: Compared, look: Look) -> None:
    """One screen: what was set, what moved by how much, which skills, when the curves parted."""
    run_id = link.other(comparison.others, look.labels)
    a, b = (markdown_text(look.labels[one].removeprefix("▸ ")) for one in (comparison.baseline, run_id))
    st.markdown(f"**A** {a} (baseline) · **B** {b}")
    with st.spinner("Comparing …"):
        parts = answer(comparison, run_id)
    words, charts = st.columns([11, 9], gap="medium")
    with words:
        for part in parts:
            lines = "\n".join(f"- {markdown_text(sentence)}" for sentence in part.sentences)
            st.markdown(f"**{part.title}**\n\n{lines}")
    with charts:
        found = intervals(comparison, run_id)
        if found["data"]:
            live_plot(f"compare-why-intervals-{run_id}", found)
        for name, title in (("validation.encoder2_auc", "Encoder 2, validation AUC"), ("gain_std", "Gain std")):
            axes = Axes(title, "epoch", height=235)
            live_plot(f"compare-why-{name}", curve(comparison, look, name, axes, [comparison.baseline, run_id]))


def intervals(comparison: Compared, run_id: str) -> Figure:
    """The differences in AUC and log-loss of both encoders with their intervals."""
    rows = pd.DataFrame(list(_rows(comparison, run_id)), columns=["label", "value", "low", "high"])
    return compared.intervals(rows, _AXES)


def _rows(comparison: Compared, run_id: str) -> Iterator[tuple[str, float, float, float]]:
    for encoder, found in (comparison.pair(run_id).differences or {}).items():
        for name, label in (("auc", "AUC"), ("log_loss", "log-loss")):
            if one := found[name]:
                yield f"{ENCODERS[encoder]} {label}", one.value, one.low, one.high
