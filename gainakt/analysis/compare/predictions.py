"""What two runs predict of the same test students: read from their folders, matched, and the differences tested."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.analysis.compare import statistics
from gainakt.analysis.compare.statistics import Difference
from gainakt.errors import InputError
from gainakt.store import Run, RunFolder, tensors
from gainakt.store.entities import WITH_RESULTS

ENCODERS = {"encoder1": "Encoder 1", "encoder2": "Encoder 2"}
Columns = dict[str, NDArray[Any]]
_NAME = "predictions"
_KEPT = 256


@dataclass(frozen=True)
class Pair:
    """B minus A on `predictions` of `students` test students that both runs predict; `only_one` had one of them only.

    `differences` maps encoder -> `auc`, `log_loss` (paired bootstrap over students) and `delong`. `missing` says why
    there are none and what to do; it is empty otherwise.
    """

    students: int = 0
    predictions: int = 0
    only_one: int = 0
    differences: dict[str, dict[str, Difference | None]] | None = None
    missing: str = ""


def pair(a: Run, b: Run, root: Path | None, encoders: tuple[str, ...] = tuple(ENCODERS)) -> Pair:
    """The differences of two runs on the test students of both, of these encoders; worked out once and kept."""
    why = _not_comparable(a, b)
    if why or root is None:
        return Pair(missing=why or "This store has no folders of runs, so no predictions.")
    try:
        found = [_pair(root, (a.run_id, b.run_id), one, (_digest(root, a), _digest(root, b))) for one in encoders]
    except InputError as error:
        return Pair(missing=str(error))
    together: dict[str, dict[str, Difference | None]] = {}
    for one in found:
        together |= one.differences or {}
    return replace(found[0], differences=together or None)


def _not_comparable(a: Run, b: Run) -> str:
    if a.published or b.published:
        return "A published record has no predictions of single responses, so nothing can be tested."
    for run in (a, b):
        if not run.data_fingerprint:
            return f"Run {run.run_id} is {run.status} and read no data, so it has no predictions."
    if a.data_fingerprint != b.data_fingerprint:
        return "The runs have different data, so their predictions cannot be paired."
    return ""


def _digest(root: Path, run: Run) -> str:
    sha256 = digest(RunFolder(root, run.run_id).folder)
    if sha256 is None:
        raise InputError(_how_to_get(run))
    return sha256


def _how_to_get(run: Run) -> str:
    if run.active or run.status == "paused":
        return f"Run {run.run_id} has not ended; its predictions of the test students come at its end."
    if run.status not in WITH_RESULTS:
        return f"Run {run.run_id} {run.status}, so there are no predictions of its test students."
    return (
        f"The predictions of run {run.run_id} are not in its folder: it is older than this comparison."
        f" `python -m gainakt evaluate {run.run_id}` adds them."
    )


def digest(folder: Path) -> str | None:
    """The SHA-256 of the predictions that a run keeps, None where it keeps none; raises InputError when damaged."""
    with _mended_by(folder):
        about = tensors.described(folder, _NAME)
        return None if about is None else str(about["sha256"])


def read(folder: Path) -> Columns:
    """The kept predictions of a run's test students (`training.kept_predictions`); raises InputError when damaged."""
    from safetensors.numpy import load

    with _mended_by(folder):
        content = tensors.read(folder, _NAME)
    if content is None:
        raise InputError(f"{folder}: no predictions; `python -m gainakt evaluate {folder.name}` adds them")
    return dict(load(content))


@contextmanager
def _mended_by(folder: Path) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{error}; `python -m gainakt evaluate {folder.name}` writes it anew") from None


@lru_cache(_KEPT)
def _pair(root: Path, run_ids: tuple[str, str], encoder: str, _digests: tuple[str, str]) -> Pair:
    a, b = (read(RunFolder(root, run_id).folder) for run_id in run_ids)
    return compared(a, b, (encoder,))


def compared(a: Columns, b: Columns, encoders: tuple[str, ...] = tuple(ENCODERS)) -> Pair:
    """The differences between two runs' kept predictions, on the interactions that both predict."""
    _, in_a, in_b = np.intersect1d(a["position"], b["position"], assume_unique=True, return_indices=True)
    common = len(in_a)
    only_one = len(a["position"]) + len(b["position"]) - 2 * common
    student, target = a["student"][in_a], a["response"][in_a]
    students = len(np.unique(student))
    if students < 2:
        return Pair(missing="The runs have fewer than two test students in common, so nothing can be paired.")
    differences = {
        encoder: {
            **statistics.bootstrap(target, a[encoder][in_a], b[encoder][in_b], student),
            "delong": statistics.delong(target, a[encoder][in_a], b[encoder][in_b]),
        }
        for encoder in encoders
        if encoder in a and encoder in b
    }
    return Pair(students, common, only_one, differences)
