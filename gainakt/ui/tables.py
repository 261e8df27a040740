"""The pages' tables: what the store holds, labelled by the registry of measures and by the settings."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from gainakt.config import Config, fields, flatten, flatten_stored
from gainakt.datasets.describe import safe_csv
from gainakt.measures.registry import AGREEMENT, MEASURES, RECOVERED, Measure
from gainakt.store import Run
from gainakt.ui import words
from gainakt.ui.text import json_value, number

_ROW = 35
_SPLITS = {"train": "Training", "validation": "Validation", "test": "Test"}
_OTHER = ("run", "recovery")  # what the store keeps beside the splits of students
_NEWER = "Recorded by another version of the workbench."
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


def measures(names: Iterable[str]) -> list[Measure]:
    """The measures of these names in the registry's order, then those that it does not know, by their raw names."""
    recorded = dict.fromkeys(names)
    unknown = (Measure(name, name, _NEWER) for name in recorded if name not in MEASURES)
    return [*(measure for name, measure in MEASURES.items() if name in recorded), *unknown]


def short_column(measure: Measure) -> Any:
    """A narrow column of a measure on test students."""
    return _decimal(measure.short or measure.label, f"{measure.label}, test students. {measure.help}")


def by_split(metrics: pd.DataFrame) -> pd.DataFrame:
    """The final metrics of one run: a row per measure, a column per split of students, and what it is."""
    of_students = metrics[~metrics["split"].isin(_OTHER)]
    recorded = list(dict.fromkeys(of_students["split"]))
    ordered = [*(split for split in _SPLITS if split in recorded), *(s for s in recorded if s not in _SPLITS)]
    return _described(of_students.pivot(index="name", columns="split", values="value")[ordered].rename(columns=_SPLITS))


def by_run(metrics: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """The test metrics of several runs: a row per measure, a column per run (run id -> label), and which is better."""
    of_test = metrics[metrics["split"] == "test"]
    table = _described(
        of_test.pivot(index="name", columns="run_id", values="value")
        .reindex(columns=list(labels))
        .rename(columns=labels)
    )
    return table.drop(columns="What it is")


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


def stated(run: Run) -> dict[str, Any]:
    """Dotted name -> value of a run's settings, with the defaults of those that are newer than the run.

    As they were recorded, of a published record or a yardstick and where another version knew settings that this one
    does not.
    """
    if not (run.published or run.yardstick):
        with suppress(ValidationError):
            return flatten(Config.model_validate(run.config))
    return flatten_stored(run.config)


def settings(run: Run) -> pd.DataFrame:
    """The run's whole configuration, a row per setting."""
    rows = [(words.setting(name), number(value) or "–", name) for name, value in stated(run).items()]
    return pd.DataFrame(rows, columns=["Setting", "Value", "Name in --set"])


def differing(runs: Mapping[str, Run]) -> pd.DataFrame:
    """The settings in which runs (label -> run) differ: a row per setting, a column per run."""
    values = pd.DataFrame({label: {n: str(v) for n, v in stated(run).items()} for label, run in runs.items()})
    values = values.replace("", "–").fillna("–")
    differ = values[values.nunique(axis=1) > 1]
    specs = fields()
    ordered = [*(n for n in specs if n in differ.index), *(n for n in differ.index if n not in specs)]
    differ = differ.loc[ordered]
    differ.insert(0, "Setting", [words.setting(name) for name in ordered])
    return differ


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
