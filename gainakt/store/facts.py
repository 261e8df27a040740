"""Everything saved of one run, read once for the verdict, the diagnosis and the report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from gainakt.measures import Values
from gainakt.store import Run, Store

POINTS = 2000
"""Most points that are read of a series."""
TESTED = "tested"
"""Kind of the journal rows in which tests of differentiation record what they found."""
Results = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Facts:
    """One run with its final measures (split -> name -> value), series, parameters and skills.

    `gains` counts the practised gains of the validation students in equal bins of (0, 1), None if not recorded.
    `tested` are the test results on the run's data, oldest first (`tests_of`). `steered` has the settings that changed
    while it trained, as they stood in the epoch that Encoder 2 was kept from.
    """

    run: Run
    results: Results
    series: pd.DataFrame
    parameters: pd.DataFrame
    skills: pd.DataFrame
    gains: tuple[int, ...] | None
    tested: list[dict[str, Any]]
    steered: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def test(self) -> Values:
        """Measures of the test students; where there are none, those of the validation students."""
        return self.results.get("test") or self.results.get("validation") or {}

    @property
    def split(self) -> str:
        """Which students `test` is about, in words."""
        return "test students" if self.results.get("test") or not self.results else "validation students"

    def curve(self, name: str) -> pd.DataFrame:
        """One series as columns step, epoch, value; missing values are dropped."""
        rows = self.series[self.series["name"] == name]
        return rows[["step", "epoch", "value"]].dropna(subset=["value"])

    def parameter(self, name: str) -> pd.DataFrame:
        """One learned parameter over epochs as columns epoch, mean, std, quantiles."""
        return self.parameters[self.parameters["name"] == name].sort_values("epoch")


def gather(store: Store, run_id: str) -> Facts:
    """Read everything saved of a run; raises InputError when there is no such run."""
    run = store.run(run_id)
    histogram = store.latest_histogram(run.run_id, "validation")
    return Facts(
        run=run,
        results=results_of(store, [run.run_id]).get(run.run_id, {}),
        series=store.series([run.run_id], store.names(run.run_id), points=POINTS),
        parameters=store.parameters([run.run_id]),
        skills=store.skills(run.run_id),
        gains=None if histogram is None else histogram.counts,
        tested=tests_of(store, run),
        steered=_steered(store, run),
    )


def _steered(store: Store, run: Run) -> dict[str, Any]:
    events = store.events(run.run_id)
    changes = events[events["kind"] == "changed"]
    if run.best_encoder2 is not None:
        changes = changes[changes["epoch"] <= run.best_encoder2]
    return {str(row.field): json.loads(row.new) for row in changes.itertuples()}


def results_of(store: Store, run_ids: Sequence[str]) -> dict[str, Results]:
    """Run -> split -> measure -> value."""
    results: dict[str, Results] = {}
    for row in store.metrics(run_ids).itertuples():
        value = None if pd.isna(row.value) else float(row.value)
        results.setdefault(row.run_id, {}).setdefault(row.split, {})[row.name] = value
    return results


def tests_of(store: Store, run: Run) -> list[dict[str, Any]]:
    """Results of all tests on this run's data, whichever run they were started for, oldest first."""
    on_same_data = store.runs_on(run.data_fingerprint) if run.data_fingerprint else [run]
    return store.journal_rows([other.run_id for other in on_same_data], TESTED)
