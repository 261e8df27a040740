"""The moments of a training that were kept, listed by their descriptions alone: no torch here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = "states"


@dataclass(frozen=True)
class Moment:
    """A kept state by its description alone: the step after which it was taken, the epoch, and why it was kept."""

    step: int
    epoch: int
    why: str
    file: Path


def moments(folder: Path) -> list[Moment]:
    """The states kept in a run's folder, oldest first; what cannot be read is left out."""
    return sorted(_moments(folder), key=lambda moment: moment.step)


def _moments(folder: Path) -> Iterator[Moment]:
    for file in (folder / FOLDER).glob("step-*.json"):
        try:
            about = json.loads(file.read_text())["about"]
            moment = Moment(int(about["step"]), int(about["epoch"]), str(about["why"]), file)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if file.with_suffix(".safetensors").exists():
            yield moment
