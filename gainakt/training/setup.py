"""What a training needs before its first step: device, model, optimiser, versions."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from gainakt import __version__
from gainakt.config import Config
from gainakt.errors import InputError
from gainakt.model import arms
from gainakt.model.gainakt import GainAKT

_LEVEL_RATE = 20.0
"""Times Encoder 2's rate: the level starts at nothing and has far to go."""


def pick_device(name: str) -> torch.device:
    """The asked device; `auto` takes CUDA, then MPS, then the CPU. Raises InputError when it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, usable in there.items() if usable)
    if not there[name.partition(":")[0]] or not _counted(name):
        usable = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise InputError(f"training.device: {name} is not available here; available: {usable}, or auto")
    return torch.device(name)


def _counted(name: str) -> bool:
    """Whether there are as many cards as `cuda:N` takes."""
    return ":" not in name or int(name.partition(":")[2]) < torch.cuda.device_count()


def build(config: Config, skills: int, students: int, device: torch.device) -> GainAKT:
    """The untrained model, its start values drawn from the run's seed."""
    torch.manual_seed(config.training.seed)
    return _made(config, skills, students).to(device)


def without_weights(config: Config, skills: int, students: int) -> GainAKT:
    """The model without memory for its parameters, to be loaded into; draws no random number, unlike `build`."""
    with torch.device("meta"):
        return _made(config, skills, students)


def _made(config: Config, skills: int, students: int) -> GainAKT:
    sizes = (config.model, skills, students, config.data.window)
    model = GainAKT(*sizes)
    if config.model.hidden != "nothing" or config.model.counts:
        model.encoder2 = arms.encoder2(*sizes)
    return model


def optimiser(model: GainAKT, config: Config, steps_per_epoch: int) -> tuple[AdamW, LRScheduler]:
    """AdamW that decays matrices only, and the learning rate's schedule over all epochs."""
    training = config.training
    groups = [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for parameters, rate, decay in zip(_groups(model), rates(config), decays(config), strict=True)
    ]
    device = next(model.parameters()).device.type
    adam = AdamW(groups, lr=training.learning_rate, fused=device in ("cpu", "cuda"))
    steps = max(1, steps_per_epoch * training.max_epochs)
    if training.schedule == "one_cycle" and steps > 1:
        return adam, OneCycleLR(adam, max_lr=[group["lr"] for group in adam.param_groups], total_steps=steps)
    return adam, ConstantLR(adam, factor=1.0, total_iters=0)


def _groups(model: GainAKT) -> tuple[list[nn.Parameter], ...]:
    """Encoder 1's matrices and vectors (with what is shared), Encoder 2's, the mastery parameters, the level."""
    mastery = {id(p) for p in model.encoder2.mastery.parameters()}
    mastery |= {id(p) for p in model.encoder2.gains.parameters() if p.dim() == 1}
    first = {id(p) for p in model.encoder1.parameters()}
    level = [] if model.encoder2.level is None else list(model.encoder2.level.parameters())
    of_level = {id(p) for p in level}
    groups: tuple[list[nn.Parameter], ...] = ([], [], [], [], [])
    for parameter in model.parameters():
        if parameter.requires_grad and id(parameter) not in of_level:
            place = 4 if id(parameter) in mastery else 2 * (id(parameter) not in first) + (parameter.dim() <= 1)
            groups[place].append(parameter)
    return (*groups, level) if level else groups


def rates(config: Config) -> tuple[float, ...]:
    """Learning rate of each of the optimiser's groups: twice Encoder 1, twice Encoder 2, mastery parameters, level."""
    first = config.training.learning_rate
    second = first * config.training.encoder2_rate
    mastery = second * config.training.mastery_rate
    return (first, first, second, second, mastery, *([_LEVEL_RATE * second] if config.model.level != "none" else []))


def decays(config: Config) -> tuple[float, ...]:
    """Weight decay of each of the optimiser's groups."""
    decay = config.training.weight_decay
    return (decay, 0.0, decay, 0.0, 0.0, *([0.0] if config.model.level != "none" else []))


def versions() -> dict[str, str]:
    """What the numbers depend on beside configuration and data."""
    names = ("torch", "numpy", "duckdb", "scikit-learn")
    return {
        "gainakt": __version__,
        "python": platform.python_version(),
        **{name: _installed(name) for name in names},
        "threads": str(torch.get_num_threads()),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
    }


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # a machine that only trains may lack the store's package
        return "not installed"
