"""Runs as points: any two fields, the effect of one setting, the Pareto front, parallel coordinates."""

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.fields import FRONT, fields, front, is_setting, log_scaled, name_of, on_log_axis, varying
from gainakt.ui import tables
from gainakt.ui.compare import link
from gainakt.ui.compare.look import Look
from gainakt.ui.plots import compared
from gainakt.ui.plots.charts import Axes, Figure
from gainakt.ui.plots.live import live_plot

VIEWS = {
    "effect": "Effect of a setting",
    "scatter": "Any two fields",
    "front": "Pareto front",
    "parallel": "Parallel coordinates",
}
_HEIGHT = 440
_AXES_SHOWN = 7
_FIRST = ("gain_std", "encoder2_auc", "encoder1_auc", "rate_cv")


def section(comparison: Compared, look: Look) -> None:
    """One of the views."""
    table = fields(comparison)
    view = link.one_of("view", list(VIEWS), "View", VIEWS.__getitem__, label_visibility="collapsed")
    if not any(not is_setting(name) for name in table):
        st.caption("The final numbers appear when a run ends.")
        return
    {"effect": _effect, "scatter": _scatter, "front": _front, "parallel": _parallel}[view](table, look)


def _effect(table: pd.DataFrame, look: Look) -> None:
    settings = [name for name in varying(table) if is_setting(name)]
    if not settings:
        st.caption("No setting that is a number differs between these runs.")
        return
    left, right = st.columns(2)
    with left:
        first = ["weights.variance"] if "weights.variance" in settings else []
        x = link.choice("setting", [*first, *(s for s in settings if s not in first)], "Setting", name_of)
    with right:
        y = link.choice("of", _measures(table), "Measure", name_of)
    live_plot("compare-effect", points(table, x, y, look, means=True), revision=f"{look.revision} {x} {y}")
    others = [name_of(name) for name in settings if name not in (x, "training.seed")]
    text = "The line goes through the mean at each value. Click a point to open its run."
    if others:
        text += f" Other settings differ between these runs as well: {', '.join(others[:6])}."
    st.caption(text)


def _scatter(table: pd.DataFrame, look: Look) -> None:
    names = varying(table)
    left, right = st.columns(2)
    with left:
        x = link.choice("x", [*_measures(table), *(n for n in names if is_setting(n))], "Across", name_of)
    with right:
        rest = [name for name in [*_measures(table), *(n for n in names if is_setting(n))] if name != x]
        y = link.choice("y", rest, "Up", name_of)
    live_plot("compare-scatter", points(table, x, y, look), revision=f"{look.revision} {x} {y}")
    st.caption("Click a point to open its run.")


def _front(table: pd.DataFrame, look: Look) -> None:
    best = front(table)
    if not best:
        st.caption("No run has both AUCs and effective rates.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        ringed = pd.Series(table.index.isin(best), table.index)
        live_plot("compare-front", points(table, "encoder2_auc", "rate_cv", look, ring=ringed), revision=look.revision)
    with right:
        st.markdown("###### No other run beats these")
        shown = table.loc[best, list(FRONT)].rename(columns=name_of)
        shown.insert(0, "Run", [look.labels[run_id] for run_id in best])
        tables.show(shown, most=360, widths={"Run": 200})
    st.caption(
        "Ringed: no other run is at least as good in both AUCs and the CV of effective rates, and better in"
        " one of them. The CV is an effect size; whether it is more than chance is the verdict's to say."
        " Click a point to open its run."
    )


def _parallel(table: pd.DataFrame, look: Look) -> None:
    names = varying(table)
    measures = [name for name in _measures(table) if name in names]
    settings = [name for name in names if is_setting(name)]
    default = [*settings[:3], *measures[: _AXES_SHOWN - len(settings[:3])]]
    left, right = st.columns([3, 1])
    with left:
        chosen = link.several("axes", [*settings, *measures], default, "Axes", format_func=name_of)
    with right:
        by = link.choice("colour", [*measures, *settings], "Colour", name_of)
    if len(chosen) < 2:
        st.caption("Choose two axes or more.")
        return
    labels = {name: name_of(name) for name in dict.fromkeys([*chosen, by])}
    figure = compared.parallel(table, labels, by, Axes("", height=_HEIGHT))
    live_plot("compare-parallel", figure, revision=f"{look.revision} {','.join(labels)}")
    left_out = int(table[list(labels)].isna().any(axis=1).sum())
    more = f" {left_out} runs lack one of the values and are left out." if left_out else ""
    st.caption(f"Each line is a run. Drag along an axis to keep only the lines that pass there.{more}")


def points(
    table: pd.DataFrame, x: str, y: str, look: Look, means: bool = False, ring: pd.Series | None = None
) -> Figure:
    """The runs by two fields; a setting that spreads tenfold or more has a log axis, on which 0 stands at its left."""
    log = is_setting(x) and log_scaled(table[x].dropna())
    across, zero = on_log_axis(table[x]) if log else (table[x], None)
    rows = pd.DataFrame({"run_id": table.index, "x": across.to_numpy(), "y": table[y].to_numpy()})
    rows["label"], rows["group"] = rows["run_id"].map(look.labels), rows["run_id"].map(look.groups)
    if ring is not None:
        rows["ring"] = ring.to_numpy()
    axes = Axes("", name_of(x) + (", log scale" if log else ""), name_of(y), height=_HEIGHT)
    figure = compared.scatter(rows, axes, ("x",) if log else (), means)
    if zero is not None:
        figure["layout"]["xaxis"] |= _ticks(across, zero)
    return figure


def _ticks(across: pd.Series, zero: float) -> dict[str, list[float] | list[str]]:
    """The values themselves as ticks, 0 where it was put."""
    places = sorted(across.dropna().unique())
    return {"tickvals": places, "ticktext": ["0" if place == zero else f"{place:g}" for place in places]}


def _measures(table: pd.DataFrame) -> list[str]:
    of_runs = [name for name in table.columns if not is_setting(name)]
    return [*(name for name in _FIRST if name in of_runs), *(name for name in of_runs if name not in _FIRST)]
