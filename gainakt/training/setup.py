"""What a training needs before its first step: device, model, optimiser, versions."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from gainakt import __version__
from gainakt.config import Config
from gainakt.errors import InputError
from gainakt.model import arms
from gainakt.model.gainakt import GainAKT


def pick_device(name: str) -> torch.device:
    """The asked device; `auto` takes CUDA, then MPS, then the CPU. Raises InputError when it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, usable in there.items() if usable)
    if not there[name]:
        usable = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise InputError(f"training.device: {name} is not available here; available: {usable}, or auto")
    return torch.device(name)


def build(config: Config, skills: int, students: int, device: torch.device) -> GainAKT:
    """The untrained model, its start values drawn from the run's seed."""
    torch.manual_seed(config.training.seed)
    sizes = (config.model, skills, students, config.data.window)
    model = GainAKT(*sizes)
    if config.model.hidden != "nothing" or config.model.ability or config.model.counts:
        model.encoder2 = arms.encoder2(*sizes)
    return model.to(device)


def optimiser(model: GainAKT, config: Config, steps_per_epoch: int) -> tuple[AdamW, LRScheduler]:
    """AdamW that decays matrices only, and the learning rate's schedule over the epochs at most."""
    training = config.training
    named = {id(p) for p in model.encoder2.mastery.parameters()}
    named |= {id(p) for p in model.encoder2.gains.parameters() if p.dim() == 1}
    every = [p for p in model.parameters() if p.requires_grad]
    free = [p for p in every if id(p) not in named]
    mastery = [p for p in every if id(p) in named]
    first = {id(p) for p in model.encoder1.parameters()}
    rate2 = training.learning_rate * training.encoder2_rate
    groups = [
        {"params": [p for p in free if (p.dim() > 1) == decayed and (id(p) in first) == mine], "weight_decay": decay,
         "lr": training.learning_rate if mine else rate2}
        for mine in (True, False) for decayed, decay in ((True, training.weight_decay), (False, 0.0))
    ]  # fmt: skip
    groups.append({"params": mastery, "weight_decay": 0.0, "lr": rate2 * training.mastery_rate})
    device = next(model.parameters()).device.type
    adam = AdamW(groups, lr=training.learning_rate, fused=device in ("cpu", "cuda"))
    steps = max(1, steps_per_epoch * training.max_epochs)
    if training.schedule == "one_cycle" and steps > 1:
        return adam, OneCycleLR(adam, max_lr=[group["lr"] for group in adam.param_groups], total_steps=steps)
    return adam, ConstantLR(adam, factor=1.0, total_iters=0)


def versions() -> dict[str, str]:
    """What the numbers depend on beside configuration and data."""
    names = ("torch", "numpy", "duckdb", "scikit-learn")
    return {
        "gainakt": __version__, "python": platform.python_version(), **{name: _installed(name) for name in names},
        "threads": str(torch.get_num_threads()), "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
    }  # fmt: skip


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # a machine that only trains may lack the store's package
        return "not installed"
