"""Everything saved of one run, read once, for the verdict, the diagnosis and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from gainakt.measures import Values
from gainakt.store import Run, Store

POINTS = 2000
"""Points of a series that are read at most."""
TESTED = "tested"
"""Kind of the journal rows that tests of differentiation add to a run later."""
Results = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Facts:
    """One run with its final metrics (split -> name -> value), series, parameters, skills and what was added later.

    `gains` counts the practised gains of the validation students in equal bins of (0, 1), None if not recorded.
    """

    run: Run
    results: Results
    series: pd.DataFrame
    parameters: pd.DataFrame
    skills: pd.DataFrame
    gains: tuple[int, ...] | None
    tested: list[dict[str, Any]]
    changes: pd.DataFrame

    @cached_property
    def test(self) -> Values:
        """Metrics of the test students; those of the validation students where none were read."""
        return self.results.get("test") or self.results.get("validation") or {}

    @property
    def split(self) -> str:
        """The students that `test` is about, in words."""
        return "test students" if self.results.get("test") or not self.results else "validation students"

    def setting(self, name: str) -> Any:
        """A setting the run started with, by its dotted name; None where it is not recorded."""
        section, _, key = name.partition(".")
        return (self.run.config.get(section) or {}).get(key)

    def curve(self, name: str) -> pd.DataFrame:
        """One series as columns step, epoch, value, without gaps."""
        points = self.series[self.series["name"] == name]
        return points[["step", "epoch", "value"]].dropna(subset=["value"])

    def parameter(self, name: str) -> pd.DataFrame:
        """One learned parameter over epochs as columns epoch, mean, std, quantiles."""
        return self.parameters[self.parameters["name"] == name].sort_values("epoch")


def gather(store: Store, run_id: str) -> Facts:
    """Everything saved of a run; raises InputError when there is no such run."""
    run = store.run(run_id)
    histogram = store.latest_histogram(run.run_id, "validation")
    events = store.events(run.run_id)
    return Facts(
        run=run,
        results=results_of(store, [run.run_id]).get(run.run_id, {}),
        series=store.series([run.run_id], store.names(run.run_id), points=POINTS),
        parameters=store.parameters([run.run_id]),
        skills=store.skills(run.run_id),
        gains=None if histogram is None else histogram.counts,
        tested=tests_of(store, run),
        changes=events[events["kind"] == "changed"],
    )


def results_of(store: Store, run_ids: Sequence[str]) -> dict[str, Results]:
    """Run -> split -> metric -> value."""
    results: dict[str, Results] = {}
    for row in store.metrics(run_ids).itertuples():
        value = None if pd.isna(row.value) else float(row.value)
        results.setdefault(row.run_id, {}).setdefault(row.split, {})[row.name] = value
    return results


def tests_of(store: Store, run: Run) -> list[dict[str, Any]]:
    """Tests that have run on this run's data, by whichever run, oldest first."""
    same = [run] if not run.data_fingerprint else store.runs_on(run.data_fingerprint)
    return store.journal_rows([one.run_id for one in same], TESTED)
