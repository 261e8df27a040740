"""A saved run, measured anew: its data, its checkpoints, the same metrics."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gainakt.config import Config, stored
from gainakt.curve_model.fit import Fit
from gainakt.curve_model.stored import restored
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Split, Windows, split_students, windows_of
from gainakt.datasets.load import load
from gainakt.errors import InputError, read_only
from gainakt.model.gainakt import GainAKT
from gainakt.store import Run, RunFolder
from gainakt.training import checkpoints
from gainakt.training.curve_run import outcome
from gainakt.training.results import final_results
from gainakt.training.setup import pick_device, without_weights


@dataclass(frozen=True)
class Opened:
    """A saved run ready to be asked: each encoder at its best epoch so far, its data and its split of students."""

    config: Config
    data: Interactions
    split: Split
    model: GainAKT

    @property
    def windows(self) -> dict[str, Windows]:
        """The windows of each split, on the model's device."""
        device = next(self.model.parameters()).device
        return windows_of(self.data, self.split, self.config.data.window, device)


def recorded(run: Run) -> tuple[Config, Interactions]:
    """A saved run's configuration and data; raises InputError when the data are no longer those it was trained on."""
    if run.published:
        raise InputError(f"run {run.run_id} is a published record: it has no checkpoints; train its preset instead")
    if run.yardstick:
        raise InputError(f"run {run.run_id} is a yardstick: it keeps no model, only its results and predictions")
    config = stored(run.config)
    data = load(config.data)
    if run.data_fingerprint and data.fingerprint != run.data_fingerprint:
        raise InputError(
            f"{data.source}: the data have changed (fingerprint {data.fingerprint}, the run was trained on"
            f" {run.data_fingerprint}); restore them to evaluate run {run.run_id}"
        )
    return config, data


def opened(run: Run, root: Path, before: Opened | None = None) -> Opened:
    """A saved run's model and data, without drawing a random number: a training in this process keeps its own.

    `before` is the same run opened earlier, whose data are taken over. Raises InputError when a checkpoint is missing,
    the data have changed, or the run is a learning-curve model.
    """
    config, data = recorded(run) if before is None else (before.config, before.data)
    if config.model.kind == "parametric":
        raise InputError(f"run {run.run_id} is a learning-curve model: it has no encoders to look into")
    split = split_students(data, config.training.fold, config.training.seed) if before is None else before.split
    model = without_weights(config, len(data.skills), len(split.train))
    folder = RunFolder(root, run.run_id).folder
    for encoder in ("encoder1", "encoder2"):
        getattr(model, encoder).load_state_dict(checkpoints.load(folder, encoder), assign=True)
    return Opened(config, data, split, model.requires_grad_(False).to(pick_device(config.training.device)).eval())


def reload_curve_model(run: Run, root: Path) -> tuple[Config, Interactions, Fit]:
    """A saved learning-curve model's configuration, data and fit; raises InputError as `opened` does."""
    config, data = recorded(run)
    return config, data, restored(checkpoints.load(RunFolder(root, run.run_id).folder, "encoder2"), config)


def reevaluate(run: Run, root: Path) -> dict[str, Any]:
    """Metrics of a saved run by split, of what it learned, and of the recovery of a truth, from its checkpoints.

    Its predictions of the test students are written to its folder, which older runs have none in; not by a visitor.
    """
    folder = None if read_only() else RunFolder(root, run.run_id).folder
    if not run.published and stored(run.config).model.kind == "parametric":
        config, data, fit = reload_curve_model(run, root)
        return dict(outcome(fit, config, data, folder)[0])
    one = opened(run, root)
    gain = one.config.origin.reported_gain
    return dict(final_results(one.model, one.data, one.split, one.windows, gain, folder)[0])
