"""A saved run's students, for pages: its model is loaded once and kept, with what was computed from it."""

import json
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import ValidationError

from gainakt.errors import InputError
from gainakt.store import Run, RunFolder

if TYPE_CHECKING:
    from gainakt.data.interactions import Interactions
    from gainakt.data.sequences import Split
    from gainakt.model.gainakt import GainAKT
    from gainakt.training.saved import Opened
    from gainakt.training.students import Explanation, StudentView

RANKED = 5_000
"""Students of a split that are ranked: a larger split would keep a page waiting."""
LISTED = 300
"""Students in a table at once."""
_MODELS, _VIEWS = 2, 16
_ENCODERS = ("encoder1", "encoder2")
_REPLACED_WITHIN = 0.3
"""Seconds in which a training puts both files of a checkpoint in place."""


@dataclass(frozen=True)
class Checkpoint:
    """What a run has saved of its encoders: the epochs of both, and what tells it from a later one."""

    run_id: str
    encoder1: int
    encoder2: int
    digest: str


class Students:
    """The students of a run as one checkpoint sees them; a thread at a time computes."""

    def __init__(self, opened: "Opened", checkpoint: Checkpoint):
        self.opened, self.checkpoint = opened, checkpoint
        self.labels: list[str] = opened.data.students
        self._numbers = {label: number for number, label in enumerate(self.labels)}
        self._tables: dict[str, pd.DataFrame] = {}
        self._views: OrderedDict[int, StudentView] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, label: object) -> bool:
        return label in self._numbers

    def size(self, split: str) -> int:
        """How many students a split has."""
        return len(getattr(self.opened.split, split))

    def ranking(self, split: str) -> pd.DataFrame:
        """The first RANKED students of a split, as `student_table.student_rows` gives them."""
        with self._lock:
            if split not in self._tables:
                self._tables[split] = self._rows(getattr(self.opened.split, split)[:RANKED])
            return self._tables[split]

    def matching(self, text: str) -> tuple[pd.DataFrame, int]:
        """The first LISTED students of any split whose label contains the text, whatever its case; how many there are.

        A student with exactly this label comes first.
        """
        low = text.lower()
        found = [number for number, label in enumerate(self.labels) if low in label.lower()]
        found.sort(key=lambda number: self.labels[number].lower() != low)
        with self._lock:
            return self._rows(np.array(found[:LISTED], dtype=np.int64)), len(found)

    def view(self, label: str) -> "StudentView":
        """A student's whole course; raises InputError when there is no such student, or nothing to predict."""
        from gainakt.training.students import student_number, view

        student = student_number(self.opened.data, label)
        with self._lock:
            if student not in self._views:
                self._views[student] = view(*self._model(), student, self.opened.config.data.window)
                if len(self._views) > _VIEWS:
                    self._views.popitem(last=False)
            return self._views[student]

    def explain(self, label: str, interaction: int) -> "Explanation":
        """Why Encoder 2 predicted this interaction as it did; raises InputError where it is not predicted."""
        from gainakt.training.students import explain, student_number

        student = student_number(self.opened.data, label)
        with self._lock:
            return explain(*self._model(), student, interaction, self.opened.config.data.window)

    def _model(self) -> tuple["GainAKT", "Interactions", "Split"]:
        return self.opened.model, self.opened.data, self.opened.split

    def _rows(self, students: np.ndarray) -> pd.DataFrame:
        from gainakt.training.student_table import student_rows

        return student_rows(*self._model(), students, self.opened.config.data.window)


def checkpoint(run: Run, root: Path) -> Checkpoint:
    """What a run has saved so far, read without torch; raises InputError when it has saved nothing to look into."""
    if run.published:
        raise InputError(f"run {run.run_id} is a published record: it has no checkpoint; train its preset instead")
    if run.yardstick:
        raise InputError(f"run {run.run_id} is a yardstick: it keeps no model, only its results and predictions")
    if run.config.get("model", {}).get("kind") == "parametric":
        raise InputError(f"run {run.run_id} is a learning-curve model: it has no encoders to look into")
    folder = RunFolder(root, run.run_id).folder
    try:
        about = [json.loads((folder / f"{encoder}.json").read_text(encoding="utf-8")) for encoder in _ENCODERS]
        first, second = (int(one["epoch"]) for one in about)
        digest = "".join(str(one["sha256"]) for one in about)
    except (OSError, ValueError, KeyError) as error:
        state = f"is {run.status} and has" if run.active else "has"
        raise InputError(f"run {run.run_id} {state} saved no checkpoint") from error
    return Checkpoint(run.run_id, first, second, digest)


_kept: OrderedDict[tuple[Path, str], Students] = OrderedDict()
_loading = Lock()


def students(run: Run, root: Path) -> Students:
    """The students of a run by its newest checkpoint; the last two runs' models are kept.

    Raises InputError when the run has no checkpoint or is a learning-curve model, when its data have changed or gone,
    or another version wrote it.
    """
    with _loading:
        place = (root, run.run_id)
        kept = _kept.get(place)
        if kept is None or kept.checkpoint != checkpoint(run, root):
            kept = _loaded(run, root, kept.opened if kept else None)
        _kept[place] = kept
        _kept.move_to_end(place)
        while len(_kept) > _MODELS:
            _kept.popitem(last=False)
        return kept


def _loaded(run: Run, root: Path, before: "Opened | None") -> Students:
    """The run's newest checkpoint; read again where a training replaced it meanwhile."""
    now = checkpoint(run, root)
    from gainakt.training.saved import opened

    for _ in range(3):
        try:
            model = opened(run, root, before)
        except (ValidationError, RuntimeError) as error:
            raise InputError(f"run {run.run_id} was written by another version of the workbench") from error
        except InputError:
            time.sleep(_REPLACED_WITHIN)
            if checkpoint(run, root) == now:
                raise
        else:
            if checkpoint(run, root) == now:
                return Students(model, now)
        now = checkpoint(run, root)
    raise InputError(f"the checkpoint of run {run.run_id} is being replaced; try again")
