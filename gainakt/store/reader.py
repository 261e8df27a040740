"""Reading the store: what is recorded of one run or a few."""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from gainakt.errors import InputError, quoted
from gainakt.store.cursors import bind
from gainakt.store.entities import Histogram, Run
from gainakt.store.listing import Listing
from gainakt.store.rows import ACTIVE
from gainakt.store.values import text

_RUN_COLUMNS = ", ".join(field.name for field in fields(Run))
_LAST = 2**62
"""A step after every step."""
_THINNED = """
WINDOW ordered AS (PARTITION BY run_id, name ORDER BY step), whole AS (PARTITION BY run_id, name)
QUALIFY (row_number() OVER ordered * $points) // (count(*) OVER whole)
    > ((row_number() OVER ordered - 1) * $points) // (count(*) OVER whole)
"""


class Reader(Listing):
    """The reading half of a store."""

    def run(self, run_id: str) -> Run:
        """The run with this id or the only one whose id starts so; raises InputError otherwise."""
        run_id = str(text(run_id))  # a terminal's letters may be none of UTF-8
        runs = self._runs_where("run_id = $id", {"id": run_id})
        if not runs and run_id:
            runs = self._runs_where("starts_with(run_id, $id)", {"id": run_id})
        if len(runs) == 1:
            return runs[0]
        if runs:
            ids = ", ".join(run.run_id for run in runs[:5])
            raise InputError(f"run id {run_id!r} is ambiguous: {ids}; give more of it")
        raise InputError(f"there is no run {quoted(run_id)} here; `python -m gainakt runs` lists the runs")

    def runs_by_id(self, run_ids: Sequence[str]) -> list[Run]:
        """The runs with these ids that are there, in this order."""
        values: dict[str, Any] = {}
        found = {run.run_id: run for run in self._runs_where(f"run_id IN {bind(values, 'r', run_ids)}", values)}
        return [found[run_id] for run_id in run_ids if run_id in found]

    def active(self) -> list[Run]:
        """Runs that wait, train or pause, oldest first."""
        return self._runs_where(f"status IN {ACTIVE}", {})

    def finished_runs_named(self, prefix: str) -> list[Run]:
        """Finished runs whose names begin so, oldest first."""
        return self._runs_where("status = 'finished' AND starts_with(name, $prefix)", {"prefix": prefix})

    def runs_on(self, fingerprint: str) -> list[Run]:
        """Runs on the data with this fingerprint, oldest first."""
        return self._runs_where("data_fingerprint = $fingerprint", {"fingerprint": fingerprint})

    def kin(self, run_id: str) -> list[Run]:
        """Runs that were made from this one: its branches, replays and twins, oldest first."""
        names = ("parent", "replay", "twin")
        where = " OR ".join(f"json_extract_string(lineage, '$.{name}') = $id" for name in names)
        return self._runs_where(f"lineage IS NOT NULL AND ({where})", {"id": run_id})

    def trials(self, sweep: str) -> list[Run]:
        """The runs of a sweep, oldest first."""
        return self._runs_where("json_extract_string(lineage, '$.sweep') = $sweep", {"sweep": sweep})

    def same_config(self, config: str, any_seed: bool = False) -> list[Run]:
        """Runs that began with exactly this configuration, given as the store keeps it, oldest first.

        With `any_seed` also those that differ from it in training.seed alone.
        """
        if not any_seed:
            return self._runs_where("config = $config", {"config": config})
        seedless = """json_merge_patch({}, '{{"training":{{"seed":null}}}}')"""
        where = f"config IS NOT NULL AND {seedless.format('config')} = {seedless.format('$config::VARCHAR')}"
        return self._runs_where(where, {"config": config})

    def names(self, run_id: str, after: int = -1) -> list[str]:
        """Names of the run's series that have values after a step, sorted."""
        query = "SELECT DISTINCT name FROM series WHERE run_id = $id AND step > $after ORDER BY name"
        return [str(name) for (name,) in self._rows(query, {"id": run_id, "after": after})]

    def series(
        self, run_ids: Sequence[str], names: Sequence[str], after: int = -1, points: int | None = None
    ) -> pd.DataFrame:
        """Recorded values as columns run_id, name, step, epoch, time, value, ordered by step within run and name.

        Only rows with step > `after`; with `points`, at most that many per run and name, evenly, the last always kept.
        """
        values: dict[str, Any] = {"after": after} if points is None else {"after": after, "points": max(points, 1)}
        where = f"run_id IN {bind(values, 'r', run_ids)} AND name IN {bind(values, 'n', names)} AND step > $after"
        return self._frame(
            f"SELECT run_id, name, step, epoch, time, value FROM series WHERE {where}"
            f" {_THINNED if points is not None else ''} ORDER BY run_id, name, step",
            values,
        )

    def events(self, run_id: str, after_seq: int = -1) -> pd.DataFrame:
        """Events of a run as columns seq, time, step, epoch, kind, field, old, new, who, text; old and new are JSON."""
        return self._frame(
            "SELECT seq, time, step, epoch, kind, field, old, new, who, text FROM events"
            " WHERE run_id = $id AND seq > $after ORDER BY seq",
            {"id": run_id, "after": after_seq},
        )

    def rows_taken(self, run_id: str) -> int:
        """How many journal rows of the run the store has taken in: the same number means nothing new."""
        rows = self._rows("SELECT rows_taken FROM runs WHERE run_id = $id", {"id": run_id})
        return int(rows[0][0] or 0) if rows else 0

    def began(self, run_id: str) -> tuple[float, int] | None:
        """When (unix seconds) the run last began to train and the step it went on from; None before it did."""
        rows = self._rows(
            "SELECT time, coalesce(step, 0) FROM events WHERE run_id = $id AND kind IN ('started', 'resumed')"
            " AND time IS NOT NULL ORDER BY seq DESC LIMIT 1",
            {"id": run_id},
        )
        return (float(rows[0][0]), int(rows[0][1])) if rows else None

    def latest_histogram(
        self, run_id: str, split: str, skill: int | None = None, at: int | None = None
    ) -> Histogram | None:
        """The newest gain histogram of a split, overall or of the skill with this index; None when there is none.

        With `at`, the newest of that step or before.
        """
        rows = self._rows(
            "SELECT run_id, split, step, epoch, skill, counts FROM histograms WHERE run_id = $id AND split = $split"
            " AND skill IS NOT DISTINCT FROM $skill::BIGINT AND step <= $at ORDER BY step DESC LIMIT 1",
            {"id": run_id, "split": split, "skill": skill, "at": _LAST if at is None else at},
        )
        if not rows:
            return None
        run, part, step, epoch, index, counts = rows[0]
        return Histogram(run, part, step, epoch, index, tuple(counts))

    def histograms(self, run_id: str, split: str, after: int = -1, points: int | None = None) -> pd.DataFrame:
        """Overall gain histograms over time, as columns step, epoch, counts (an array per row); step > `after`.

        With `points`, at most that many, evenly, the last always kept.
        """
        values: dict[str, Any] = {"id": run_id, "split": split, "after": after}
        thinned = "" if points is None else _THINNED.replace("run_id, name", "run_id")
        return self._frame(
            "SELECT step, epoch, counts FROM histograms WHERE run_id = $id AND split = $split AND skill IS NULL"
            f" AND step > $after {thinned} ORDER BY step",
            values if points is None else values | {"points": max(points, 1)},
        )

    def skill_histograms(self, run_id: str, split: str, after: int = -1, at: int | None = None) -> pd.DataFrame:
        """The newest gain histogram of each skill, as columns skill (index), label, step, epoch, counts.

        Only of steps > `after`, and with `at` of that step or before.
        """
        frame = self._frame(
            "WITH newest AS (SELECT skill, max(step) AS step FROM histograms WHERE run_id = $id AND split = $split"
            " AND skill IS NOT NULL AND step > $after AND step <= $at GROUP BY skill)"
            " SELECT h.skill, h.step, h.epoch, h.counts FROM histograms h"
            " JOIN newest ON h.skill = newest.skill AND h.step = newest.step"
            " WHERE h.run_id = $id AND h.split = $split AND h.step > $after ORDER BY h.skill",
            {"id": run_id, "split": split, "after": after, "at": _LAST if at is None else at},
        )
        labels = self.skill_labels(run_id)
        named = [labels[skill] if 0 <= skill < len(labels) else str(skill) for skill in frame["skill"]]
        frame.insert(1, "label", named)
        return frame

    def skill_labels(self, run_id: str) -> list[str]:
        """The data's own skill labels in the model's order; empty until the run has read its data."""
        rows = self._rows("SELECT skill_labels FROM runs WHERE run_id = $id", {"id": run_id})
        return [str(label) for label in json.loads(rows[0][0])] if rows and rows[0][0] else []

    def parameters(self, run_ids: Sequence[str], after: int = -1) -> pd.DataFrame:
        """Learned parameters over time: columns run_id, name, step, epoch, mean, std, quantiles (an array per row)."""
        values: dict[str, Any] = {"after": after}
        return self._frame(
            "SELECT run_id, name, step, epoch, mean, std, quantiles FROM parameters"
            f" WHERE run_id IN {bind(values, 'r', run_ids)} AND step > $after ORDER BY run_id, name, step",
            values,
        )

    def metrics(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Final metrics as columns run_id, split, name, value."""
        values: dict[str, Any] = {}
        return self._frame(
            f"SELECT run_id, split, name, value FROM metrics WHERE run_id IN {bind(values, 'r', run_ids)}"
            " ORDER BY run_id, split, name",
            values,
        )

    def skills(self, run_id: str) -> pd.DataFrame:
        """Per skill: position, skill (label), interactions, effective_rate, mean_gain, m_sat, beta, threshold, offset.

        What newer versions report besides follows as further columns.
        """
        frame = self._frame(
            'SELECT position, skill, interactions, effective_rate, mean_gain, m_sat, beta, threshold, "offset", extra'
            " FROM skills WHERE run_id = $id ORDER BY position",
            {"id": run_id},
        )
        extra = frame.pop("extra")
        if extra.isna().all():
            return frame
        more = pd.DataFrame([json.loads(text) if isinstance(text, str) else {} for text in extra], index=frame.index)
        return pd.concat([frame, more[[name for name in more.columns if name not in frame.columns]]], axis=1)

    def datasets(self) -> pd.DataFrame:
        """Data sets of runs: columns fingerprint, name, source, first_seen (unix seconds), summary (JSON)."""
        return self._frame("SELECT * FROM datasets ORDER BY first_seen", {})

    def _runs_where(self, condition: str, values: dict[str, Any]) -> list[Run]:
        query = f"SELECT {_RUN_COLUMNS} FROM runs WHERE {condition} ORDER BY created, run_id"
        names = _RUN_COLUMNS.split(", ")
        return [Run.from_row(dict(zip(names, row, strict=True))) for row in self._rows(query, values)]
