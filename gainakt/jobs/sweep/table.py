"""What has come of a sweep, from the store: a row per trial, how far it is, and how long it will take."""

import time
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gainakt.config import Config, flatten
from gainakt.jobs.sweep.space import Space, Values, identity
from gainakt.measures.registry import shown_in
from gainakt.store import Run, Store
from gainakt.store.facts import TESTED, results_of
from gainakt.verdict.judge import verdict_on

MEASURES = tuple(shown_in("runs"))
"""Measures of the test students in the table."""
ENDED = ("finished", "stopped")
VERDICT = ("skills", "response", "differentiated")


def table(store: Store, name: str, space: Space) -> pd.DataFrame:
    """One row per trial: those of the plan that are known, whether they have a run or not (`status` is then planned).

    Columns: run_id, what is varied, seed, status, epoch, epochs, the measures of the test students, objective (what
    Optuna moves, of the validation students), seconds, ended (unix seconds), skills, response (pass, noise, untested),
    differentiated (differentiated, noise, untested).
    """
    runs = _newest(store, name)
    every = [] if space.search == "optuna" else space.every
    planned = {trial.identity: trial for trials in every for trial in trials}
    missing = [trial for found, trial in planned.items() if found not in runs]
    in_plan = {found: run for found, run in runs.items() if found in planned or not planned}
    results = results_of(store, [run.run_id for run in in_plan.values()])
    tested = store.journal_rows([run.run_id for run in in_plan.values()], TESTED)
    data = {run.run_id: run.data_fingerprint for run in in_plan.values()}
    rows = []
    for run in in_plan.values():
        on_data = [row for row in tested if data[row["run_id"]] == run.data_fingerprint]
        rows.append(_row(run, space, results.get(run.run_id, {}), on_data))
    rows += [{**trial.values, "seed": trial.config.training.seed, "status": "planned"} for trial in missing]
    numbers = ("epoch", "epochs", *MEASURES, "objective", "seconds", "ended")
    columns = ["run_id", *space.varied, "seed", "status", *numbers, *VERDICT]
    frame = pd.DataFrame(rows, columns=columns)
    for column in numbers:
        frame[column] = pd.to_numeric(frame[column])
    return frame


def _newest(store: Store, name: str) -> dict[str, Run]:
    """Identity -> the newest run of it; runs of other versions are left out."""
    found = {}
    for run in store.trials(name):
        try:
            found[identity(Config.model_validate(run.config))] = run
        except ValueError:
            continue
    return found


def _row(run: Run, space: Space, results: dict[str, dict[str, float | None]], tested: list[dict[str, Any]]) -> Values:
    settings = flatten(Config.model_validate(run.config)) | {"preset": run.preset}
    verdict = verdict_on(run, tested)
    own = run.run_id in {row["run_id"] for row in tested}
    objective = (results.get(of, {}).get(space.measure) for of in ("validation", "run", "recovery"))
    return {
        "run_id": run.run_id,
        **{axis: settings[axis] for axis in space.varied},
        "seed": run.seed,
        "status": run.status,
        "epoch": run.epoch,
        "epochs": run.max_epochs,
        **{measure: results.get("test", {}).get(measure) for measure in MEASURES},
        "objective": next((value for value in objective if value is not None), None),
        "seconds": run.seconds,
        "ended": run.ended,
        "skills": verdict.questions["skills_differ"].status if own else "untested",
        "response": verdict.questions["response_matters"].status if own else "untested",
        "differentiated": verdict.standing if own else "untested",
    }


@dataclass(frozen=True)
class Standing:
    """How far a sweep is: trials of `total` that have ended, that work, that broke; seconds left, None if unknown."""

    total: int
    ended: int
    active: int
    broken: int
    left: float | None

    @classmethod
    def of(cls, rows: pd.DataFrame, space: Space, since: float | None = None) -> "Standing":
        """The standing by the rows of `table`; time left by the pace since its process began (unix seconds)."""
        status, over = rows["status"], rows["status"].isin(ENDED)
        active = int(status.isin(("queued", "running")).sum())
        broken = int(status.isin(("failed", "interrupted", "paused")).sum())
        left = None
        moments = rows.loc[over & (rows["ended"] > since), "ended"] if since is not None else rows["ended"][:0]
        if since is not None and len(moments):
            pace = (float(moments.max()) - since) / len(moments)
            left = max((space.total - int(over.sum())) * pace - (time.time() - float(moments.max())), 0.0)
        return cls(space.total, int(over.sum()), active, broken, left)


def summary(rows: pd.DataFrame, space: Space) -> pd.DataFrame:
    """Means over the seeds of each point of what has ended; `differentiated` is the share of seeds that are tested."""
    done = rows[rows["status"].isin(ENDED)]
    axes = list(space.varied)
    if done.empty:
        return done[[*axes, *MEASURES]]
    grouped = done.groupby(axes, sort=False) if axes else done.groupby(lambda _: 0)
    means = grouped[list(MEASURES)].mean()
    means.insert(0, "seeds", grouped.size())
    standing = done.assign(
        share=(done["differentiated"] == "differentiated").where(done["differentiated"] != "untested")
    )
    means["differentiated"] = standing.groupby(axes, sort=False)["share"].mean() if axes else standing["share"].mean()
    return means.reset_index()[[*axes, "seeds", *MEASURES, "differentiated"]]
