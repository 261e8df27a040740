"""The whole content of a comparison as tables and sentences, for the command line and for what is exported."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gainakt.analysis.compare import chance, measures, skills, why
from gainakt.analysis.compare.compared import Compared
from gainakt.analysis.compare.predictions import ENCODERS
from gainakt.analysis.compare.settings import Table, label, settings, surroundings
from gainakt.measures.registry import named, shown_in

OVER_SEEDS = (*shown_in("runs"), "rate_cv")
"""Measures of which the means over seeds are compared."""


def tables(comparison: Compared) -> dict[str, pd.DataFrame]:
    """Every table of a comparison by its title, in the order in which they are read; empty ones are left out."""
    found = {
        "Settings that differ": _by_run(settings(comparison.runs), "setting"),
        "Data, code and versions that differ": _by_run(surroundings(comparison.runs), "what"),
        "Measures": _measures(comparison),
        "Best and last epoch, validation students": measures.courses(comparison),
        "Verdict": _verdicts(comparison),
    }
    for encoder, name in ENCODERS.items():
        found[f"{name} minus the baseline, paired bootstrap over test students"] = chance.pairs(comparison, encoder)[0]
    if comparison.has_seeds:
        found["Means over seeds"] = pd.concat(
            [chance.seeds(comparison, name).assign(measure=name) for name in OVER_SEEDS], ignore_index=True
        ).dropna(subset="mean")
    found["Rank correlation of the skills' effective rates with the baseline's"] = _skills(comparison)
    return {title: table for title, table in found.items() if len(table)}


def as_json(comparison: Compared) -> dict[str, Any]:
    """The content as plain values: `runs`, `baseline`, `why` (run id -> parts), `tables`, and what is `missing`."""
    missing = {run_id: comparison.pair(run_id).missing for run_id in comparison.others}
    return {
        "runs": {run_id: run.name for run_id, run in comparison.runs.items()},
        "baseline": comparison.baseline,
        "why": {
            run_id: {part.title: part.sentences for part in why.answer(comparison, run_id)}
            for run_id in comparison.others
        },
        "tables": tables(comparison),
        "missing": {run_id: text for run_id, text in missing.items() if text},
    }


def _by_run(table: Table, heading: str) -> pd.DataFrame:
    rows = [{heading: name, "label": label(name), **row} for name, row in table.items()]
    return pd.DataFrame(rows).astype(object).where(lambda frame: frame.notna(), None) if rows else pd.DataFrame()


def _measures(comparison: Compared) -> pd.DataFrame:
    """A row per measure: its value in each run, then its difference to the baseline in each other run."""
    table = measures.values(comparison)
    change = measures.differences(table, comparison.baseline).add_prefix("difference ")
    about = named(table.index)
    front = pd.DataFrame({"measure": table.index, "label": [one.label for one in about]}, index=table.index)
    better = pd.Series([one.better for one in about], table.index, name="better")
    return pd.concat([front, table, change, better], axis=1).reset_index(drop=True)


def _verdicts(comparison: Compared) -> pd.DataFrame:
    rows: list[Mapping[str, Any]] = [
        {"run_id": run_id, "standing": verdict.standing, "criteria_passed": verdict.passed}
        | {name: finding.status for name, finding in verdict.questions.items()}
        for run_id, verdict in comparison.verdicts.items()
    ]
    return pd.DataFrame(rows)


def _skills(comparison: Compared) -> pd.DataFrame:
    rows = []
    for run_id in comparison.others:
        found = skills.rates(comparison, run_id)
        if len(found.table):
            top = found.table.iloc[0]
            rows.append(
                {"run_id": run_id, "skills": len(found.table), "correlation": found.correlation}
                | {"moved_most": top["skill"], "from": top["a"], "to": top["b"]}
            )
    return pd.DataFrame(rows)
