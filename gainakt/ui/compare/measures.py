"""The measures of the compared runs, their differences to the baseline, best and last epochs."""

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared, measures
from gainakt.measures.registry import MEASURES, named, shown_in
from gainakt.ui import tables
from gainakt.ui.compare import link
from gainakt.ui.compare.look import FEW, Look, coloured

_VALUE, _CHANGE = "{:.4g}", "{:+.4g}"
_SHOWN = {"difference": "Differences", "value": "Values"}
_DEFAULT = [*shown_in("runs"), "bce", "im", "rate_cv"]


def section(comparison: Compared, look: Look) -> None:
    """Few runs: a row per measure. Many: a row per run."""
    table = measures.values(comparison)
    if table.empty:
        st.caption("The final numbers appear when a run ends.")
        return
    change = measures.differences(table, comparison.baseline)
    if len(comparison.runs) <= FEW:
        _by_measure(table, change, look)
    else:
        _by_run(table, change, look)
    st.caption(
        "Test students (validation students where a run has not ended), the whole run, and the recovery of a known"
        " truth. Blue is better than the baseline, orange worse; where neither direction is good there is no colour."
    )
    st.markdown("###### Best and last epoch, validation students")
    _courses(measures.courses(comparison), look)


def _by_measure(table: pd.DataFrame, change: pd.DataFrame, look: Look) -> None:
    labels, baseline = look.labels, look.comparison.baseline
    frame = pd.DataFrame({"Measure": [one.label for one in named(table.index)]}, index=table.index)
    ways, formats = pd.DataFrame(index=table.index), {}
    for run_id in [baseline, *look.comparison.others]:
        frame[labels[run_id]] = table[run_id]
        formats[labels[run_id]] = _VALUE
        if run_id in change:
            name = f"Δ {labels[run_id]}"
            frame[name], ways[name], formats[name] = change[run_id], measures.directions(change)[run_id], _CHANGE
    frame["Better"] = [one.better for one in named(table.index)]
    width = max(100, 820 // (2 * len(labels) - 1))
    st.dataframe(
        coloured(frame, ways, formats),
        hide_index=True,
        placeholder="–",
        height=tables.fitting(len(frame), 420),
        column_config={"Measure": st.column_config.TextColumn("Measure", width=230, pinned=True)}
        | {name: st.column_config.NumberColumn(name, width=width, help=name) for name in formats},
    )


def _by_run(table: pd.DataFrame, change: pd.DataFrame, look: Look) -> None:
    which, choose = st.columns([1, 3], vertical_alignment="bottom")
    with which:
        shown = link.one_of("as", list(_SHOWN), "Show", _SHOWN.__getitem__)
    with choose:
        default = [name for name in _DEFAULT if name in table.index]
        names = link.several("measures", list(table.index), default, "Measures", format_func=_label)
    numbers = (change if shown == "difference" else table).loc[names].T
    ways = measures.directions(change).loc[names].T.reindex(numbers.index).fillna(0)
    frame = pd.DataFrame(
        {"Run": [look.labels[one] for one in numbers.index], "Group": [look.groups[one] for one in numbers.index]},
        index=numbers.index,
    )
    titles = {name: MEASURES[name].short or _label(name) if name in MEASURES else name for name in names}
    frame = pd.concat([frame, numbers.rename(columns=titles)], axis=1)
    form = _CHANGE if shown == "difference" else _VALUE
    st.dataframe(
        coloured(frame, ways.rename(columns=titles), dict.fromkeys(titles.values(), form)),
        hide_index=True,
        placeholder="–",
        height=tables.fitting(len(frame), 420),
        column_config={
            "Run": st.column_config.TextColumn("Run", width=210, pinned=True),
            "Group": st.column_config.TextColumn("Group", width=190, help="Runs of a group differ in the seed only."),
        }
        | {title: st.column_config.NumberColumn(title, help=_label(name)) for name, title in titles.items()},
    )


def _courses(courses: pd.DataFrame, look: Look) -> None:
    if courses.empty:
        st.caption("No epoch has been evaluated yet.")
        return
    rows = pd.DataFrame(
        {
            "Run": courses["run_id"].map(look.labels),
            "Measure": courses["name"].map(_label),
            "Best": courses["best"],
            "at epoch": courses["best_epoch"].astype("Int64"),
            "Last": courses["last"],
            "at epoch ": courses["last_epoch"].astype("Int64"),
        }
    )
    order = {name: place for place, name in enumerate(MEASURES)}
    places = courses["name"].map(order)
    rows = rows.assign(place=places).sort_values("place", kind="stable").drop(columns="place")
    tables.show(rows, most=320, widths={"Run": 230, "Measure": 230})


def _label(name: str) -> str:
    return MEASURES[name].label if name in MEASURES else name
