"""A saved run, measured anew: its data, its checkpoints, the same metrics."""

from pathlib import Path
from typing import Any

from gainakt.config import Config
from gainakt.data.interactions import Interactions
from gainakt.data.load import load
from gainakt.data.sequences import Windows, split_students
from gainakt.errors import InputError
from gainakt.model.gainakt import GainAKT
from gainakt.store import Run, RunFolder
from gainakt.training import checkpoints
from gainakt.training.loop import final_results
from gainakt.training.setup import build, pick_device


def reload(run: Run, root: Path) -> tuple[Config, Interactions, GainAKT, dict[str, Windows]]:
    """A saved run's configuration, data, model (each encoder at its best epoch) and windows by split.

    Raises InputError when a checkpoint is missing or the data are no longer those it was trained on.
    """
    if run.published:
        raise InputError(f"run {run.run_id} is a published record: it has no checkpoints; train its preset instead")
    config = Config.model_validate(run.config)
    data = load(config.data)
    if run.data_fingerprint and data.fingerprint != run.data_fingerprint:
        raise InputError(
            f"{data.source}: the data have changed (fingerprint {data.fingerprint}, the run was trained on"
            f" {run.data_fingerprint}); restore them to evaluate run {run.run_id}"
        )
    device = pick_device(config.training.device)
    split = split_students(data, config.training.fold, config.training.seed)
    model = build(config, len(data.skills), len(split.train), device)
    folder = RunFolder(root, run.run_id).folder
    for encoder in ("encoder1", "encoder2"):
        getattr(model, encoder).load_state_dict(checkpoints.load(folder, encoder))
    windows = {
        name: Windows(data, getattr(split, name), config.data.window, name == "train", device)
        for name in ("train", "validation", "test")
    }
    return config, data, model, windows


def reevaluate(run: Run, root: Path) -> dict[str, Any]:
    """Metrics of a saved run by split, from its checkpoints and data."""
    config, data, model, windows = reload(run, root)
    results, _ = final_results(model, windows, data.skills, config.origin.reported_gain)
    return dict(results)
