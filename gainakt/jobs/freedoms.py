"""Accuracy against interpretability: Encoder 2 from gains alone, one freedom after the other, up to Encoder 1.

Every point is an ordinary run on the data, with a second one on simulated students where recovery is measured.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gainakt.config import Config, DataConfig, changed, flatten
from gainakt.config.presets import preset
from gainakt.jobs.study import done, trained
from gainakt.store import Run, Store
from gainakt.store.facts import results_of
from gainakt.verdict.progress import Progress

PREFIX = "freedom"
BASE = "corrected"
SIMULATED = "heterogeneous-truth"
FREEDOMS: dict[str, dict[str, Any]] = {
    "gains alone": {
        "model.level": "none",
        "model.gain_head": "skill_response",
        "model.accumulation": "practised",
        "model.threshold": "global",
        "model.offset": "global",
        "weights.fit": 0.0,
    },
    "threshold and offset per skill": {"model.threshold": "per_skill", "model.offset": "per_skill"},
    "transfer between skills": {"model.accumulation": "transfer"},
    "level of the student": {"model.level": "student"},
    "level on each skill": {"model.level": "student_skill"},
    "context in the gains": {"model.gain_head": "additive"},
}
"""What each point adds to the one before it."""
COLUMNS = ["point", "run_id", "auc", "log_loss", "added", "simulated_id", "spearman", "ratio", "seconds"]


@dataclass(frozen=True)
class Point:
    """Encoder 2 with the first freedoms, on some data; `number` counts from 0."""

    number: int
    data: Config
    preset: str = BASE

    @property
    def label(self) -> str:
        """What it adds to the one before it."""
        return list(FREEDOMS)[self.number]

    @property
    def name(self) -> str:
        """The run's name."""
        where = Path(self.data.data.path).stem or self.data.data.simulate
        return f"{PREFIX} {self.number}, {self.label}: {where}"

    @property
    def config(self) -> Config:
        """The run's configuration: the preset's, the data's and the split's, and all freedoms up to here."""
        of_data = {name: value for name, value in flatten(self.data).items() if name.startswith("data.")}
        for name in ("training.fold", "training.seed"):
            of_data[name] = flatten(self.data)[name]
        for changes in list(FREEDOMS.values())[: self.number + 1]:
            of_data |= changes
        return changed(preset(self.preset), of_data)


def _planned(data: Config) -> list[tuple[Point, Point]]:
    """Of each point the run on the data and the one on simulated students."""
    seed = data.training.seed
    simulated = changed(Config(data=DataConfig(simulate=SIMULATED)), {"training.seed": seed, "data.seed": seed})
    return [(Point(number, data), Point(number, simulated)) for number in range(len(FREEDOMS))]


def carry_out(data: Config, root: Path, progress: Progress) -> pd.DataFrame:
    """Train every point that is missing below `root`, the data and split of `data`; returns `table`.

    `progress` may raise Cancelled. Raises RunFailed when a run fails or is stopped by a user; it can be started again.
    """
    points = [point for pair in _planned(data) for point in pair]
    with Store.open(":memory:", runs=root) as store:
        store.take_in()
        finished = _finished(store)
        for number, point in enumerate(points):

            def of_point(share: float, says: str, number: int = number, point: Point = point) -> None:
                progress((number + share) / len(points), f"{number + 1} of {len(points)}: {point.name}: {says}")

            of_point(0.0, "training")
            if done(finished, point) is None:
                trained(store, point, root, of_point)
        return table(store, data)


def _finished(store: Store) -> list[Run]:
    return store.finished_runs_named(f"{PREFIX} ")[::-1]


def table(store: Store, data: Config) -> pd.DataFrame:
    """A row per finished point: test AUC and log-loss on the data, recovery on simulated students, seconds.

    The last row is Encoder 1 of the last point's run. `added` is the AUC above the point before. `spearman` is of the
    learned with the true rates, `ratio` the learned gain after correct over that after incorrect responses.
    """
    finished = _finished(store)
    rows: list[dict[str, Any]] = []
    for point, simulated in _planned(data):
        run, other = done(finished, point), done(finished, simulated)
        if run is None:
            continue
        results = results_of(store, [run.run_id, *([other.run_id] if other else [])])
        test, truth = results[run.run_id].get("test", {}), results.get(other.run_id, {}) if other else {}
        row = {"point": point.label, "run_id": run.run_id, "auc": test.get("encoder2_auc"), "log_loss": test.get("im"),
               "simulated_id": other.run_id if other else None, "seconds": run.seconds,
               "spearman": truth.get("recovery", {}).get("spearman_effective_rate"),
               "ratio": truth.get("test", {}).get("response_gain_ratio")}  # fmt: skip
        rows.append(row)
        if point.number == len(FREEDOMS) - 1:
            rows.append({"point": "Encoder 1", "run_id": run.run_id, "auc": test.get("encoder1_auc"),
                         "log_loss": test.get("bce"), "seconds": run.seconds})  # fmt: skip
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("auc", "log_loss", "added", "spearman", "ratio", "seconds"):
        frame[name] = frame[name].astype(float)
    return frame.assign(added=frame["auc"].diff())
