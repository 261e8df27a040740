"""From a training under way to its `State`, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gainakt.config import Config, fields, flatten
from gainakt.errors import InputError
from gainakt.losses.adversary import Judge
from gainakt.training.regimes import Phase
from gainakt.training.state import State, packed, unpacked

if TYPE_CHECKING:
    from gainakt.training.loop import Training

FREE = (
    "regime.",
    "pressure.",
    "training.max_epochs",
    "training.patience",
    "training.log_every",
    "training.probe_every",
    "losses.",
    "weights.",
    "origin.reported_gain",
)
"""Beside the live settings, what may differ between a state and the training that goes on from it."""


def taken(run: "Training", why: str) -> State:
    """The state of a training between two steps; `why` it is kept helps to choose a moment."""
    stepper, memory = run.stepper, run.stepper.memory
    tensors = {
        **packed("model", run.model.state_dict()),
        **packed("optimiser", _optimiser_tensors(stepper.optimiser)),
        **packed("recent", run.recent.tensors()),
        **packed("running", run.running.tensors()),
        "random/torch": torch.get_rng_state(),
        "random/terms": stepper.generator.get_state(),
    }
    if run.device.type == "cuda":
        tensors["random/cuda"] = torch.cuda.get_rng_state(run.device)
    if run.averaged.average is not None:
        tensors |= packed("average", run.averaged.average.state_dict())
    for encoder, best in run.best.kept.items():
        tensors |= packed(f"best/{encoder}", best[2])
    if stepper.multipliers:
        tensors |= packed("multipliers", stepper.multipliers.prices)
    judge = memory.get("adversary")
    if isinstance(judge, Judge):
        layers = {str(place): layer for place, layer in enumerate(judge.layers)}
        tensors |= packed("adversary", layers) | packed("adversary-optimiser", _optimiser_tensors(judge.adam))
    groups = [{k: v for k, v in group.items() if k != "params"} for group in stepper.optimiser.param_groups]
    rejection = stepper.rejection
    values = {
        "config": run.config.model_dump(),
        "groups": groups,
        "schedule": stepper.schedule.state_dict(),
        "batches": run.batches,
        "phase": asdict(run.phase),
        "steered": sorted(run.steered),
        "gain_std": run.gain_std,
        "trained": run.trained,
        "train_seconds": run.train_seconds,
        "seconds": run.seconds,
        "best": {encoder: list(best[:2]) for encoder, best in run.best.kept.items()},
        "rejection": [rejection.steps, rejection.rejected, rejection.in_a_row] if rejection else None,
    }
    about = {
        "step": stepper.step,
        "epoch": run.at_epoch,
        "why": why,
        "data_fingerprint": run.data.fingerprint,
    }
    return State(tensors, values, about)


def put_back(run: "Training", state: State) -> None:
    """Bring a fresh training to the state; raises InputError where it belongs to other data or another model."""
    check(run.config, run.data.fingerprint, state)
    tensors, values, stepper = state.tensors, state.values, run.stepper
    run.model.load_state_dict(unpacked("model", tensors))
    _restore_optimiser(stepper.optimiser, unpacked("optimiser", tensors))
    for group, kept in zip(stepper.optimiser.param_groups, values["groups"], strict=True):
        group.update({name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()})
    stepper.schedule.load_state_dict(values["schedule"] | _length(stepper.schedule, values["schedule"]))
    stepper.step = state.step
    if run.averaged.average is not None:
        run.averaged.average.load_state_dict(unpacked("average", tensors))
    for encoder, (score, epoch) in values["best"].items():
        run.best.kept[encoder] = (score, int(epoch), unpacked(f"best/{encoder}", tensors))
    if stepper.multipliers:
        prices, kept_prices = stepper.multipliers.prices, unpacked("multipliers", tensors)
        prices |= {name: price.to(run.device) for name, price in kept_prices.items() if name in prices}
    if stepper.rejection and values["rejection"]:
        stepper.rejection.steps, stepper.rejection.rejected, stepper.rejection.in_a_row = values["rejection"]
    if layers := unpacked("adversary", tensors):
        judge = Judge(run.config.training.seed, run.device)
        with torch.no_grad():
            for place, layer in enumerate(judge.layers):
                layer.copy_(layers[str(place)])
        _restore_optimiser(judge.adam, unpacked("adversary-optimiser", tensors))
        stepper.memory["adversary"] = judge
    run.recent.restore(unpacked("recent", tensors))
    run.running.restore(unpacked("running", tensors))
    run.batches, run.phase = values["batches"], Phase(**values["phase"])
    run.steered, run.gain_std = set(values["steered"]), [tuple(pair) for pair in values["gain_std"]]
    run.trained, run.train_seconds, run.seconds_before = values["trained"], values["train_seconds"], values["seconds"]
    run.at_epoch = int(state.about["epoch"])
    stepper.generator.set_state(tensors["random/terms"])
    torch.set_rng_state(tensors["random/torch"])
    if run.device.type == "cuda" and "random/cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random/cuda"], run.device)


def _length(schedule: LRScheduler, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Where the training shall be longer or shorter than the state's: the cycle goes on along its new length."""
    own = schedule.state_dict()
    return {name: own[name] for name in ("total_steps", "_schedule_phases") if name in own and name in kept}


def check(config: Config, fingerprint: str, state: State) -> None:
    """Raise InputError where a training with this configuration and data cannot go on from the state."""
    if state.about["data_fingerprint"] != fingerprint:
        raise InputError(
            f"the data have changed (fingerprint {fingerprint}, the state is of {state.about['data_fingerprint']});"
            " restore them, or start a new run"
        )
    before, now = flatten(state.config), flatten(config)
    if differs := [name for name in now if now[name] != before[name] and not _may_differ(name)]:
        listed = ", ".join(f"{name} ({before[name]} there, {now[name]} asked)" for name in differs)
        raise InputError(f"a training cannot go on from another one's state with other {listed}; start a new run")


def _may_differ(name: str) -> bool:
    return fields()[name].live or name.startswith(FREE)


def _optimiser_tensors(optimiser: Optimizer) -> dict[str, Tensor]:
    """An optimiser's memory of each parameter, by place and name."""
    kept: Mapping[Any, Mapping[str, Tensor]] = optimiser.state_dict()["state"]
    return {f"{place}/{name}": value for place, part in kept.items() for name, value in part.items()}


def _restore_optimiser(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    kept: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        place, _, part = name.partition("/")
        kept.setdefault(int(place), {})[part] = value
    optimiser.load_state_dict({"state": kept, "param_groups": optimiser.state_dict()["param_groups"]})
