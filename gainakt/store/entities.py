"""What the store gives back: frozen records; series and tables come as DataFrames."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gainakt.store.rows import ACTIVE

PUBLISHED = "00000000-"
"""How the ids of published records begin; they cannot be changed or evaluated."""
WITH_RESULTS = ("finished", "stopped")
"""The statuses of runs that have final measures, and so a verdict."""


class Named(NamedTuple):
    """What a list of runs to choose from shows of one."""

    run_id: str
    name: str
    created: float | None


@dataclass(frozen=True)
class Run:
    """One run; times are unix seconds, steps and epochs None until the first is recorded.

    `status` is one of queued, running, paused, finished, stopped, failed, interrupted. `data_name` is known before
    `data`, which the run reports once its data are read. `damaged_rows` counts journal rows that are damaged, doubled
    or missing.
    `lineage` holds the run and step that it was branched from, if it was (`parent`, `step`), and what for; of a
    yardstick its `benchmark`: model, protocol, settings. `tags`, `notes` (Markdown), `favourite` and `archived` are
    what people wrote on it.
    """

    run_id: str
    name: str
    preset: str | None
    status: str
    created: float | None
    started: float | None
    ended: float | None
    heartbeat: float | None
    host: str | None
    pid: int | None
    device: str | None
    seed: int | None
    config: dict[str, Any]
    versions: dict[str, Any]
    data: dict[str, Any]
    data_name: str | None
    data_fingerprint: str | None
    steps_per_epoch: int | None
    max_epochs: int | None
    parameters: int | None
    step: int | None
    epoch: int | None
    epochs: int | None
    best_encoder1: int | None
    best_encoder2: int | None
    seconds: float | None
    interactions_per_second: float | None
    reason: str | None
    error: str | None
    traceback: str | None
    damaged_rows: int
    lineage: dict[str, Any]
    tags: tuple[str, ...] = ()
    notes: str | None = None
    favourite: bool = False
    archived: bool = False

    @property
    def active(self) -> bool:
        """Whether the run waits or trains."""
        return self.status in ACTIVE

    @property
    def published(self) -> bool:
        """Whether it is a record from the literature rather than a run of this workbench."""
        return self.run_id.startswith(PUBLISHED)

    @property
    def yardstick(self) -> str:
        """The name of the yardstick that a benchmark fitted; empty for a training, which alone keeps a model."""
        return str((self.lineage.get("benchmark") or {}).get("model") or "")

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Run":
        """The run from a row of the table `runs`."""
        parsed = {
            name: json.loads(row[name]) if row[name] else {} for name in ("config", "versions", "data", "lineage")
        }
        return cls(**{**row, **parsed, "tags": tuple(json.loads(row["tags"] or "[]"))})


@dataclass(frozen=True)
class Histogram:
    """Counts of gains in (0, 1) in equal bins, of all practised skills or of one (`skill` is its index)."""

    run_id: str
    split: str
    step: int
    epoch: int
    skill: int | None
    counts: tuple[int, ...]
