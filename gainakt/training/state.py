"""The whole state of a training at a step boundary: kept in the run's folder, to resume, branch and replay from.

safetensors plus JSON, never pickle. The JSON is written last and holds the tensors' SHA-256: a state without it, or one
that does not fit it, does not count. A training that goes on from a state gives the very numbers of one that never
stopped, on the same machine with the same number of threads.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from gainakt.config import Config, stored
from gainakt.errors import InputError
from gainakt.training.moments import FOLDER, Moment, moments

__all__ = ["FOLDER", "KEPT", "Moment", "State", "keep", "moments", "packed", "read", "unpacked"]

KEPT = 12
"""States that a run keeps at most, the newest; besides, its oldest and that before its first mark."""
FORMAT = 1


@dataclass(frozen=True)
class State:
    """Tensors by name, and everything else as JSON values; `about` says which moment of which run it is."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]
    about: dict[str, Any]

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return int(self.about["step"])

    @property
    def config(self) -> Config:
        """The configuration as it was at that moment, with all that had been steered until then."""
        return stored(self.values["config"])


def keep(folder: Path, state: State, most: int = KEPT) -> str:
    """Write a state into a run's folder and drop the oldest above `most`; returns the file's SHA-256."""
    home = folder / FOLDER
    home.mkdir(exist_ok=True)
    name = f"step-{state.step:08d}"
    content = save({key: value.detach().cpu().contiguous() for key, value in state.tensors.items()})
    digest = hashlib.sha256(content).hexdigest()
    text = json.dumps({"format": FORMAT, "sha256": digest, "about": state.about, "values": state.values})
    (home / f"{name}.json").unlink(missing_ok=True)  # until it is whole again, this moment does not count
    for ending, data in (("safetensors", content), ("json", text.encode())):
        fresh = home / f"{name}.{ending}.new"
        fresh.write_bytes(data)
        fresh.replace(home / f"{name}.{ending}")
    _prune(folder, most)
    return digest


def read(folder: Path, step: int | None = None) -> State:
    """The state after `step`, the newest by default; raises InputError when there is none, or it is damaged."""
    there = moments(folder)
    if not there:
        raise InputError(f"run {folder.name} has kept no state to go on from; start it again with the same settings")
    chosen = there[-1] if step is None else next((one for one in there if one.step == step), None)
    if chosen is None:
        steps = ", ".join(str(one.step) for one in there)
        raise InputError(f"run {folder.name} has kept no state of step {step}; kept are those of {steps}")
    try:
        described = json.loads(chosen.file.read_text())
        content = chosen.file.with_suffix(".safetensors").read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"{chosen.file}: this state cannot be read ({error}); choose another moment") from None
    if described.get("format") != FORMAT:
        raise InputError(f"{chosen.file}: written by another version; it cannot be continued with this one")
    if hashlib.sha256(content).hexdigest() != described["sha256"]:
        raise InputError(f"{chosen.file.with_suffix('.safetensors')}: damaged (its SHA-256 is not the recorded one)")
    return State(load(content), described["values"], described["about"])


def _prune(folder: Path, most: int) -> None:
    there = moments(folder)
    first_mark = next((one for one in there if one.why == "mark"), None)
    for moment in there[1:-most]:  # the oldest stays: a branch is replayed from it
        if moment is not first_mark:
            moment.file.unlink(missing_ok=True)
            moment.file.with_suffix(".safetensors").unlink(missing_ok=True)


def packed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under `prefix/`; each with memory of its own, since safetensors refuses shared memory."""
    return {f"{prefix}/{name}": value.detach().clone() for name, value in tensors.items()}


def unpacked(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `packed` put under `prefix/`."""
    start = f"{prefix}/"
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
