"""Reading what lists of runs show: each query is about all runs at once, none reads their series."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from gainakt.measures.registry import shown_in
from gainakt.store.cursors import Cursors, bind
from gainakt.store.entities import PUBLISHED, Named

BURST = 2.0
"""Seconds within which changes of one setting by one person are one move, counted and marked where it came to rest."""
_STEERED = "kind = 'changed' AND who IS DISTINCT FROM 'schedule'"
"""Of an event: that somebody changed a setting, and not the run's own schedule (`config.SCHEDULE`)."""
_SHOWN_METRICS = tuple(shown_in("runs"))

_RUNS = f"""
SELECT r.run_id, r.name, r.preset, r.status, r.created, r.data_name AS data, r.epochs, r.step,
    {", ".join(f"m.{name}" for name in _SHOWN_METRICS)}, r.seconds, coalesce(c.changes, 0) AS changes,
    r.epoch, r.max_epochs, r.seed, r.device, r.data_fingerprint, r.best_encoder2, r.lineage, r.tags, r.notes,
    coalesce(r.favourite, false) AS favourite, coalesce(r.archived, false) AS archived
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


class Listing(Cursors):
    """The part of a store's reading that is about all runs."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None = None) -> None:
        super().__init__(connection, path)
        self._configs: dict[str, dict[str, Any]] = {}

    def runs(self, search: str = "", published: bool | None = False) -> pd.DataFrame:
        """All runs, or all published records, or (None) both, newest first, with their test metrics, for a table.

        Columns: run_id, name, preset, status, created (unix seconds), data, epochs, step, encoder1_auc, encoder2_auc,
        gain_std, skill_gain_cv, response_gain_ratio, mastery_correlation, seconds, changes (times that it was steered,
        a burst counting once), epoch, max_epochs, seed, device, data_fingerprint, best_encoder2, lineage (JSON), tags
        (JSON), notes, favourite, archived. `search` is looked for, whatever its case, in name, preset, id, status and
        data.
        """
        return self._frame(_RUNS, {"search": search.strip(), "prefix": PUBLISHED, "published": published})

    def named(self) -> list[Named]:
        """Every run and published record by name, newest first and the archived ones last."""
        order = "coalesce(archived, false), created DESC, run_id DESC"
        return [Named(*row) for row in self._rows(f"SELECT run_id, name, created FROM runs ORDER BY {order}", {})]

    def origins(self) -> dict[str, tuple[dict[str, Any], bool]]:
        """Lineage, and whether it was steered, of every run that has one or was."""
        rows = self._rows(
            "SELECT r.run_id, r.lineage, e.run_id IS NOT NULL FROM runs r LEFT JOIN (SELECT DISTINCT run_id FROM events"
            f" WHERE {_STEERED}) e ON e.run_id = r.run_id"
            " WHERE r.lineage IS NOT NULL OR e.run_id IS NOT NULL",
            {},
        )
        return {run_id: (json.loads(lineage) if lineage else {}, steered) for run_id, lineage, steered in rows}

    def tags(self) -> list[list[str]]:
        """The tags of every run that has some."""
        return [json.loads(text) for (text,) in self._rows("SELECT DISTINCT tags FROM runs WHERE tags IS NOT NULL", {})]

    def configs(self) -> dict[str, dict[str, Any]]:
        """Run -> the configuration that it began with, empty where none is known.

        A run's configuration stays, so each is read once.
        """
        present = {run_id for (run_id,) in self._rows("SELECT run_id FROM runs WHERE config IS NOT NULL", {})}
        missing = sorted(present - self._configs.keys())
        if missing:
            values: dict[str, Any] = {}
            query = f"SELECT run_id, config FROM runs WHERE run_id IN {bind(values, 'r', missing)}"
            self._configs = {
                **{run_id: config for run_id, config in self._configs.items() if run_id in present},
                **{run_id: json.loads(config) for run_id, config in self._rows(query, values)},
            }
        return self._configs

    def finals(self, names: Sequence[str]) -> pd.DataFrame:
        """Final metrics of these names of all runs: columns run_id, split, name, value."""
        values: dict[str, Any] = {}
        query = f"SELECT run_id, split, name, value FROM metrics WHERE name IN {bind(values, 'n', names)}"
        return self._frame(query, values)

    def extremes(self, names: Sequence[str]) -> pd.DataFrame:
        """Of evaluated series of all runs: run_id, name, low, low_epoch, high, high_epoch, last, last_epoch."""
        values: dict[str, Any] = {}
        return self._frame(f"SELECT * FROM extremes WHERE name IN {bind(values, 'n', names)}", values)

    def journal_rows(self, run_ids: Sequence[str] | None, kind: str) -> list[dict[str, Any]]:
        """Journal rows of a kind that the store keeps whole, such as `tested`, with their run_id, oldest first.

        Of all runs without `run_ids`.
        """
        values: dict[str, Any] = {"kind": kind}
        which = "" if run_ids is None else f"AND run_id IN {bind(values, 'r', run_ids)}"
        query = f"SELECT run_id, text FROM events WHERE kind = $kind {which}"
        rows = [{**json.loads(text), "run_id": run_id} for run_id, text in self._rows(query, values)]
        return sorted(rows, key=lambda row: float(row.get("time") or 0.0))
