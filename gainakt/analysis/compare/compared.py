"""What is compared: some runs and the one that differences are taken to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from gainakt.analysis.compare import predictions
from gainakt.analysis.compare.predictions import Pair
from gainakt.analysis.compare.settings import stated
from gainakt.errors import InputError
from gainakt.measures import Values
from gainakt.store import Run, Store
from gainakt.store.facts import TESTED, Results, results_of
from gainakt.store.several import changes_of, runs_of, skills_of, tests_on
from gainakt.verdict.criteria import Verdict
from gainakt.verdict.judge import verdict_on

SEED = "training.seed"


@dataclass(frozen=True)
class Compared:
    """Two or more runs (run id -> run, in the order given) and the baseline's id; read from `store` when asked for."""

    store: Store
    runs: dict[str, Run]
    baseline: str

    @property
    def others(self) -> list[str]:
        """The runs that are compared with the baseline."""
        return [run_id for run_id in self.runs if run_id != self.baseline]

    @cached_property
    def results(self) -> dict[str, Results]:
        """Run -> split -> measure -> value; a run that has not ended has none."""
        found = results_of(self.store, list(self.runs))
        return {run_id: found.get(run_id, {}) for run_id in self.runs}

    def test(self, run_id: str) -> Values:
        """The measures of a run's test students; of its validation students where there are none."""
        results = self.results[run_id]
        return results.get("test") or results.get("validation") or {}

    @cached_property
    def changes(self) -> pd.DataFrame:
        """What was changed while the runs trained, as the store's events with their run_id."""
        return changes_of(self.store, list(self.runs))

    @cached_property
    def skills(self) -> pd.DataFrame:
        """run_id, skill, interactions, effective_rate, mean_gain."""
        return skills_of(self.store, list(self.runs))

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """What was measured on the validation students: run_id, name (without the split), epoch from 1, value."""
        names = [f"validation.{name}" for name in _names(self.results)]
        rows = self.store.series(list(self.runs), [*names, "validation.encoder1_auc", "validation.encoder2_auc"])
        rows = rows[rows["epoch"] > 0].dropna(subset=["value"])
        rows = rows.drop_duplicates(["run_id", "name", "epoch"], keep="last")
        return rows.assign(name=rows["name"].str.removeprefix("validation."))[["run_id", "name", "epoch", "value"]]

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """Run -> verdict with the original study's targets; no criterion's target counts as above the best known."""
        prints = sorted({run.data_fingerprint for run in self.runs.values() if run.data_fingerprint})
        tested = tests_on(self.store, prints, TESTED)
        return {
            run_id: verdict_on(run, tested.get(run.data_fingerprint or "", []), self.test(run_id))
            for run_id, run in self.runs.items()
        }

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Runs that differ in the seed only, by the id of the first of them; a run alone is a group of one."""
        steered = {} if self.changes.empty else self.changes.groupby("run_id")["new"].agg("|".join).to_dict()
        by_key: dict[str, list[str]] = {}
        for run_id, run in self.runs.items():
            config = {name: value for name, value in stated(run).items() if name != SEED}
            kept = [config, run.data_fingerprint, run.published and run_id, steered.get(run_id)]
            by_key.setdefault(json.dumps(kept, sort_keys=True), []).append(run_id)
        return {members[0]: members for members in by_key.values()}

    @property
    def has_seeds(self) -> bool:
        """Whether a configuration was trained with two seeds or more."""
        return any(len({self.runs[one].seed for one in members}) > 1 for members in self.groups.values())

    def group_of(self, run_id: str) -> list[str]:
        """The runs that differ from this one in the seed only, itself among them."""
        return next(members for members in self.groups.values() if run_id in members)

    def pair(self, run_id: str, *encoders: str) -> Pair:
        """A run's predictions against the baseline's, tested; of both encoders or some."""
        wanted = encoders or tuple(predictions.ENCODERS)
        return predictions.pair(self.runs[self.baseline], self.runs[run_id], self.store.runs_root, wanted)


def compare(store: Store, run_ids: Sequence[str], baseline: str = "") -> Compared:
    """The runs with these ids, compared with `baseline` or the first; raises InputError for fewer than two."""
    runs = runs_of(store, list(dict.fromkeys(run_ids)))
    if len(runs) < 2:
        raise InputError(f"a comparison needs two runs; {len(runs)} given; `python -m gainakt runs` lists the runs")
    if baseline and baseline not in runs:
        raise InputError(f"the baseline {baseline} is not among the runs that are compared: {', '.join(runs)}")
    return Compared(store, runs, baseline or next(iter(runs)))


def _names(results: dict[str, Results]) -> list[str]:
    names = [name for of_run in results.values() for name in of_run.get("validation", {})]
    return list(dict.fromkeys(names))
