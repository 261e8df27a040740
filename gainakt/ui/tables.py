"""The pages' tables: what the store holds in the reader's words, drawn without empty rows or cut numbers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.config import fields
from gainakt.datasets.describe import safe_csv
from gainakt.store import Run
from gainakt.ui import words
from gainakt.ui.text import number

_ROW = 35
_SPLITS = {"train": "Training", "validation": "Validation", "test": "Test"}


def _learned(label: str, help_text: str, digits: int = 3) -> Any:
    return st.column_config.NumberColumn(label, help=help_text, format=f"%.{digits}f")


SKILLS = {
    "skill": st.column_config.TextColumn("Skill", help="The label in the data file."),
    "interactions": st.column_config.NumberColumn(
        "Interactions", help="That practise it, in training and validation data.", format="localized"
    ),
    "effective_rate": _learned(
        "Effective rate", "beta × mean gamma × mean of the gains after correct and incorrect responses."
    ),
    "true_rate": _learned("True rate", "Of simulated students, by the same formula."),
    "mean_gain": _learned("Mean gain", "Mean gain of the skill when practised, in (0, 1)."),
    "m_sat": _learned("M_sat", "Ceiling of mastery."),
    "beta": _learned("beta", "Slope of the learning curve."),
    "threshold": _learned("theta", "Mastery at which a correct response is as likely as an incorrect one."),
    "offset": _learned("Offset", "Shifts the learning curve: the larger, the more practice it takes."),
}


def fitting(rows: int, most: int = 10_000) -> int:
    """Pixels of a table with a header and so many rows, at most `most`."""
    return min(_ROW * (rows + 1) + 3, most)


def show(table: pd.DataFrame, most: int = 10_000, widths: Mapping[str, int] | None = None) -> None:
    """Draw a table: numbers with four digits, missing values as a dash, a heading that is cut told on hover."""
    widths = widths or {}
    columns: dict[str, Any] = {}
    for name in table.columns:
        width = widths.get(name)
        if pd.api.types.is_float_dtype(table[name]):
            columns[name] = st.column_config.NumberColumn(name, format="%.4f", width=width, help=name)
        else:
            columns[name] = st.column_config.Column(name, width=width)
    st.dataframe(table, hide_index=True, placeholder="–", column_config=columns, height=fitting(len(table), most))


def numbers(metrics: pd.DataFrame) -> pd.DataFrame:
    """The final metrics of one run: a row per measure, a column per split, and what it is."""
    wide = metrics.pivot(index="name", columns="split", values="value").astype(float)
    ordered = [name for name in words.METRICS if name in wide.index]
    shown = wide.reindex(index=ordered, columns=[split for split in _SPLITS if split in wide]).rename(columns=_SPLITS)
    shown.insert(0, "Measure", [words.METRICS[name][0] for name in ordered])
    return shown.assign(**{"What it is": [words.METRICS[name][1] for name in ordered]})


def settings(run: Run) -> pd.DataFrame:
    """The run's whole configuration, a row per setting."""
    known = fields()
    rows = [(known[name].label if name in known else name, _plain(value), name) for name, value in run.settings.items()]
    return pd.DataFrame(rows, columns=["Setting", "Value", "Name in --set"])


def surroundings(run: Run) -> pd.DataFrame:
    """Data, device and versions of a run, a row per fact."""
    facts = {**run.data, "device": run.device, "trained parameters": run.parameters, "versions": run.versions}
    return pd.DataFrame(list(_flat(facts)), columns=["What", "Value"])


def events(rows: pd.DataFrame) -> pd.DataFrame:
    """The run's events as time, step, epoch, what happened, in detail, by whom."""
    return pd.DataFrame(
        {
            "Time": rows["time"].map(words.clock),
            "Step": rows["step"].astype("Int64"),
            "Epoch": rows["epoch"].astype("Int64"),
            "What": rows["kind"],
            "Detail": [_detail(row) for row in rows.itertuples()],
            "By": rows["who"],
        }
    )


def _detail(event: Any) -> str:
    if event.kind == "changed":
        spec = fields().get(event.field)
        return f"{spec.label if spec else event.field}: {_short(event.old)} → {_short(event.new)}"
    if event.kind == "checkpointed":
        auc = json.loads(event.text or "{}").get("auc")
        return f"best so far of {event.field}, validation AUC {number(auc)}"
    return str(event.text or event.field or "")


def _short(value: str) -> str:
    return number(json.loads(value))


def _plain(value: Any) -> str:
    return "–" if value in ("", None) else number(value)


def _flat(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        title = f"{before} {name}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, title)
        elif isinstance(value, list):
            yield title, "; ".join(map(str, value)) or "–"
        else:
            yield title, _plain(value)


def onsets(metrics: pd.DataFrame) -> str:
    """From which epoch on the gains stayed uniform or spread, on validation students, in a sentence."""
    of_run = metrics[metrics["split"] == "run"].set_index("name")["value"]
    known = (
        ("uniform_since", "gain std stayed below 0.01"), ("spread_since", "gain std stayed at 0.10 or more"),
        ("aggregate_uniform_since", "the std of the original's aggregate gain stayed below 0.01"),
    )  # fmt: skip
    told = [f"from epoch {of_run[name]:.0f} on {text}" for name, text in known if pd.notna(of_run.get(name))]
    return f"On validation students, {'; '.join(told)}." if told else ""


def download(table: pd.DataFrame, name: str, key: str) -> None:
    """A button for the whole table as a CSV file whose cells no spreadsheet takes for formulas."""
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    st.download_button(
        "Download as CSV", lambda: safe_csv(table), f"{kept.strip('-')[:80] or 'table'}.csv", "text/csv",
        key=f"download.{key}", icon=":material/download:", on_click="ignore",
    )  # fmt: skip
