"""`train`: a generator of typed events; who consumes it decides where they go."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gainakt import config as settings
from gainakt import losses
from gainakt.config import Config
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Batch, Windows, batches_per_epoch, split_students
from gainakt.errors import InputError
from gainakt.model.gainakt import GainAKT, Output
from gainakt.training import checkpoints, events
from gainakt.training.evaluate import Predictions, measure, parameters, predict, seed_forms, skill_table
from gainakt.training.setup import build, optimiser, pick_device, versions
from gainakt.training.watch import Recent, RunningAUC, histograms_of

Requests = Callable[[], list[dict[str, Any]]]
"""Gives the control requests since the last call: {"kind": "set", "field", "value", "who"}, {"kind": "stop", "who"}."""

UNIFORM_STD, SPREAD_STD = 0.01, 0.10
"""Gain std under which gains count as uniform, and over which the seed's criterion counts them as spread."""
_GAIN_SKILLS = 256
"""At most this many skills, drawn anew each step, enter the terms that compare gains of all skills."""
_EXPLODED = 1e4


class Diverged(RuntimeError):
    """The loss became NaN, infinite or absurd; the message says where and what to try."""


def train(
    config: Config, data: Interactions, requests: Requests = list, folder: Path | None = None
) -> Iterator[events.Event]:
    """Train on `data` and yield what happens; checkpoints go to `folder` if there is one.

    `requests` is read once per step. Raises Diverged and InputError; everything saved before stays.
    """
    run = _Run(config, data, requests, folder)
    yield run.started()
    yield from run.epoch_end(0, {})
    for epoch in range(1, config.training.max_epochs + 1):
        yield from run.epoch(epoch)
        if run.reason:
            break
    yield run.finished()


class _Run:
    """The state of one training."""

    def __init__(self, config: Config, data: Interactions, requests: Requests, folder: Path | None):
        self.config, self.data, self.requests, self.folder = config, data, requests, folder
        self.begun = time.perf_counter()
        self.device = pick_device(config.training.device)
        self.split = split_students(data, config.training.fold, config.training.seed)
        self.windows = {
            name: Windows(data, getattr(self.split, name), config.data.window, name == "train", self.device)
            for name in ("train", "validation", "test")
        }
        self.model = build(config, len(data.skills), len(self.split.train), self.device)
        self.steps_per_epoch = batches_per_epoch(self.windows["train"], config.training.batch_size)
        self.optimiser, self.schedule = optimiser(self.model, config, self.steps_per_epoch)
        self.recent = Recent(len(data.skills), self.device)
        self.chooser = torch.Generator().manual_seed(config.training.seed)
        self.step, self.epochs, self.reason = 0, 0, ""
        self.best: dict[str, tuple[float, int, dict[str, Tensor]]] = {}
        self.gain_std: list[tuple[float, float]] = []
        self.trained, self.train_seconds = 0, 0.0

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

    def epoch(self, epoch: int) -> Iterator[events.Event]:
        """One pass over the training windows and its evaluation."""
        seed, size = self.config.training.seed, self.config.training.batch_size
        running, self.model = RunningAUC(), self.model.train()
        for batch in self.windows["train"].shuffled(size, seed, epoch):
            yield from self.take_requests(epoch)
            if self.reason:
                break
            began = time.perf_counter()
            values, output = self.optimise(batch, epoch)
            self.recent.add(output, batch)
            running.add(output, batch)
            self.trained += batch.interactions
            self.train_seconds += time.perf_counter() - began
            if self.step % self.config.training.log_every == 0:
                yield self.stepped(epoch, values)
            if self.step % (4 * self.config.training.log_every) == 0:
                yield events.GainsSeen(self.step, epoch, "train", *self.recent.histograms())
        if not (self.reason and not running.seen):
            yield from self.epoch_end(epoch, running.values())

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
                old = settings.flatten(self.config).get(name)
                self.config = settings.changed(self.config, {name: value})
                new = settings.flatten(self.config)[name]
                if new != old:
                    yield events.Changed(self.step + 1, epoch, name, old, new, who)
            except InputError as error:
                yield events.Refused(self.step + 1, name, value, str(error), who)

    def optimise(self, batch: Batch, epoch: int) -> tuple[dict[str, Tensor], Output]:
        """One optimiser step; returns the loss terms as tensors, so that nothing waits for the device."""
        self.step += 1
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            output = self.model(batch)
            terms = self.terms(output, batch)
            loss = losses.total(terms, self.config.weights)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.training.clip_norm)
        values = {"loss.total": loss, **{f"loss.{k}": v for k, v in terms.items()}, "gradient_norm": norm}
        if self.device.type == "cpu" or self.step % self.config.training.log_every == 0:
            self.check(values, epoch)
        self.optimiser.step()
        self.schedule.step()
        self.model.encoder2.mastery.constrain()
        return values, output

    def terms(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        """Every loss term of a batch that has a weight, unweighted."""
        encoder2 = self.model.encoder2

        def gains_of_all() -> Tensor:
            skills, valid = len(self.data.skills), batch.valid
            order = torch.randperm(skills, generator=self.chooser)[:_GAIN_SKILLS].to(self.device)
            return torch.sigmoid(encoder2.gains.every(output.states[valid], batch.response[valid], order).float())

        return {
            "bce": losses.cross_entropy(output.logits1, batch.target, batch.scored),
            "im": losses.cross_entropy(output.logits2, batch.target, batch.scored),
            **losses.differentiation(gains_of_all, encoder2.mastery.beta, self.config.losses, self.config.weights),
        }

    def check(self, values: dict[str, Tensor], epoch: int) -> None:
        """Raise Diverged when a term or the gradient is no usable number."""
        weights = self.config.weights
        limit = _EXPLODED * (1 + max(weights.variance, weights.contrastive))
        for name, value in values.items():
            number = float(value.detach())
            if not (math.isfinite(number) and abs(number) < limit):
                saved = ", ".join(f"{encoder} of epoch {best[1]}" for encoder, best in self.best.items())
                raise Diverged(
                    f"{name} became {number:g} at step {self.step} (epoch {epoch}); training stopped. Last good"
                    f" checkpoints: {saved}. Try a smaller training.learning_rate (now"
                    f" {self.config.training.learning_rate:g}) or smaller loss weights"
                )

    def stepped(self, epoch: int, values: dict[str, Tensor]) -> events.Stepped:
        speed = self.trained / self.train_seconds if self.trained else None
        numbers = {name: float(value.detach()) for name, value in values.items()}
        return events.Stepped(self.step, epoch, {
            **numbers, **self.recent.values(),
            "learning_rate": self.optimiser.param_groups[0]["lr"], "interactions_per_second": speed,
        })  # fmt: skip

    def epoch_end(self, epoch: int, running: dict[str, float | None]) -> Iterator[events.Event]:
        """Evaluate on the validation students; keep each encoder's best; stop when neither improves."""
        self.epochs = epoch
        seen = predict(self.model, self.windows["validation"])
        found = measure(seen, len(self.data.skills))
        self.gain_std.append((found["gain_std"] or 0.0, found["aggregate_gain_std"] or 0.0))
        values = {f"validation.{name}": value for name, value in found.items()} | running
        yield events.Evaluated(self.step, epoch, values, parameters(self.model.encoder2))
        counts = histograms_of(seen.gain, seen.gain_skill, len(self.data.skills))
        yield events.GainsSeen(self.step, epoch, "validation", *counts)
        for encoder in ("encoder1", "encoder2"):
            score = found[f"{encoder}_auc"] or 0.0
            if encoder not in self.best or score > self.best[encoder][0]:
                yield from self.keep(encoder, score, epoch)
        latest = max(kept[1] for kept in self.best.values())
        if not self.reason and epoch - latest >= self.config.training.patience:
            self.reason = f"neither encoder's validation AUC improved for {self.config.training.patience} epochs"

    def keep(self, encoder: str, score: float, epoch: int) -> Iterator[events.Event]:
        module = getattr(self.model, encoder)
        self.best[encoder] = (score, epoch, copy.deepcopy(module.state_dict()))
        if self.folder is None:
            return
        about = {
            "encoder": encoder, "epoch": epoch, "step": self.step, "validation_auc": score,
            "config": self.config.model_dump(), "data_fingerprint": self.data.fingerprint,
            "skills": len(self.data.skills), "students": len(self.split.train),
        }  # fmt: skip
        file, digest = checkpoints.save(module, self.folder, encoder, about)
        yield events.Checkpointed(self.step, epoch, encoder, score, file, digest)

    def finished(self) -> events.Finished:
        """Read every split once with each encoder at its own best epoch."""
        for encoder, (_, _, weights) in self.best.items():
            getattr(self.model, encoder).load_state_dict(weights)
        results, rows = final_results(self.model, self.windows, self.data.skills)
        trained = self.gain_std[1:]
        results["run"] |= {
            "uniform_since": _since([std < UNIFORM_STD for std, _ in trained]),
            "spread_since": _since([std >= SPREAD_STD for std, _ in trained]),
            "aggregate_uniform_since": _since([std < UNIFORM_STD for _, std in trained]),
        }
        return events.Finished(
            status="stopped" if self.reason.startswith("stopped by") else "finished",
            reason=self.reason or "all epochs done", step=self.step, epochs=self.epochs,
            best_epoch={name: kept[1] for name, kept in self.best.items()},
            seconds=round(time.perf_counter() - self.begun, 3),
            train_interactions_per_second=self.trained / self.train_seconds if self.trained else None,
            results=results, skills=rows,
        )  # fmt: skip


def final_results(
    model: GainAKT, windows: dict[str, Windows], labels: list[str]
) -> tuple[dict[str, dict[str, float | None]], list[dict[str, Any]]]:
    """Metrics of every split and of the run (`run`), and the table of skills (training and validation students)."""
    seen: dict[str, Predictions] = {name: predict(model, part) for name, part in windows.items()}
    results = {name: measure(part, len(labels)) | seed_forms(model, windows[name]) for name, part in seen.items()}
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
