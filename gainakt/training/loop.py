"""`train`: a generator of typed events; who consumes it decides where they go."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import OutOfMemoryError, Tensor

from gainakt.config import SCHEDULE, Config, changed, fields, flatten, weights_at
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import MEASURED, Batch, batches_per_epoch, split_students, windows_of
from gainakt.errors import InputError, RunFailed
from gainakt.model.gainakt import Output
from gainakt.training import curve_run, events, live, probe, ranks, snapshot, state
from gainakt.training.averaged import Averaged
from gainakt.training.best import Best, weighted_loss
from gainakt.training.card import Card
from gainakt.training.evaluate import measure, parameters, predict
from gainakt.training.memory import give_back
from gainakt.training.prior import prepare
from gainakt.training.regimes import Phase, phase
from gainakt.training.requests import End, Malformed, Requests, parsed
from gainakt.training.results import final_results, onsets
from gainakt.training.setup import build, pick_device, versions
from gainakt.training.state import State
from gainakt.training.stepper import Diverged, Stepper, padded
from gainakt.training.watch import Recent, RunningAUC, histograms_of

__all__ = ["Diverged", "Requests", "Training", "Uniform", "train"]

_APART = 2.0
"""Seconds within which further changes keep no state of their own: the steps of one move of a slider."""


class Uniform(RunFailed):
    """The gains stayed uniform in a run that was to fail then."""


def train(
    config: Config,
    data: Interactions,
    requests: Requests = list,
    folder: Path | None = None,
    start: State | None = None,
    keep: int = state.KEPT,
) -> Iterator[events.Event]:
    """Train on `data` and yield what happens; checkpoints and states go to `folder` if there is one.

    `requests` is called once before each step; `keep` says how many states to keep at most. With `start` the training
    goes on from that state, with `config`: the state's own (`start.config`), or one that differs from it in what may
    change mid-run. Raises RunFailed and InputError; everything saved before stays.
    """
    if config.model.kind == "parametric":
        if ranks.count() > 1:
            raise InputError("model.kind: the parametric model trains in one process; start it without torchrun")
        yield from curve_run.train(config, data, requests, folder)
        return
    try:
        yield from _events(Training(config, data, requests, folder, keep), start)
    except OutOfMemoryError as error:
        first = str(error).partition(". ")[0]
        raise RunFailed(
            f"{first}: the model and its batches do not fit into the device's memory. Try a smaller"
            f" training.batch_size (now {config.training.batch_size}), data.window ({config.data.window}) or"
            f" model.width ({config.model.width}), or training.device=cpu"
        ) from error


def _events(run: "Training", start: State | None) -> Iterator[events.Event]:
    yield run.started()
    run.prepare()
    if start is None:
        yield from run.epoch_end(0, {})
    else:
        snapshot.put_back(run, start)
        run.best.complete(start.config)
        live.apply(start.config, run.config, run.model, run.averaged.model, run.stepper.optimiser)
        yield events.Resumed(run.step, run.at_epoch)
        if start.about["why"] == "epoch":  # it may have been the last, since nothing improved
            run.judge(run.epochs, run.gain_std[-1][0])
    while run.at_epoch <= run.config.training.max_epochs and not run.ending:
        yield from run.epoch(run.at_epoch)
    yield run.paused() if run.end is not None and run.end.kind == "pause" else run.finished()


class Training:
    """One training: what it has, where it is, and what it does at a step, an epoch's end, its own end."""

    def __init__(self, config: Config, data: Interactions, requests: Requests, folder: Path | None, keep: int):
        self.config, self.data, self.requests, self.folder = config, data, ranks.heard(requests), folder
        self.begun, self.seconds_before = time.perf_counter(), 0.0
        self.device = pick_device(config.training.device)
        self.split = split_students(data, config.training.fold, config.training.seed)
        self.windows = windows_of(data, self.split, config.data.window, self.device)
        self.model = build(config, len(data.skills), len(self.split.train), self.device)
        self.validation = self.windows["validation"].some()
        self.steps_per_epoch = batches_per_epoch(self.windows["train"], config.training.batch_size)
        self.stepper = Stepper(self.model, config, self.steps_per_epoch, self.device)
        self.recent = Recent(len(data.skills), self.device, config.origin.reported_gain)
        self.running, self.phase, self.card = RunningAUC(), Phase(), Card(self.device)
        self.at_epoch, self.batches = 1, 0
        self.end: End | None = None
        self.reason = ""
        self.steered: set[str] = set()
        self.gain_std: list[tuple[float, float]] = []
        self.trained, self.train_seconds, self.kept_at = 0, 0.0, -_APART
        self.most_states = keep

    @property
    def step(self) -> int:
        """Optimiser steps so far."""
        return self.stepper.step

    @property
    def epochs(self) -> int:
        """Epochs that have ended; also one that was stopped on its way."""
        return self.at_epoch - 1

    @property
    def seconds(self) -> float:
        """How long it has taken, over all its parts if it was resumed."""
        return self.seconds_before + time.perf_counter() - self.begun

    @property
    def ending(self) -> bool:
        """Whether it ends before its last epoch: asked to, or since nothing improves."""
        return self.end is not None or bool(self.reason)

    def started(self) -> events.Started:
        """What is known before the first step."""
        parts = {
            name: {
                "students": len(getattr(self.split, name)),
                "windows": len(w),
                "interactions": w.interactions,
                "windows_of_one_left_out": w.left_out,
            }
            for name, w in self.windows.items()
        }
        return events.Started(
            device=str(self.device),
            versions=versions(),
            data={**self.data.summary(), "split": parts, "split_rule": self.split.rule},
            skills=self.data.skills,
            steps_per_epoch=self.steps_per_epoch,
            max_epochs=self.config.training.max_epochs,
            parameters=sum(p.numel() for p in self.model.parameters()),
        )

    def prepare(self) -> None:
        """Put what is known beforehand into the model; set up what is judged and kept."""
        prepare(self.model, self.config, self.data, self.split.train)
        ranks.agree(self.model)
        self.averaged = Averaged(self.model, self.config.training.averaging * self.steps_per_epoch)
        about = {
            "data_fingerprint": self.data.fingerprint,
            "skills": len(self.data.skills),
            "students": len(self.split.train),
        }
        self.best = Best(self.averaged.model, self.folder, about)
        give_back()

    def epoch(self, epoch: int) -> Iterator[events.Event]:
        """One pass over the training windows, or the rest of one, and its evaluation."""
        if not self.batches:
            yield from self.begin(epoch)
        self.model.train()
        training = self.config.training
        even = training.batches == "interactions"
        for batch in self.windows["train"].shuffled(training.batch_size, training.seed, epoch, self.batches, even):
            yield from self.take_requests(epoch)
            if self.end is not None:
                break
            yield from self.train_step(batch, epoch)
        if self.end is not None and (self.end.kind == "pause" or not self.running):
            return
        logged = self.running.values()
        if self.phase.encoder1 == "removed":
            del logged["train_running.encoder1_auc"]
        self.running, self.batches, self.at_epoch = RunningAUC(), 0, epoch + 1
        yield from self.epoch_end(epoch, logged)

    def begin(self, epoch: int) -> Iterator[events.Event]:
        """The phase and the scheduled weights of this epoch."""
        now = phase(self.config.regime, epoch)
        if now != self.phase:
            yield events.PhaseBegan(self.step + 1, epoch, now.encoder1, now.encoder2)
        self.phase = now
        for name, value in weights_at(self.config.regime.schedule, epoch).items():
            if f"weights.{name}" not in self.steered:
                yield from self.set(f"weights.{name}", value, SCHEDULE, epoch)

    def train_step(self, batch: Batch, epoch: int) -> Iterator[events.Event]:
        """One optimiser step and what is recorded of it."""
        if not self.config.origin.masked:
            batch = padded(batch, self.config.data.window)
        began = time.perf_counter()
        values, output = self.optimise(batch, epoch)
        self.averaged.update()
        self.recent.add(output, batch)
        if self.batches % -(-self.windows["train"].interactions // MEASURED) == 0:
            self.running.add(output, batch)
        self.batches += 1
        self.trained += batch.interactions
        self.train_seconds += time.perf_counter() - began
        log_every, probe_every = self.config.training.log_every, self.config.training.probe_every
        if self.step % log_every == 0 or self.batches == self.steps_per_epoch:
            yield self.stepped(epoch, values)
        if probe_every and self.step % probe_every == 1 % probe_every:
            probed = probe.gradients(self.model, self.config, batch, self.phase, self.stepper.memory)
            yield events.Stepped(self.step, epoch, {**probed})
        if self.step % (4 * log_every) == 0:
            yield events.GainHistograms(self.step, epoch, "train", *self.recent.histograms())

    def take_requests(self, epoch: int) -> Iterator[events.Event]:
        """Apply what was asked since the last step; the next step is the first that it acts on."""
        for asked in parsed(self.requests()):
            if isinstance(asked, End):
                self.end = asked
                yield from self.keep(asked.kind)
                continue
            try:
                if isinstance(asked, Malformed):
                    raise InputError(asked.reason)
                if asked.field in (settings := fields()) and not settings[asked.field].live:
                    raise InputError(f"{asked.field} cannot change while a run trains")
                asked_for = changed(self.config, {asked.field: asked.value})
                if asked_for != self.config and time.monotonic() - self.kept_at > _APART:
                    yield from self.keep("mark")
                self.kept_at = time.monotonic()
                yield from self.set(asked.field, asked.value, asked.who, epoch)
                self.steered.add(asked.field)
            except InputError as error:
                yield events.Refused(self.step + 1, asked.field, asked.value, str(error), asked.who)

    def set(self, name: str, value: Any, who: str, epoch: int) -> Iterator[events.Event]:
        """Change a setting from the next step on and say so; raises InputError."""
        before, self.config = self.config, changed(self.config, {name: value})
        old, new = flatten(before)[name], flatten(self.config)[name]
        if new != old:
            live.apply(before, self.config, self.model, self.averaged.model, self.stepper.optimiser)
            yield events.Changed(self.step + 1, epoch, name, old, new, who)

    def keep(self, why: str) -> Iterator[events.Event]:
        """Keep the whole state as it is between two steps, where there is a folder for it."""
        if self.folder is not None and self.most_states:
            digest = state.keep(self.folder, snapshot.taken(self, why), self.most_states)
            yield events.StateKept(self.step, self.at_epoch - (why == "epoch"), why, digest)

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
        """What is recorded of a step."""
        speed = self.trained / self.train_seconds if self.trained else None
        numbers = {name: float(value.detach()) for name, value in values.items()}
        return events.Stepped(
            self.step,
            epoch,
            {
                **numbers,
                **self.recent.values(),
                "learning_rate": self.stepper.optimiser.param_groups[0]["lr"],
                "interactions_per_second": speed,
                **self.card.values(),
            },
        )

    def epoch_end(self, epoch: int, logged: dict[str, float | None]) -> Iterator[events.Event]:
        """Evaluate on the validation students; keep each encoder's best; stop when neither improves."""
        give_back()
        model, origin = self.averaged.model, self.config.origin
        predictions = predict(model, self.validation)
        measured = measure(predictions, len(self.data.skills), origin.reported_gain)
        self.gain_std.append((measured["gain_std"] or 0.0, measured["aggregate_gain_std"] or 0.0))
        values = {f"validation.{name}": value for name, value in measured.items()} | logged
        values["validation.weighted_loss"] = weighted_loss(self.config, measured)
        values |= {f"state.{n}": v for n, v in probe.state(model, self.validation).items()}
        yield events.Evaluated(self.step, epoch, values, parameters(model.encoder2))
        reported = predictions.reported(origin.reported_gain)
        counts = histograms_of(reported, predictions.gain_skill, len(self.data.skills))
        yield events.GainHistograms(self.step, epoch, "validation", *counts)
        del predictions, reported
        give_back()
        yield from self.best.consider(self.config, measured, epoch, self.step)
        self.judge(epoch, measured["gain_std"] or 0.0)
        if self.end is None:
            yield from self.keep("epoch")

    def judge(self, epoch: int, gain_std: float) -> None:
        """End the run when neither encoder improves; fail it when its gains are uniform and that was asked for."""
        pressure, patience = self.config.pressure, self.config.training.patience
        if gain_std < pressure.fail_below and epoch >= pressure.fail_from:
            raise Uniform(
                f"gain std {gain_std:.2g} on the validation students after epoch {epoch}, under pressure.fail_below"
                f" ({pressure.fail_below:g}): the run fails, as asked. {self.saved()}"
            )
        if self.end is None and epoch - max(self.best.epochs.values()) >= patience:
            what = "validation AUC" if self.config.model.sharing == "apart" else "weighted validation loss"
            self.reason = f"neither encoder's {what} improved for {patience} epochs"

    def paused(self) -> events.Paused:
        """The end for now: the state is kept, nothing more is read."""
        assert self.end is not None
        return events.Paused(self.step, self.at_epoch, self.end.who)

    def finished(self) -> events.Finished:
        """Read every split once with each encoder at its own best epoch."""
        self.best.restore()
        model, gain = self.averaged.model, self.config.origin.reported_gain
        results, rows = final_results(model, self.data, self.split, self.windows, gain, self.folder)
        results["run"] |= onsets(self.gain_std[1:])
        stopped = f"stopped by {self.end.who}" if self.end else ""
        return events.Finished(
            status="stopped" if stopped else "finished",
            reason=stopped or self.reason or "all epochs done",
            step=self.step,
            epochs=self.epochs,
            best_epoch=self.best.epochs,
            seconds=round(self.seconds, 3),
            train_interactions_per_second=self.trained / self.train_seconds if self.trained else None,
            results=results,
            skills=rows,
        )
