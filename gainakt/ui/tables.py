"""The pages' tables: what the store holds, labelled by the registry of measures and by the settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from gainakt.analysis.compare.settings import stated
from gainakt.datasets.describe import safe_csv
from gainakt.measures.registry import AGREEMENT, RECOVERED, Measure
from gainakt.measures.registry import named as measures
from gainakt.store import Run
from gainakt.ui import words
from gainakt.ui.text import json_value, number

_ROW = 35
_SPLITS = {"train": "Training", "validation": "Validation", "test": "Test"}
_OTHER = ("run", "recovery")  # what the store keeps beside the splits of students
AGREEMENTS = {f"{kind}_{name}" for name in RECOVERED for kind in AGREEMENT}
"""Measures that compare a learned with a true quantity; they have a table of their own."""


def _decimal(label: str, help_text: str) -> Any:
    return st.column_config.NumberColumn(label, help=help_text, format="%.3f")


SKILLS = {
    "skill": st.column_config.TextColumn("Skill", help="Its label in the data."),
    "interactions": st.column_config.NumberColumn(
        "Interactions", help="Training and validation interactions that practise it.", format="localized"
    ),
    "effective_rate": _decimal(
        "Effective rate",
        "How fast the skill is learned: slope × mean velocity × mean of the gains after correct and incorrect"
        " responses.",
    ),
    "true_rate": _decimal("True rate", "The effective rate that the simulation used."),
    "mean_gain": _decimal("Mean gain", "Mean practised gain, between 0 and 1."),
    "m_sat": _decimal("M_sat", "Ceiling of mastery."),
    "beta": _decimal("beta", "Slope of the learning curve."),
    "threshold": _decimal("theta", "Mastery at which a correct response is as likely as an incorrect one."),
    "offset": _decimal("Offset", "Shifts the learning curve: the larger, the more practice it takes."),
}


def fitting(rows: int, most: int = 10_000) -> int:
    """Pixels of a table with a header and so many rows, at most `most`."""
    return min(_ROW * (rows + 1) + 3, most)


def show(
    table: pd.DataFrame,
    most: int = 10_000,
    widths: Mapping[str, int] | None = None,
    helps: Mapping[str, str] | None = None,
) -> None:
    """Draw a table: numbers with four digits, missing values as a dash, the whole heading on hover where it is cut."""
    widths, helps = widths or {}, helps or {}
    columns: dict[str, Any] = {}
    for name in table.columns:
        width = widths.get(name)
        if pd.api.types.is_float_dtype(table[name]):
            help_text = helps.get(name, name)
            columns[name] = st.column_config.NumberColumn(name, format="%.4g", width=width, help=help_text)
        else:
            columns[name] = st.column_config.Column(name, width=width, help=helps.get(name))
    st.dataframe(table, hide_index=True, placeholder="–", column_config=columns, height=fitting(len(table), most))


def short_column(measure: Measure) -> Any:
    """A narrow column of a measure on test students."""
    return _decimal(measure.short or measure.label, f"{measure.label}, test students. {measure.help}")


def by_split(metrics: pd.DataFrame) -> pd.DataFrame:
    """The final metrics of one run: a row per measure, a column per split of students, and what it is."""
    of_students = metrics[~metrics["split"].isin(_OTHER)]
    recorded = list(dict.fromkeys(of_students["split"]))
    ordered = [*(split for split in _SPLITS if split in recorded), *(s for s in recorded if s not in _SPLITS)]
    return _described(of_students.pivot(index="name", columns="split", values="value")[ordered].rename(columns=_SPLITS))


def whole_run(metrics: pd.DataFrame, split: str = "run") -> pd.DataFrame:
    """Measures of the whole run, or (split `recovery`) single ones of the recovery, with what they are."""
    values = metrics[(metrics["split"] == split) & ~metrics["name"].isin(AGREEMENTS)].set_index("name")["value"]
    return _described(values.to_frame("Value"))


def agreement(metrics: pd.DataFrame) -> pd.DataFrame:
    """Learned against true: a row per quantity, a column per statistic."""
    values = metrics[metrics["split"] == "recovery"].set_index("name")["value"]
    rows = {
        quantity.capitalize() if quantity.islower() else quantity: {
            label: values.get(f"{kind}_{name}") for kind, (label, _, _) in AGREEMENT.items()
        }
        for name, quantity in RECOVERED.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").astype(float).dropna(how="all")
    return table.rename_axis("Quantity").reset_index()


def _described(values: pd.DataFrame) -> pd.DataFrame:
    """Numbers by measure, in the registry's order, between the measure's label and what it is."""
    ordered = measures(values.index)
    table = values.astype(float).loc[[measure.name for measure in ordered]].reset_index(drop=True)
    table.columns.name = None
    table.insert(0, "Measure", [measure.label for measure in ordered])
    if any(measure.better for measure in ordered):
        table["Better"] = [measure.better for measure in ordered]
    return table.assign(**{"What it is": [measure.help for measure in ordered]})


def settings(run: Run) -> pd.DataFrame:
    """The run's whole configuration, a row per setting."""
    rows = [(words.setting(name), number(value) or "–", name) for name, value in stated(run).items()]
    return pd.DataFrame(rows, columns=["Setting", "Value", "Name in --set"])


def surroundings(run: Run, more: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Data, device and versions of a run, a row per fact, after what more is known of it."""
    facts = {
        **(more or {}),
        **run.data,
        "device": run.device,
        "trained parameters": run.parameters,
        "versions": run.versions,
    }
    return pd.DataFrame(list(_rows(facts)), columns=["What", "Value"])


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
        return f"{words.setting(str(event.field))}: {json_value(event.old)} → {json_value(event.new)}"
    if event.kind == "checkpointed":
        auc = json.loads(event.text or "{}").get("auc")
        return f"best so far of {event.field}, validation AUC {number(auc)}"
    return str(event.text or event.field or "")


def _rows(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        title = f"{before} {name}".strip().replace("_", " ")
        title = title[:1].upper() + title[1:]
        if isinstance(value, Mapping):
            yield from _rows(value, title)
        elif isinstance(value, list):
            yield title, "; ".join(map(str, value)) or "–"
        else:
            yield title, number(value) or "–"


def download(table: pd.DataFrame, name: str, key: str) -> None:
    """A button for the whole table as a CSV file whose cells no spreadsheet takes for formulas."""
    stem = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    st.download_button(
        "Download as CSV",
        lambda: safe_csv(table),
        f"{stem.strip('-')[:80] or 'table'}.csv",
        "text/csv",
        key=f"download.{key}",
        icon=":material/download:",
        on_click="ignore",
    )
