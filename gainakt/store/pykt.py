"""A run of pyKT as a record to compare with: its config.json and the predictions that its own evaluation wrote.

pyKT keeps the AUC in no file; it is computed here from the predictions (`EMB_test_predictions.txt`), the split and the
windows being pyKT's own. The record is read-only, like the published ones: it has no checkpoint that is opened here.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gainakt.errors import InputError, check_may_write
from gainakt.measures.metrics import auc, log_loss
from gainakt.store.bundle import Imported, arriving
from gainakt.store.entities import PUBLISHED
from gainakt.store.inbox import RunFolder

CONFIG = "config.json"
_LARGEST = 16 * 1024 * 1024
_TARGETS, _PROBABILITIES = 3, 4
"""Places in a line of predictions: skills, responses, skills asked, responses asked, probabilities, ..."""
_KNOWN = {
    "seed": "training.seed", "fold": "training.fold", "learning_rate": "training.learning_rate",
    "batch_size": "training.batch_size", "num_epochs": "training.max_epochs", "dropout": "model.dropout",
}  # fmt: skip
"""pyKT's parameters that mean what a setting here means; the others are kept under `pykt`."""


def import_pykt(root: Path, folder: Path) -> Imported:
    """Put a run of pyKT, given the folder of its config.json, under `root` as a record.

    Raises InputError where the folder holds no run, or no predictions on test students.
    """
    check_may_write()
    config = _config(folder)
    params = {**config["train_config"], **config["params"]}
    files = sorted(folder.glob("*_test_predictions.txt")) or sorted(folder.glob("*_test_window_predictions.txt"))
    if not files:
        raise InputError(f"{folder}: no *_test_predictions.txt beside {CONFIG}; pyKT's wandb_predict.py writes it")
    target, probability = _predictions(files[0])
    name = f"pyKT {params.get('model_name', 'model')}"
    digest = hashlib.sha256((folder / CONFIG).read_bytes() + probability.tobytes()).hexdigest()
    run_id = f"{PUBLISHED}{int(digest[:8], 16) % 10**6:06d}-{digest[8:12]}"
    if (root / run_id).exists():
        return Imported(run_id, name, "there already")
    measured = {"encoder1_auc": auc(target, probability), "bce": log_loss(target, probability)}
    source = f"{len(target):,} predictions of {files[0].name}"
    with arriving(root) as place, RunFolder(place, run_id) as made:
        made.folder.mkdir()
        for row in _rows(run_id, name, params, measured, source):
            made.append({**row, "time": files[0].stat().st_mtime})
        made.folder.rename(root / run_id)
    return Imported(run_id, name, "imported")


def _config(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / CONFIG
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"{path.stat().st_size:,} bytes")
        config = json.loads(path.read_text(encoding="utf-8"))
        return {part: dict(config[part]) for part in ("train_config", "params")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: not the config.json of a run of pyKT ({error})") from None


def _predictions(file: Path) -> tuple[np.ndarray, np.ndarray]:
    target: list[float] = []
    probability: list[float] = []
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                values = np.array([row[_TARGETS], row[_PROBABILITIES]], dtype=np.float64)
            except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
                raise InputError(f"{file}: line {number} is no line of pyKT's predictions") from None
            if values.ndim != 2 or not np.isin(values[0], (0, 1)).all() or not (abs(values[1] - 0.5) <= 0.5).all():
                raise InputError(f"{file}: line {number}: responses of 0 and 1, probabilities of 0 to 1 expected")
            target += values[0].tolist()
            probability += values[1].tolist()
    if len(set(target)) < 2:
        raise InputError(f"{file}: no predictions of both correct and incorrect responses: there is no AUC")
    return np.array(target), np.array(probability)


def _rows(
    run_id: str, name: str, params: dict[str, Any], measured: dict[str, float | None], source: str
) -> Iterator[dict[str, Any]]:
    config: dict[str, dict[str, Any]] = {"pykt": {}}
    for key, value in params.items():
        section, _, setting = _KNOWN.get(key, f"pykt.{key}").partition(".")
        config.setdefault(section, {})[setting] = value if isinstance(value, str | int | float | bool) else str(value)
    data = {"name": str(params.get("dataset_name", "unknown")), "source": f"pyKT, {source}"}
    config["data"] = {"path": data["name"]}
    unknown = dict.fromkeys(("device", "steps_per_epoch", "parameters", "max_epochs"))
    yield {"kind": "queued", "run_id": run_id, "name": name, "preset": "pykt", "config": config}
    yield {"kind": "started", "data": data, "versions": {}, "skills": [], **unknown}
    finished = {"status": "finished", "reason": f"trained by pyKT; measured from {source}", "step": None}
    yield {
        "kind": "finished",
        **finished,
        "epochs": None,
        "best_epoch": {},
        "results": {"test": measured},
        "skills": [],
    }
