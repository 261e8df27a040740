"""The learning-curve model as a run: the events, splits and measures of any training; an epoch is an iteration."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gainakt.config import Config
from gainakt.curve_model.counts import practice_of
from gainakt.curve_model.fit import Fit, fitting, start
from gainakt.curve_model.scaled import scaled
from gainakt.curve_model.stored import Stored, tie_of
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import split_students
from gainakt.training import checkpoints, curve_results, events, kept_predictions, truths
from gainakt.training.requests import End, Malformed, Requests, parsed
from gainakt.training.setup import versions
from gainakt.training.watch import histograms_of

SPLITS = ("train", "validation", "test")
_EVERY = 4
"""Iterations between two evaluations."""


def train(
    config: Config, data: Interactions, requests: Requests = list, folder: Path | None = None
) -> Iterator[events.Event]:
    """Fit the learning-curve model and yield what happens, as `training.loop.train` does."""
    run = _Run(config, data)
    yield run.started()
    yield from run.evaluated()
    for fit in fitting(run.practice["train"], run.fit, config.training.max_epochs):
        run.fit = fit
        yield run.stepped()
        yield from run.take(requests())
        if run.reason:
            break
        if fit.iterations % _EVERY == 0 and not fit.converged:
            yield from run.evaluated()
    if run.fit.iterations:
        yield from run.evaluated()
    if folder is not None:
        yield run.saved(folder)
    yield run.finished(folder)


def outcome(
    fit: Fit, config: Config, data: Interactions, folder: Path | None = None
) -> tuple[truths.Results, list[dict[str, Any]]]:
    """Metrics of every split, of the run and of the recovery of a truth; and the table of skills.

    The predictions of the test students are kept in `folder`.
    """
    split = split_students(data, config.training.fold, config.training.seed)
    practice = {name: practice_of(data, getattr(split, name), config.data.window) for name in SPLITS}
    predictions = {name: curve_results.predictions(fit, part, data) for name, part in practice.items()}
    results = {
        name: curve_results.measured(part, len(data.skills)) | {"beta_std": 0.0} for name, part in predictions.items()
    }
    rows, results["run"] = curve_results.skill_rows(fit, data.skills, predictions["train"], predictions["validation"])
    place = practice["test"].place[practice["test"].scored]
    if folder is not None:
        kept_predictions.keep(folder, predictions["test"], place, data, ("encoder2",))
    learned = curve_results.learned(fit, rows, len(split.train))
    return results | truths.of_learned(learned, data, split, (place, predictions["test"].mastery), rows), rows


class _Run:
    """The state of one fit."""

    def __init__(self, config: Config, data: Interactions):
        self.config, self.data, self.begun, self.reason = config, data, time.perf_counter(), ""
        self.split = split_students(data, config.training.fold, config.training.seed)
        window = config.data.window
        self.practice = {name: practice_of(data, getattr(self.split, name), window) for name in SPLITS}
        self.fit = start(len(data.skills), tie_of(config))
        self.auc = 0.0

    def started(self) -> events.Started:
        kept = {
            name: {"students": len(getattr(self.split, name)), "windows": part.windows, "interactions": len(part)}
            for name, part in self.practice.items()
        }
        return events.Started(
            device="cpu",
            versions=versions(),
            data={**self.data.summary(), "split": kept, "split_rule": self.split.rule},
            skills=self.data.skills,
            steps_per_epoch=1,
            max_epochs=self.config.training.max_epochs,
            parameters=self.fit.theta.size,
        )

    def stepped(self) -> events.Stepped:
        loss = -self.fit.objective / len(self.practice["train"])
        values = {"loss.total": loss, "loss.im": loss, "ability_std": self.fit.sigma, **self.gains()}
        return events.Stepped(self.fit.iterations, self.fit.iterations, values)

    def gains(self) -> dict[str, float | None]:
        practice = self.practice["train"]
        gain = scaled(self.fit).gain[practice.skill, practice.response]
        return {"gain_mean": float(gain.mean()), "gain_std": float(gain.std())}

    def take(self, rows: list[dict[str, Any]]) -> Iterator[events.Event]:
        """Stop when that is asked; nothing else can change while the curves are fitted."""
        for asked in parsed(rows):
            if isinstance(asked, End):
                self.reason = f"stopped by {asked.who}"
                continue
            why = "the learning-curve model has no setting that can change while it is fitted"
            if isinstance(asked, Malformed):
                why = asked.reason
            yield events.Refused(self.fit.iterations + 1, asked.field, asked.value, why, asked.who)

    def evaluated(self) -> Iterator[events.Event]:
        """Metrics of the validation students, their gains."""
        at, skills = self.fit.iterations, len(self.data.skills)
        predictions = curve_results.predictions(self.fit, self.practice["validation"], self.data)
        results = curve_results.measured(predictions, skills)
        self.auc = results["encoder2_auc"] or 0.0
        values = {f"validation.{name}": value for name, value in results.items()}
        yield events.Evaluated(at, at, values, curve_results.parameters(self.fit))
        yield events.GainHistograms(
            at, at, "validation", *histograms_of(predictions.gain, predictions.gain_skill, skills)
        )

    def saved(self, folder: Path) -> events.Checkpointed:
        at = self.fit.iterations
        about = {
            "encoder": "encoder2",
            "epoch": at,
            "step": at,
            "validation_auc": self.auc,
            "config": self.config.model_dump(),
            "data_fingerprint": self.data.fingerprint,
            "skills": len(self.data.skills),
            "students": len(self.split.train),
        }
        file, digest = checkpoints.save(Stored(self.fit).state_dict(), folder, "encoder2", about)
        return events.Checkpointed(at, at, "encoder2", self.auc, file, digest)

    def finished(self, folder: Path | None) -> events.Finished:
        seconds, at = time.perf_counter() - self.begun, self.fit.iterations
        results, rows = outcome(self.fit, self.config, self.data, folder)
        ended = "converged" if self.fit.converged else "all epochs done"
        return events.Finished(
            status="stopped" if self.reason else "finished",
            reason=self.reason or ended,
            step=at,
            epochs=at,
            best_epoch={"encoder2": at},
            seconds=round(time.perf_counter() - self.begun, 3),
            train_interactions_per_second=at * len(self.practice["train"]) / seconds if at else None,
            results=results,
            skills=rows,
        )
