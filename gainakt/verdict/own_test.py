"""The own account of a saved run, from its checkpoints."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.config import Config
from gainakt.curve_model.predict import log_loss
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import split_students
from gainakt.measures.predictions import Predictions
from gainakt.store import Run
from gainakt.training.evaluate import predict, skill_table
from gainakt.training.saved import reload, reload_curve_model
from gainakt.verdict import equalised as own
from gainakt.verdict.evidence import Question


def account(
    run: Run, root: Path, report: Callable[[float, str], None]
) -> tuple[Config, Interactions, dict[Question, dict[str, Any]]]:
    """The run's configuration and data, and its own account of each question.

    How much its log-loss worsens when made equal (value, low, high), the `size` of its differences, and what share of
    its practice's worth it has `carried`.
    """
    report(0.0, "reading the run and its data")
    if (run.config.get("model") or {}).get("kind") == "parametric":
        config, data, fit = reload_curve_model(run, root)
        split = split_students(data, config.training.fold, config.training.seed)
        mine = own.of_curve_model(fit, data, split, config.data.window)
        actual = [log_loss(fit, mine.counts[name]) for name in own.HELD_OUT]
    else:
        config, data, model, windows = reload(run, root)
        split = split_students(data, config.training.fold, config.training.seed)
        seen = {name: predict(model, windows[name]) for name in own.SPLITS}
        rows, _ = skill_table(model.encoder2, data.skills, seen["train"], seen["validation"])
        rate = np.array([np.nan if row["effective_rate"] is None else row["effective_rate"] for row in rows])
        mine = own.of_model(model, data, split, windows, rate)
        actual = [_lost(seen[name]) for name in own.HELD_OUT]
    report(0.5, "the run's own account: made equal, does it predict worse?")
    size, carried = own.size(mine), own.carried(mine, np.concatenate(actual))
    told = {
        name: asdict(found) | {"size": size[name], "carried": carried} for name, found in own.worsening(mine).items()
    }
    return config, data, told


def _lost(seen: Predictions) -> NDArray[np.floating]:
    """Log-loss (M,) of Encoder 2's predictions."""
    p = np.clip(seen.p2.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.asarray(-np.where(seen.target > 0, np.log(p), np.log1p(-p)))
