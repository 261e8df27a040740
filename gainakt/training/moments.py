"""The moments of a training that were kept, listed by their descriptions alone: no torch here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "states"


@dataclass(frozen=True)
class Moment:
    """A kept state by its description alone: the step after which it was taken, the epoch, why, and its settings."""

    step: int
    epoch: int
    why: str
    config: dict[str, Any]
    file: Path


def moments(folder: Path) -> list[Moment]:
    """The states kept in a run's folder, oldest first; what cannot be read is left out."""
    return sorted(_moments(folder), key=lambda moment: moment.step)


def _moments(folder: Path) -> Iterator[Moment]:
    for file in (folder / FOLDER).glob("step-*.json"):
        try:
            kept = json.loads(file.read_text())
            about, config = kept["about"], dict(kept["values"]["config"])
            moment = Moment(int(about["step"]), int(about["epoch"]), str(about["why"]), config, file)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if file.with_suffix(".safetensors").exists():
            yield moment
