"""The test on a saved run, from its checkpoints."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.config import Config
from gainakt.curve_model.predict import log_loss
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import split_students
from gainakt.measures import metrics
from gainakt.store import Run
from gainakt.training.evaluate import predict, skill_table
from gainakt.training.saved import opened, reload_curve_model
from gainakt.verdict.progress import Progress
from gainakt.verdict.run_practice import (
    HELD_OUT,
    SPLITS,
    RunPractice,
    information_used,
    log_loss_rise,
    losses_without_practice,
    of_curve_model,
    of_model,
    own_sizes,
)
from gainakt.verdict.statistics import Question


def run_test(run: Run, root: Path, progress: Progress) -> tuple[Config, Interactions, dict[Question, dict[str, Any]]]:
    """The run's configuration and data, and what the test on the run finds for each question.

    `value`, `low`, `high`: how much its held-out log-loss rises when the difference is removed; `size`: its effect
    size; `carried`: the information used.
    """
    progress(0.0, "reading the run and its data")
    if (run.config.get("model") or {}).get("kind") == "parametric":
        config, data, practice, actual, without = _of_curve_model(run, root)
    else:
        config, data, practice, actual, without = _of_encoders(run, root)
    progress(0.5, "testing the run: does it predict worse without its differences?")
    size, used = own_sizes(practice), information_used(practice, actual, without)
    return (
        config,
        data,
        {
            question: asdict(rise) | {"size": size[question], "carried": used}
            for question, rise in log_loss_rise(practice).items()
        },
    )


_Losses = NDArray[np.floating]
_Parts = tuple[Config, Interactions, RunPractice, _Losses, _Losses | None]
"""Configuration, data, practice, log-loss (M,) of the run's held-out predictions, and that without its practice."""


def _of_curve_model(run: Run, root: Path) -> _Parts:
    config, data, fit = reload_curve_model(run, root)
    split = split_students(data, config.training.fold, config.training.seed)
    practice = of_curve_model(fit, data, split, config.data.window)
    actual = np.concatenate([log_loss(fit, practice.counts[name]) for name in HELD_OUT])
    return config, data, practice, actual, None


def _of_encoders(run: Run, root: Path) -> _Parts:
    one = opened(run, root)
    config, data, model, windows = one.config, one.data, one.model, one.windows
    predictions = {name: predict(model, windows[name]) for name in SPLITS}
    rows, _ = skill_table(model.encoder2, data.skills, predictions["train"], predictions["validation"])
    practice = of_model(model, data, one.split, windows, metrics.column(rows, "effective_rate"))
    held_out = [predictions[name] for name in HELD_OUT]
    actual = np.concatenate([metrics.log_losses(part.target, part.p2) for part in held_out])
    return config, data, practice, actual, losses_without_practice(model, practice, windows)
