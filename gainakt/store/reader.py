"""Reading the store: each call has its own cursor, so any thread may call; every value is bound."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import pandas as pd

from gainakt.errors import InputError, StoreDamaged
from gainakt.measures.registry import shown_in
from gainakt.store.damage import in_plain_words
from gainakt.store.entities import PUBLISHED, Histogram, Run
from gainakt.store.rows import ACTIVE

BURST = 2.0
"""Seconds within which changes of one setting by one person are one move, counted and marked where it came to rest."""
_RUN_COLUMNS = ", ".join(field.name for field in fields(Run))
_LAST = 2**62
"""A step after every step."""
_STEERED = "kind = 'changed' AND who IS DISTINCT FROM 'schedule'"
"""Of an event: that somebody changed a setting, and not the run's own schedule (`config.SCHEDULE`)."""
_SHOWN_METRICS = tuple(shown_in("runs"))

_RUNS = f"""
SELECT r.run_id, r.name, r.preset, r.status, r.created, r.data_name AS data, r.epochs, r.step,
    {", ".join(f"m.{name}" for name in _SHOWN_METRICS)}, r.seconds, coalesce(c.changes, 0) AS changes
FROM runs r LEFT JOIN (
    SELECT run_id, count(*) FILTER (begins) AS changes FROM (
        SELECT run_id, coalesce((time - lag(time) OVER field > {BURST} OR who IS DISTINCT FROM lag(who) OVER field)
            AND step IS DISTINCT FROM lag(step) OVER field, true) AS begins
        FROM events WHERE {_STEERED}
        WINDOW field AS (PARTITION BY run_id, field ORDER BY seq)
    ) GROUP BY run_id
) c ON c.run_id = r.run_id LEFT JOIN (
    SELECT run_id, {", ".join(f"max(value) FILTER (name = '{name}') AS {name}" for name in _SHOWN_METRICS)}
    FROM metrics WHERE split = 'test' GROUP BY run_id
) m ON m.run_id = r.run_id
WHERE ($published::BOOLEAN IS NULL OR starts_with(r.run_id, $prefix) = $published) AND ($search = '' OR contains(
    lower(concat_ws(chr(10), r.name, r.preset, r.run_id, r.status, r.data_name)), lower($search)))
ORDER BY r.created DESC, r.run_id DESC
"""

_THINNED = """
WINDOW ordered AS (PARTITION BY run_id, name ORDER BY step), whole AS (PARTITION BY run_id, name)
QUALIFY (row_number() OVER ordered * $points) // (count(*) OVER whole)
    > ((row_number() OVER ordered - 1) * $points) // (count(*) OVER whole)
"""


class Reader:
    """The reading half of a store."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None = None) -> None:
        self._connection = connection
        self._cursors = Lock()
        self.path = path
        self.damage: StoreDamaged | None = None
        """What was found when the file could not be read, or written, as it should be."""
        self.on_damage: Callable[[StoreDamaged], object] = lambda _: None
        """Called once, by whoever finds it."""

    def runs(self, search: str = "", published: bool | None = False) -> pd.DataFrame:
        """All runs, or all published records, or (None) both, newest first, with their test metrics, for a table.

        Columns: run_id, name, preset, status, created (unix seconds), data, epochs, step, encoder1_auc, encoder2_auc,
        gain_std, skill_gain_cv, response_gain_ratio, mastery_correlation, seconds, changes (times that it was steered,
        a burst counting once). `search` is looked for, whatever
        its case, in name, preset, id, status and data.
        """
        return self._frame(_RUNS, {"search": search.strip(), "prefix": PUBLISHED, "published": published})

    def run(self, run_id: str) -> Run:
        """The run with this id or the only one whose id starts so; raises InputError otherwise."""
        runs = self._runs_where("run_id = $id", {"id": run_id})
        if not runs and run_id:
            runs = self._runs_where("starts_with(run_id, $id)", {"id": run_id})
        if len(runs) == 1:
            return runs[0]
        if runs:
            ids = ", ".join(run.run_id for run in runs[:5])
            raise InputError(f"run id {run_id!r} is ambiguous: {ids}; give more of it")
        raise InputError(f"there is no run {run_id!r} here; `python -m gainakt runs` lists the runs")

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

    def same_config(self, config: str, any_seed: bool = False) -> list[Run]:
        """Runs that began with exactly this configuration, given as the store keeps it, oldest first.

        With `any_seed` also those that differ from it in training.seed alone.
        """
        if not any_seed:
            return self._runs_where("config = $config", {"config": config})
        seedless = """json_merge_patch({}, '{{"training":{{"seed":null}}}}')"""
        where = f"config IS NOT NULL AND {seedless.format('config')} = {seedless.format('$config::VARCHAR')}"
        return self._runs_where(where, {"config": config})

    def origins(self) -> dict[str, tuple[dict[str, Any], bool]]:
        """Lineage, and whether it was steered, of every run that has one or was."""
        rows = self._rows(
            "SELECT r.run_id, r.lineage, e.run_id IS NOT NULL FROM runs r LEFT JOIN (SELECT DISTINCT run_id FROM events"
            f" WHERE {_STEERED}) e ON e.run_id = r.run_id"
            " WHERE r.lineage IS NOT NULL OR e.run_id IS NOT NULL",
            {},
        )
        return {run_id: (json.loads(lineage) if lineage else {}, steered) for run_id, lineage, steered in rows}

    def journal_rows(self, run_ids: Sequence[str], kind: str) -> list[dict[str, Any]]:
        """Journal rows of a kind that the store keeps whole, such as `tested`, with their run_id, oldest first."""
        values: dict[str, Any] = {"kind": kind}
        query = f"SELECT run_id, text FROM events WHERE kind = $kind AND run_id IN {_bind(values, 'r', run_ids)}"
        rows = [{**json.loads(text), "run_id": run_id} for run_id, text in self._rows(query, values)]
        return sorted(rows, key=lambda row: float(row.get("time") or 0.0))

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
        where = f"run_id IN {_bind(values, 'r', run_ids)} AND name IN {_bind(values, 'n', names)} AND step > $after"
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
            f" WHERE run_id IN {_bind(values, 'r', run_ids)} AND step > $after ORDER BY run_id, name, step",
            values,
        )

    def metrics(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Final metrics as columns run_id, split, name, value."""
        values: dict[str, Any] = {}
        return self._frame(
            f"SELECT run_id, split, name, value FROM metrics WHERE run_id IN {_bind(values, 'r', run_ids)}"
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

    def _frame(self, query: str, values: dict[str, Any]) -> pd.DataFrame:
        with self._cursor() as cursor:
            frame: pd.DataFrame = cursor.execute(query, values).df()
            return frame

    def _rows(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(query, values).fetchall()
            return rows

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Remember damage to the file, and raise what `damage.said` makes of an error."""
        try:
            with in_plain_words(self.path):
                yield
        except StoreDamaged as error:
            found, self.damage = self.damage is None, error
            if found:
                self.on_damage(error)
            raise

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._in_plain_words():
            with self._cursors:
                cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()


def _bind(values: dict[str, Any], prefix: str, items: Sequence[str]) -> str:
    """Add the items to the bound values; the text of an IN list that names them."""
    given = [items] if isinstance(items, str) else list(items)
    values.update({f"{prefix}{place}": item for place, item in enumerate(given)})
    return "(" + (", ".join(f"${prefix}{place}" for place in range(len(given))) or "NULL") + ")"
