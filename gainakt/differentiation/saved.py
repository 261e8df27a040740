"""The own account of a saved run, from its checkpoints."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gainakt.config import Config
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import split_students
from gainakt.differentiation import own
from gainakt.differentiation.evidence import Interval, Question
from gainakt.evaluation import reload, reload_stand_in
from gainakt.store import Run
from gainakt.training.evaluate import predict, skill_table


def account(
    run: Run, root: Path, report: Callable[[float, str], None]
) -> tuple[Config, Interactions, dict[Question, Interval]]:
    """The run's configuration and data, and how much its log-loss worsens when it is made equal."""
    report(0.0, "reading the run and its data")
    if (run.config.get("model") or {}).get("kind") == "parametric":
        config, data, fit = reload_stand_in(run, root)
        split = split_students(data, config.training.fold, config.training.seed)
        mine = own.of_stand_in(fit, data, split, config.data.window)
    else:
        config, data, model, windows = reload(run, root)
        split = split_students(data, config.training.fold, config.training.seed)
        known = [predict(model, windows[name]) for name in ("train", "validation")]
        rows, _ = skill_table(model.encoder2, data.skills, *known)
        rate = np.array([np.nan if row["effective_rate"] is None else row["effective_rate"] for row in rows])
        mine = own.of_model(model, data, split, windows, rate)
    report(0.5, "the run's own account: made equal, does it predict worse?")
    return config, data, own.worsening(mine)
