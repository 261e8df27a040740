"""`train`: a generator of typed events; who consumes it decides where they go."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import OutOfMemoryError, Tensor

from gainakt import config as settings
from gainakt.config import Config
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Batch, Windows, batches_per_epoch, split_students
from gainakt.errors import InputError, RunFailed
from gainakt.measures.predictions import Predictions
from gainakt.model.gainakt import GainAKT, Output
from gainakt.training import curve_run as stand_in
from gainakt.training import events, probe, truths
from gainakt.training.averaged import Averaged
from gainakt.training.best import Best, weighted_loss
from gainakt.training.evaluate import measure, parameters, predict, seed_forms, skill_table
from gainakt.training.prior import prepare
from gainakt.training.regimes import Phase, phase
from gainakt.training.setup import build, pick_device, versions
from gainakt.training.stepper import Diverged, Stepper, padded
from gainakt.training.watch import Recent, RunningAUC, histograms_of

__all__ = ["Diverged", "Requests", "Uniform", "final_results", "train"]

Requests = Callable[[], list[dict[str, Any]]]
"""Gives the control requests since the last call: {"kind": "set", "field", "value", "who"}, {"kind": "stop", "who"}."""

UNIFORM_STD, SPREAD_STD = 0.01, 0.10
"""Gain std under which gains count as uniform, and over which the seed's criterion counts them as spread."""
_SCHEDULE = "schedule"


class Uniform(RunFailed):
    """The gains stayed uniform in a run that was told to fail then."""


def train(
    config: Config, data: Interactions, requests: Requests = list, folder: Path | None = None
) -> Iterator[events.Event]:
    """Train on `data` and yield what happens; checkpoints go to `folder` if there is one.

    `requests` is read once per step. Raises RunFailed and InputError; everything saved before stays.
    """
    try:
        yield from _events(config, data, requests, folder)
    except OutOfMemoryError as error:
        first = str(error).partition(". ")[0]
        raise RunFailed(
            f"{first}: the model and its batches do not fit into the device's memory. Try a smaller"
            f" training.batch_size (now {config.training.batch_size}), data.window ({config.data.window}) or"
            f" model.width ({config.model.width}), or training.device=cpu"
        ) from error


def _events(config: Config, data: Interactions, requests: Requests, folder: Path | None) -> Iterator[events.Event]:
    if config.model.kind == "parametric":
        yield from stand_in.train(config, data, requests, folder)
        return
    run = _Run(config, data, requests, folder)
    yield run.started()
    run.prepare()
    yield from run.epoch_end(0, {})
    for epoch in range(1, config.training.max_epochs + 1):
        yield from run.epoch(epoch)
        if run.reason:
            break
    yield run.finished()


class _Run:
    """The state of one training."""

    def __init__(self, config: Config, data: Interactions, requests: Requests, folder: Path | None):
        self.config, self.data, self.requests = config, data, requests
        self.begun = time.perf_counter()
        self.device = pick_device(config.training.device)
        self.split = split_students(data, config.training.fold, config.training.seed)
        self.windows = {
            name: Windows(data, getattr(self.split, name), config.data.window, name == "train", self.device)
            for name in ("train", "validation", "test")
        }
        self.model = build(config, len(data.skills), len(self.split.train), self.device)
        self.steps_per_epoch = batches_per_epoch(self.windows["train"], config.training.batch_size)
        self.stepper = Stepper(self.model, config, self.steps_per_epoch, self.device)
        self.folder = folder
        self.recent = Recent(len(data.skills), self.device, config.origin.reported_gain)
        self.epochs, self.reason, self.phase = 0, "", Phase()
        self.steered: set[str] = set()
        self.gain_std: list[tuple[float, float]] = []
        self.trained, self.train_seconds = 0, 0.0

    @property
    def step(self) -> int:
        """Optimiser steps so far."""
        return self.stepper.step

    def started(self) -> events.Started:
        parts = {
            name: {"students": len(getattr(self.split, name)), "windows": len(w), "interactions": w.interactions,
                   "windows_of_one_left_out": w.left_out}
            for name, w in self.windows.items()
        }  # fmt: skip
        return events.Started(
            device=str(self.device), versions=versions(),
            data={**self.data.summary(), "split": parts, "split_rule": self.split.rule},
            skills=self.data.skills, steps_per_epoch=self.steps_per_epoch,
            max_epochs=self.config.training.max_epochs,
            parameters=sum(p.numel() for p in self.model.parameters()),
        )  # fmt: skip

    def prepare(self) -> None:
        """Put what is known beforehand into the model; set up what is judged and kept."""
        prepare(self.model, self.config, self.data, self.split.train)
        self.averaged = Averaged(self.model, self.config.training.averaging * self.steps_per_epoch)
        about = {"data_fingerprint": self.data.fingerprint, "skills": len(self.data.skills),
                 "students": len(self.split.train)}  # fmt: skip
        self.best = Best(self.averaged.model, self.folder, about)

    def epoch(self, epoch: int) -> Iterator[events.Event]:
        """One pass over the training windows and its evaluation."""
        seed, size = self.config.training.seed, self.config.training.batch_size
        yield from self.begin(epoch)
        running, self.model = RunningAUC(), self.model.train()
        for batch in self.windows["train"].shuffled(size, seed, epoch):
            yield from self.take_requests(epoch)
            if self.reason:
                break
            if not self.config.origin.masked:
                batch = padded(batch, self.config.data.window)
            began = time.perf_counter()
            values, output = self.optimise(batch, epoch)
            self.averaged.update()
            self.recent.add(output, batch)
            running.add(output, batch)
            self.trained += batch.interactions
            self.train_seconds += time.perf_counter() - began
            if self.step % self.config.training.log_every == 0:
                yield self.stepped(epoch, values)
            every = self.config.training.probe_every
            if every and self.step % every == 1 % every:
                looked = probe.gradients(self.model, self.config, batch, self.phase, self.stepper.memory)
                yield events.Stepped(self.step, epoch, {**looked})
            if self.step % (4 * self.config.training.log_every) == 0:
                yield events.GainHistograms(self.step, epoch, "train", *self.recent.histograms())
        if not (self.reason and not running.seen):
            seen = running.values()
            if self.phase.encoder1 == "removed":
                del seen["train_running.encoder1_auc"]
            yield from self.epoch_end(epoch, seen)

    def begin(self, epoch: int) -> Iterator[events.Event]:
        """The phase and the scheduled weights of this epoch."""
        now = phase(self.config.regime, epoch)
        if now != self.phase:
            yield events.PhaseBegan(self.step + 1, epoch, now.encoder1, now.encoder2)
        self.phase = now
        for name, value in settings.weights_at(self.config.regime.schedule, epoch).items():
            if f"weights.{name}" not in self.steered:
                yield from self.set(f"weights.{name}", value, _SCHEDULE, epoch)

    def take_requests(self, epoch: int) -> Iterator[events.Event]:
        """Apply what was asked since the last step; the next step is the first that it acts on."""
        for asked in self.requests():
            if asked["kind"] == "stop":
                self.reason = f"stopped by {asked['who']}"
                continue
            name, value, who = asked["field"], asked["value"], asked["who"]
            try:
                if name in (known := settings.fields()) and not known[name].live:
                    raise InputError(f"{name} cannot change while a run trains")
                yield from self.set(name, value, who, epoch)
                self.steered.add(name)
            except InputError as error:
                yield events.Refused(self.step + 1, name, value, str(error), who)

    def set(self, name: str, value: Any, who: str, epoch: int) -> Iterator[events.Event]:
        """Change a setting from the next step on and tell it; raises InputError."""
        old = settings.flatten(self.config).get(name)
        self.config = settings.changed(self.config, {name: value})
        new = settings.flatten(self.config)[name]
        if new != old:
            yield events.Changed(self.step + 1, epoch, name, old, new, who)

    def optimise(self, batch: Batch, epoch: int) -> tuple[dict[str, Tensor], Output]:
        """One optimiser step; an error in it also says what is saved."""
        try:
            return self.stepper.optimise(self.config, batch, self.phase, epoch)
        except Diverged as error:
            raise Diverged(f"{error}. {self.saved()}") from None

    def saved(self) -> str:
        """What of a run that fails can still be used."""
        kept = ", ".join(f"{encoder} of epoch {epoch}" for encoder, epoch in self.best.epochs.items())
        return f"Last good checkpoints: {kept}"

    def stepped(self, epoch: int, values: dict[str, Tensor]) -> events.Stepped:
        speed = self.trained / self.train_seconds if self.trained else None
        numbers = {name: float(value.detach()) for name, value in values.items()}
        return events.Stepped(self.step, epoch, {
            **numbers, **self.recent.values(),
            "learning_rate": self.stepper.optimiser.param_groups[0]["lr"], "interactions_per_second": speed,
        })  # fmt: skip

    def epoch_end(self, epoch: int, running: dict[str, float | None]) -> Iterator[events.Event]:
        """Evaluate on the validation students; keep each encoder's best; stop when neither improves."""
        self.epochs, model = epoch, self.averaged.model
        seen = predict(model, self.windows["validation"])
        origin = self.config.origin
        found = measure(seen, len(self.data.skills), origin.reported_gain)
        self.gain_std.append((found["gain_std"] or 0.0, found["aggregate_gain_std"] or 0.0))
        values = {f"validation.{name}": value for name, value in found.items()} | running
        values["validation.weighted_loss"] = weighted_loss(self.config, found)
        values |= {f"state.{n}": v for n, v in probe.state(model, self.windows["validation"]).items()}
        yield events.Evaluated(self.step, epoch, values, parameters(model.encoder2))
        counts = histograms_of(seen.reported(origin.reported_gain), seen.gain_skill, len(self.data.skills))
        yield events.GainHistograms(self.step, epoch, "validation", *counts)
        yield from self.best.consider(self.config, found, epoch, self.step)
        self.judge(epoch, found["gain_std"] or 0.0)

    def judge(self, epoch: int, gain_std: float) -> None:
        """End the run when neither encoder improves; fail it when its gains are uniform and that was asked for."""
        pressure, patience = self.config.pressure, self.config.training.patience
        if gain_std < pressure.fail_below and epoch >= pressure.fail_from:
            raise Uniform(
                f"gain std {gain_std:.2g} on the validation students after epoch {epoch}, under pressure.fail_below"
                f" ({pressure.fail_below:g}): the run fails, as asked. {self.saved()}"
            )
        if not self.reason and epoch - max(self.best.epochs.values()) >= patience:
            what = "validation AUC" if self.config.model.sharing == "apart" else "weighted validation loss"
            self.reason = f"neither encoder's {what} improved for {patience} epochs"

    def finished(self) -> events.Finished:
        """Read every split once with each encoder at its own best epoch."""
        self.best.restore()
        model, origin = self.averaged.model, self.config.origin
        results, rows = final_results(model, self.windows, self.data.skills, origin.reported_gain)
        results |= truths.of_model(model, self.data, self.split, self.windows, rows)
        trained = self.gain_std[1:]
        results["run"] |= {
            "uniform_since": _since([std < UNIFORM_STD for std, _ in trained]),
            "spread_since": _since([std >= SPREAD_STD for std, _ in trained]),
            "aggregate_uniform_since": _since([std < UNIFORM_STD for _, std in trained]),
        }
        return events.Finished(
            status="stopped" if self.reason.startswith("stopped by") else "finished",
            reason=self.reason or "all epochs done", step=self.step, epochs=self.epochs,
            best_epoch=self.best.epochs,
            seconds=round(time.perf_counter() - self.begun, 3),
            train_interactions_per_second=self.trained / self.train_seconds if self.trained else None,
            results=results, skills=rows,
        )  # fmt: skip


def final_results(
    model: GainAKT, windows: dict[str, Windows], labels: list[str], gain: str = "practised"
) -> tuple[dict[str, dict[str, float | None]], list[dict[str, Any]]]:
    """Metrics of every split and of the run (`run`), and the table of skills (training and validation students).

    `gain` names the tensor that the gain statistics read; the table always reads the practised gains.
    """
    seen: dict[str, Predictions] = {name: predict(model, part) for name, part in windows.items()}
    results = {name: measure(part, len(labels), gain) | seed_forms(model, windows[name]) for name, part in seen.items()}
    mastery = model.encoder2.mastery
    for values in results.values():
        values["beta_std"] = float(mastery.beta.detach().std(correction=0))
    rows, rates = skill_table(model.encoder2, labels, seen["train"], seen["validation"])
    results["run"] = rates | {
        "gamma_mean": float(mastery.gamma.detach().mean()),
        "gamma_std": float(mastery.gamma.detach().std(correction=0)),
        "temperature": float(mastery.temperature.detach()), "theta_mean": float(mastery.threshold.detach().mean()),
    }  # fmt: skip
    return results, rows


def _since(holds: list[bool]) -> float | None:
    """First epoch, from 1 on, from which `holds` stays true to the end; None if it does not hold at the end."""
    if not holds or not holds[-1]:
        return None
    broken = np.nonzero(~np.array(holds))[0]
    return float(broken[-1] + 2 if len(broken) else 1)
