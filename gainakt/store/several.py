"""Reading several runs at once, for a comparison: one query each, however many runs."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from gainakt.store.cursors import bind
from gainakt.store.entities import Run
from gainakt.store.reader import Reader


def runs_of(store: Reader, run_ids: Sequence[str]) -> dict[str, Run]:
    """The runs with these ids, in their order; those that are not there are left out."""
    values: dict[str, Any] = {}
    found = {run.run_id: run for run in store._runs_where(f"run_id IN {bind(values, 'r', run_ids)}", values)}
    return {run_id: found[run_id] for run_id in run_ids if run_id in found}


def newest_histograms(store: Reader, run_ids: Sequence[str], split: str) -> dict[str, tuple[int, ...]]:
    """Run -> counts of its newest histogram of all practised gains in a split, in equal bins of (0, 1)."""
    values: dict[str, Any] = {"split": split}
    rows = store._rows(
        "SELECT run_id, arg_max(counts, step) FROM histograms WHERE split = $split AND skill IS NULL"
        f" AND run_id IN {bind(values, 'r', run_ids)} GROUP BY run_id",
        values,
    )
    return {run_id: tuple(counts) for run_id, counts in rows}


def changes_of(store: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    """What was changed while these runs trained: run_id, seq, time, step, epoch, kind, field, old, new, who, text."""
    values: dict[str, Any] = {}
    return store._frame(
        "SELECT run_id, seq, time, step, epoch, kind, field, old, new, who, text FROM events"
        f" WHERE kind = 'changed' AND run_id IN {bind(values, 'r', run_ids)} ORDER BY run_id, seq",
        values,
    )


def skills_of(store: Reader, run_ids: Sequence[str]) -> pd.DataFrame:
    """What these runs learned of each skill: run_id, skill (label), interactions, effective_rate, mean_gain."""
    values: dict[str, Any] = {}
    return store._frame(
        "SELECT run_id, skill, interactions, effective_rate, mean_gain FROM skills"
        f" WHERE run_id IN {bind(values, 'r', run_ids)} ORDER BY run_id, position",
        values,
    )


def tests_on(store: Reader, fingerprints: Sequence[str], kind: str) -> dict[str, list[dict[str, Any]]]:
    """Fingerprint -> journal rows of a kind of all runs on these data, with their run_id, oldest first."""
    values: dict[str, Any] = {"kind": kind}
    rows = store._rows(
        "SELECT r.data_fingerprint, e.run_id, e.text FROM events e JOIN runs r ON r.run_id = e.run_id"
        f" WHERE e.kind = $kind AND r.data_fingerprint IN {bind(values, 'f', fingerprints)} ORDER BY e.time",
        values,
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for fingerprint, run_id, text in rows:
        found.setdefault(fingerprint, []).append({**json.loads(text), "run_id": run_id})
    return found
