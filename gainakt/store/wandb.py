"""Runs as folders that `wandb sync` uploads: settings as config, series and final measures as history."""

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from gainakt.errors import InputError
from gainakt.store.entities import Run
from gainakt.store.points import points, refuse_what_is_there
from gainakt.store.reader import Reader

QUIET = {"silent": True, "console": "off", "disable_git": True, "disable_code": True, "x_disable_stats": True,
         "x_disable_meta": True, "x_save_requirements": False}  # fmt: skip
"""W&B prints nothing and records nothing of this machine: the run was trained elsewhere, at another time."""


def export_wandb(store: Reader, runs: Sequence[Run], folder: Path) -> dict[str, int]:
    """Write `folder`/wandb/offline-run-... for each run, without network or login; run -> numbers written.

    Runs of one preset on the same data form a group. Raises InputError where W&B's package is not installed or
    `folder`/wandb is there already.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # it reports its own errors over the network otherwise
    try:
        import wandb
    except ImportError:
        raise InputError("these folders are written by W&B's package: pip install wandb==0.30.0") from None
    refuse_what_is_there([folder / "wandb"])
    (folder / "wandb").mkdir(parents=True)
    return {run.run_id: _write(wandb, store, run, folder) for run in runs}


def _write(wandb: Any, store: Reader, run: Run, folder: Path) -> int:
    found = sorted(points(store, run), key=lambda one: one.step)  # W&B drops a step that is before the last
    group = " on ".join(part for part in (run.preset, run.data_name) if part)
    with wandb.init(
        mode="offline", dir=str(folder.absolute()), project="gainakt", group=group or None, id=run.run_id,
        name=run.name, config=run.config, tags=list(run.tags), notes=run.notes, reinit="create_new",
        settings=wandb.Settings(**QUIET),
    ) as there:  # fmt: skip
        for step, row in groupby(found, key=lambda one: one.step):
            of_step = list(row)
            there.log({"_timestamp": max(one.time for one in of_step)} | {one.name: one.value for one in of_step}, step)
    return len(found)
