"""Statistics: is a difference more than chance? On the same test students, and over seeds."""

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared, chance
from gainakt.analysis.compare.measures import values
from gainakt.analysis.compare.predictions import ENCODERS
from gainakt.measures.registry import MEASURES
from gainakt.ui import tables
from gainakt.ui.compare import link
from gainakt.ui.compare.look import Look
from gainakt.ui.plots import compared
from gainakt.ui.plots.charts import Axes
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import markdown_text

_NAMED = 3
"""Runs left out that are named."""


def section(comparison: Compared, look: Look) -> None:
    """Pairs on the same students, then groups of seeds."""
    st.markdown("###### Each run against the baseline, on the same test students")
    encoders = [*reversed(ENCODERS)]
    encoder = link.one_of("encoder", encoders, "Encoder", ENCODERS.__getitem__, label_visibility="collapsed")
    with st.spinner("Drawing test students anew …"):
        table, missing = chance.pairs(comparison, encoder)
    if len(table):
        _pairs(table, look, ENCODERS[encoder])
    _missing(missing, len(comparison.others))
    st.markdown("###### Over seeds: runs that differ in the seed only, as groups")
    if not comparison.has_seeds:
        st.caption(
            "No two of these runs differ in the seed only. Train a configuration with more seeds to compare means."
        )
        return
    _seeds(comparison, look)


def _pairs(table: pd.DataFrame, look: Look, encoder: str) -> None:
    labels = table["run_id"].map(look.labels)
    left, right = st.columns(2)
    height = max(200, 90 + 22 * len(table))
    for place, name, what in ((left, "auc", "AUC"), (right, "log_loss", "log-loss (lower is better)")):
        if name in table:
            rows = pd.DataFrame({"label": labels, "value": table[name]})
            rows = rows.assign(low=table[f"{name}_low"], high=table[f"{name}_high"]).dropna()
            with place:
                axes = Axes(f"{encoder}: difference in {what}", "run minus baseline", height=height)
                live_plot(f"compare-pairs-{name}", compared.intervals(rows, axes), revision=look.revision)
    shown = pd.DataFrame({"Run": labels})
    for name, what in (("auc", "AUC"), ("log_loss", "log-loss")):
        if name in table:
            shown[f"Δ {what}"] = table[name].map("{:+.4f}".format)
            shown[f"95 % interval, {what}"] = _between(table[f"{name}_low"], table[f"{name}_high"])
            if name == "auc":
                shown["DeLong's interval"] = _between(table["delong_low"], table["delong_high"])
            shown[f"p, {what}"] = table[f"{name}_p"]
            if len(table) > 1:
                shown[f"p (Holm), {what}"] = table[f"{name}_holm"]
    shown["Students"] = table["students"]
    shown["Predictions"] = table["predictions"]
    tables.show(shown, most=320, widths={"Run": 230})
    st.caption(" ".join(filter(None, (chance.COVERS_STUDENTS, chance.DELONG_ASSUMES, chance.holm_says(len(table))))))


def _between(lows: pd.Series, highs: pd.Series) -> list[str]:
    pairs = zip(lows, highs, strict=True)
    return ["–" if pd.isna(low) else f"{low:+.4f} to {high:+.4f}" for low, high in pairs]


def _missing(missing: dict[str, str], others: int) -> None:
    if not missing:
        return
    texts = list(dict.fromkeys(missing.values()))
    lines = [f"- {markdown_text(text)}" for text in texts[:_NAMED]]
    more = [f"- and {len(texts) - _NAMED} more"] if len(texts) > _NAMED else []
    st.info(f"{len(missing)} of {others} runs left out:\n\n" + "\n".join([*lines, *more]), icon=":material/info:")


def _seeds(comparison: Compared, look: Look) -> None:
    known = list(values(comparison).index)
    ordered = [*(name for name in ("encoder2_auc", "encoder1_auc", "gain_std") if name in known)]
    options = [*ordered, *(name for name in known if name not in ordered)]
    if not options:
        st.caption("The final numbers appear when a run ends.")
        return
    measure = link.choice("measure", options, "Measure", lambda one: MEASURES[one].label if one in MEASURES else one)
    table = chance.seeds(comparison, measure)
    names = table["run_id"].map(look.groups)
    rows = pd.DataFrame({"label": names, "value": table["difference"], "low": table["low"], "high": table["high"]})
    shown = pd.DataFrame(
        {
            "Group": names,
            "Runs": table["runs"],
            "Mean": table["mean"],
            "Std": table["std"],
            "Δ mean": table["difference"],
            "95 % interval": _between(table["low"], table["high"]),
            "p": table["p"],
        }
    )
    tests = int(table["p"].notna().sum())
    if tests > 1:
        shown["p (Holm)"] = table["holm"]
    axes = Axes("Difference of means to the baseline's group", "difference", height=max(200, 90 + 24 * len(table)))
    live_plot("compare-seeds", compared.intervals(rows.dropna(), axes), revision=look.revision)
    tables.show(shown, most=320, widths={"Group": 420, "95 % interval": 160})
    st.caption(" ".join(filter(None, (chance.COVERS_SEEDS, chance.holm_says(tests)))))
