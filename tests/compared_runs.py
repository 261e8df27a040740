"""Runs to compare, written as trainings write them, without training: curves, gains, skills, kept predictions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save
from sklearn.metrics import roc_auc_score

from gainakt.config import changed
from gainakt.config.presets import preset
from gainakt.measures import metrics
from gainakt.store import RunFolder, runs_root, tensors

SKILLS = [f"skill {number}" for number in range(20)]
STUDENTS, EACH = 60, 20
STEPS = 30
"""Optimiser steps of an epoch."""


@dataclass(frozen=True)
class Made:
    """How a made run came out: `sharp` (0 to 1) is how well its encoders predict, `spread` the std of its gains."""

    sharp: float = 0.5
    spread: float = 0.1
    epochs: int = 6
    predictions: bool = True
    steered: bool = False


def write(store: Path, name: str, base: str = "without-level", how: Made | None = None, **changes: Any) -> str:
    """A finished run of this preset with these settings changed; its id. The seed setting also seeds its chance."""
    how = how or Made()
    config = changed(preset(base), changes).model_dump()
    rng = np.random.default_rng([config["training"]["seed"], int(1e6 * how.sharp), int(1e6 * how.spread)])
    folder = RunFolder.create(runs_root(store), name=name, preset=base, config=config)
    folder.append(_started(how))
    rates = np.exp(np.log(0.3) + how.spread * 4 * np.linspace(-1, 1, len(SKILLS)) + 0.05 * rng.normal(size=len(SKILLS)))
    for epoch in range(how.epochs + 1):
        for row in _epoch(epoch, how, rng):
            folder.append(row)
    columns = predictions(how.sharp, rng)
    if how.predictions:
        keep(folder.folder, columns)
    scores = {
        f"{encoder}_auc": float(roc_auc_score(columns["response"], columns[encoder]))
        for encoder in ("encoder1", "encoder2")
    }
    test = scores | {
        "bce": metrics.log_loss(columns["response"], columns["encoder1"]),
        "im": metrics.log_loss(columns["response"], columns["encoder2"]),
        "gain_std": how.spread,
        "response_gain_ratio": 1 + how.spread,
    }
    folder.append(
        {
            "kind": "finished", "status": "finished", "reason": "all epochs done", "step": STEPS * how.epochs,
            "epochs": how.epochs, "best_epoch": {"encoder1": how.epochs, "encoder2": how.epochs - 1}, "seconds": 3.0,
            "train_interactions_per_second": 1000.0,
            "results": {"test": test, "validation": test, "run": {"rate_cv": float(rates.std() / rates.mean())}},
            "skills": [
                {"skill": skill, "interactions": 90, "effective_rate": float(rate), "mean_gain": 0.1, "m_sat": 0.8,
                 "beta": 4.0, "threshold": 0.2, "offset": None}
                for skill, rate in zip(SKILLS, rates, strict=True)
            ],
        }
    )  # fmt: skip
    folder.close()
    return folder.run_id


def _started(how: Made) -> dict[str, Any]:
    data = {"name": "demo", "fingerprint": "same", "students": 300, "interactions": 9000, "skills": len(SKILLS),
            "split": {"train": {"students": 210}, "test": {"students": STUDENTS}}, "split_rule": "given folds",
            "warnings": []}  # fmt: skip
    return {"kind": "started", "device": "cpu", "versions": {"gainakt": "0.1.0", "torch": "2.13.0"}, "data": data,
            "skills": SKILLS, "steps_per_epoch": STEPS, "max_epochs": how.epochs, "parameters": 999}  # fmt: skip


def _epoch(epoch: int, how: Made, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    done = epoch / how.epochs
    for step in range(STEPS * (epoch - 1) + 1, STEPS * epoch + 1) if epoch else ():
        values = {"loss.total": 1.4 - 0.4 * how.sharp * done + 0.05 * rng.normal(), "loss.bce": 0.6, "loss.im": 0.7,
                  "gain_std": 0.02 + (how.spread - 0.02) * done + 0.003 * rng.normal()}  # fmt: skip
        rows.append({"kind": "step", "step": step, "epoch": epoch, "values": values})
    if how.steered and epoch == 2:
        rows.append({"kind": "changed", "step": STEPS + 5, "epoch": 2, "field": "weights.variance", "old": 0.0,
                     "new": 50.0, "who": "tests"})  # fmt: skip
    step = STEPS * epoch
    gains = np.clip(rng.normal(0.3, max(how.spread, 0.01) * max(done, 0.1), 4000), 0.001, 0.999)
    counts = np.histogram(gains, 100, (0, 1))[0].tolist()
    rows.append({"kind": "gains", "step": step, "epoch": epoch, "split": "validation", "counts": counts, "skills": {}})
    auc = 0.5 + (0.2 + 0.1 * how.sharp) * (1 - np.exp(-3 * done)) + 0.002 * rng.normal()
    values = {"validation.encoder1_auc": auc, "validation.encoder2_auc": auc - 0.02,
              "validation.gain_std": how.spread * done}  # fmt: skip
    middle = {"beta": 2 + done, "threshold": 0.4 + 0.1 * done, "gamma": 1.0, "saturation": 0.8}
    parameters = {
        name: {"mean": value, "std": 0.1, "quantiles": (value + np.linspace(-0.3, 0.3, 101) * done).tolist()}
        for name, value in middle.items()
    }
    rows.append({"kind": "evaluated", "step": step, "epoch": epoch, "values": values, "parameters": parameters})
    return rows


def predictions(sharp: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Kept predictions of the same students and responses, `sharp` (0 to 1) is how good they are."""
    truth = np.random.default_rng(7)
    student = np.repeat(np.arange(STUDENTS), EACH)
    logit = truth.normal(size=STUDENTS)[student] + truth.normal(size=len(student))
    response = (truth.random(len(student)) < 1 / (1 + np.exp(-1.5 * logit))).astype(np.uint8)
    noise = 2.5 - 2 * sharp
    seen = {
        encoder: (1 / (1 + np.exp(-(logit + noise * rng.normal(size=len(logit)))))).astype(np.float32)
        for encoder in ("encoder1", "encoder2")
    }
    position = np.arange(len(student), dtype=np.int32)
    return {
        "student": student.astype(np.int32),
        "skill": position % 20,
        "position": position,
        "response": response,
        **seen,
    }


def keep(folder: Path, columns: dict[str, np.ndarray]) -> None:
    """Write them as a training does."""
    content = save({name: np.ascontiguousarray(column) for name, column in columns.items()})
    tensors.write(folder, "predictions", content, {"split": "test"})


def five(store: Path) -> list[str]:
    """Five runs of two presets: three seeds of one, two of the other."""
    runs = [write(store, "corrected", "without-level", Made(0.6, 0.12), **{"training.seed": seed}) for seed in range(3)]
    return runs + [write(store, "v3", "v3-phase1", Made(0.4, 0.005), **{"training.seed": seed}) for seed in range(2)]


def sweep(store: Path) -> list[str]:
    """Sixty runs: the variance weight at twelve values, five seeds each."""
    weights = (0, 0.5, 1, 2, 4, 8, 15, 30, 60, 100, 150, 200)
    return [
        write(
            store, f"variance {weight:g}", "corrected",
            Made(0.6 - 0.02 * place, 0.02 + 0.02 * place, predictions=weight != 200, steered=weight == 8 and seed == 0),
            **{"weights.variance": weight, "training.seed": seed},
        )
        for place, weight in enumerate(weights) for seed in range(5)
    ]  # fmt: skip
