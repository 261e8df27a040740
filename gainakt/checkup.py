"""A saved run's checkpoint measured for the diagnosis: pull of the loss terms, saturation, bounds, distinct gains."""

import time
from pathlib import Path
from typing import Any

from gainakt.evaluation import reload
from gainakt.facts import MEASURED
from gainakt.store import Run, RunFolder
from gainakt.training import probe
from gainakt.training.setup import build


def measure(run: Run, root: Path) -> dict[str, Any]:
    """Look into the run's best checkpoint and its untrained start, and add what is seen to its journal.

    The row holds `state` and `start` (`training.probe.state` of the validation students), `gradients`
    (`training.probe.gradients` of a training batch, with the weights the run began with) and `seconds`.
    Raises InputError when a checkpoint is missing or the data have changed.
    """
    begun = time.perf_counter()
    config, data, model, windows = reload(run, root)
    batch = next(windows["train"].shuffled(config.training.batch_size, config.training.seed, 1))
    fresh = build(config, len(data.skills), len(model.encoder2.mastery.gamma), windows["train"].device)
    row = {
        "kind": MEASURED, "state": probe.state(model, windows["validation"]),
        "start": probe.state(fresh, windows["validation"]), "gradients": probe.gradients(model, config, batch),
        "seconds": round(time.perf_counter() - begun, 3),
    }  # fmt: skip
    with RunFolder(root, run.run_id) as folder:
        folder.append(row)
    return row
