"""A benchmark: yardsticks fitted on the splits that trainings use, each model and fold a run of its own in the store.

A benchmark that is started again runs only what is missing, whatever it ended by.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gainakt.analysis.benchmark import YARDSTICKS, Yardstick
from gainakt.config import Config, DataConfig, changed
from gainakt.errors import InputError, in_words, unknown
from gainakt.jobs.turns import Cancelled
from gainakt.measures import accuracy, metrics
from gainakt.store import Run, RunFolder, Store
from gainakt.verdict.progress import Progress

if TYPE_CHECKING:
    from gainakt.benchmark.part import Part, Scored
    from gainakt.data.interactions import Interactions

PROTOCOLS = {"pykt": "given", "students80": "students"}
"""Protocol -> `data.split`: pyKT's folds and test students, or 80 % of all students and the other 20 %."""
_INSTALL = {"lightgbm": 'pip install -e ".[benchmark]"', "pykt": "pip install pykt-toolkit"}


@dataclass(frozen=True)
class Plan:
    """Which yardsticks on which folds of which data; `data` is how they are read."""

    data: DataConfig
    protocol: str = "pykt"
    models: tuple[str, ...] = tuple(YARDSTICKS)
    folds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise unknown("protocol", self.protocol, PROTOCOLS)
        for name in self.models:
            if name not in YARDSTICKS:
                raise unknown("yardstick", name, YARDSTICKS)
        if not self.models or not self.folds or min(self.folds) < 0:
            raise InputError("a benchmark needs at least one yardstick, and one fold from 0 on")

    def config(self, fold: int) -> Config:
        """The data and the split of a fold; a training with these settings has the same students in each part."""
        return changed(
            Config(data=self.data),
            {"data.split": PROTOCOLS[self.protocol], "training.fold": fold, "training.seed": fold},
        )

    @property
    def missing(self) -> dict[str, str]:
        """Yardstick -> why it cannot run here."""
        needed = {name: YARDSTICKS[name].package for name in self.models}
        return {
            name: f"{YARDSTICKS[name].label}: the package {package} is not installed; {_INSTALL[package]}"
            for name, package in needed.items()
            if package and util.find_spec(package) is None
        }


def carry_out(plan: Plan, root: Path, progress: Progress) -> list[str]:
    """Run every yardstick that is missing below `root`, fold by fold; returns the ids of all runs of the plan.

    `progress` may raise Cancelled. A yardstick that breaks is recorded as failed, and the others go on. Raises
    InputError for data or folds that do not exist.
    """
    from gainakt.data.sequences import split_students
    from gainakt.datasets.load import load

    data, found = load(plan.config(plan.folds[0]).data), []
    for fold in plan.folds:
        split_students(data, fold, fold)
    models = [name for name in plan.models if name not in plan.missing]
    with Store.open(":memory:", runs=root) as store:
        store.take_in()
        done = {_what(run): run.run_id for run in store.runs_on(data.fingerprint) if run.status == "finished"}
        for number, (fold, name) in enumerate((fold, name) for fold in plan.folds for name in models):
            one = _One(plan, YARDSTICKS[name], fold, data, root)
            if one.what in done:
                found.append(done[one.what])
                continue
            total = len(plan.folds) * len(models)
            progress(number / total, f"{number + 1} of {total}: {one.yardstick.label}, fold {fold}")
            found.append(one.run())
    return found


def _what(run: Run) -> tuple[str, ...]:
    """What tells a yardstick's run from others on the same data."""
    stated, given = run.lineage.get("benchmark") or {}, run.config
    window = (given.get("data") or {}).get("window")
    return _key(stated, (given.get("training") or {}).get("fold"), window)


def _key(stated: dict[str, Any], fold: Any, window: Any) -> tuple[str, ...]:
    settings = sorted((stated.get("settings") or {}).items())
    return tuple(map(str, (stated.get("model"), stated.get("protocol"), settings, fold, window)))


@dataclass(frozen=True)
class _One:
    """One yardstick on one fold."""

    plan: Plan
    yardstick: Yardstick
    fold: int
    data: "Interactions"
    root: Path

    @cached_property
    def module(self) -> Any:
        return import_module(f"gainakt.benchmark.{self.yardstick.name.replace('-', '_')}")

    @property
    def stated(self) -> dict[str, Any]:
        return {"model": self.yardstick.name, "protocol": self.plan.protocol, "settings": self.module.SETTINGS}

    @property
    def what(self) -> tuple[str, ...]:
        return _key(self.stated, self.fold, self.plan.data.window)

    def run(self) -> str:
        """Fit and measure it as a run; returns the run's id. What is no Exception (Ctrl-C) is recorded, then raised."""
        config = self.plan.config(self.fold)
        named = {"name": f"{self.yardstick.label}, {self.data.name}, fold {self.fold}", "preset": "yardstick"}
        kept = {
            "data": config.data.model_dump(),
            "training": {"fold": self.fold, "seed": config.training.seed},
        }
        folder = RunFolder.create(self.root, **named, config=kept, lineage={"benchmark": self.stated})
        try:
            for row in self._rows(folder.folder):
                folder.append(row)
        except BaseException as error:
            row = {"kind": "failed", "step": 0, "error": in_words(error), "traceback": ""}
            folder.append(row)
            if not isinstance(error, Exception) or isinstance(error, Cancelled):
                raise
        finally:
            folder.close()
        return folder.run_id

    def _rows(self, folder: Path) -> Iterator[dict[str, Any]]:
        from gainakt.benchmark.part import parts_of
        from gainakt.data.sequences import split_students
        from gainakt.training.setup import versions

        begun, config = time.perf_counter(), self.plan.config(self.fold)
        split = split_students(self.data, self.fold, config.training.seed)
        parts = parts_of(self.data, split, config.data.window, config.training.seed)
        sizes = {
            name: {"students": len(getattr(split, name)), "interactions": len(part.practice)}
            for name, part in parts.items()
        }
        yield {
            "kind": "started",
            "device": "cpu",
            "versions": versions() | _version(self.yardstick.package),
            "data": {**self.data.summary(), "split": sizes, "split_rule": split.rule},
            "skills": self.data.skills,
            "steps_per_epoch": 1,
            "max_epochs": 1,
            "parameters": None,
        }
        predict = self.module.fit(parts["train"], parts["validation"])
        scored = {name: part.scored(predict(part)) for name, part in parts.items() if name != "train"}
        _keep(scored["test"], folder, self.data)
        yield {
            "kind": "finished",
            "status": "finished",
            "reason": "fitted",
            "step": 1,
            "epochs": 1,
            "best_epoch": {},
            "seconds": round(time.perf_counter() - begun, 3),
            "results": {name: measured(some, name == "test") for name, some in scored.items()},
            "skills": _skills(self.data, parts),
        }


def measured(scored: "Scored", interval: bool) -> dict[str, float | None]:
    """A yardstick's measures on some students, as Encoder 1's; with the AUC's interval over students, if asked for."""
    pair = scored.response, scored.probability
    values = {
        "encoder1_auc": metrics.auc(*pair),
        "bce": metrics.log_loss(*pair),
        "encoder1_correlation": metrics.correlation(scored.probability, scored.response),
        "encoder1_rmse": accuracy.rmse(*pair),
        "encoder1_ece": accuracy.ece(*pair),
    }
    if interval:
        ends = accuracy.auc_interval(*pair, scored.student)
        values |= dict(zip(("encoder1_auc_lower", "encoder1_auc_upper"), ends, strict=True))
    return values


def _skills(data: "Interactions", parts: "dict[str, Part]") -> list[dict[str, Any]]:
    """How many interactions of training and validation students practise each skill."""
    import numpy as np

    skill = np.concatenate([parts[name].practice.skill for name in ("train", "validation")])
    counts = np.bincount(skill, minlength=len(data.skills))
    return [{"skill": label, "interactions": int(count)} for label, count in zip(data.skills, counts, strict=True)]


def _keep(scored: "Scored", folder: Path, data: "Interactions") -> None:
    import numpy as np

    from gainakt.training import kept_predictions

    columns: dict[str, Any] = {
        "student": scored.student.astype(np.int32),
        "skill": scored.skill.astype(np.int32),
        "position": scored.place.astype(np.int32),
        "response": scored.response.astype(np.uint8),
        "encoder1": scored.probability.astype(np.float32),
    }
    kept_predictions.write(folder, columns, data.fingerprint)


def _version(package: str) -> dict[str, str]:
    if not package:
        return {}
    from importlib.metadata import PackageNotFoundError, version

    try:
        return {package: version({"pykt": "pykt-toolkit"}.get(package, package))}
    except PackageNotFoundError:
        return {package: "installed by hand"}
