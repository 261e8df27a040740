"""A training in several processes, such as `torchrun --nproc-per-node 2 -m gainakt train` starts them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gainakt.config import Config
from gainakt.errors import InputError

if TYPE_CHECKING:
    from gainakt.jobs.lineage import Beginning

TRAIN = ("train", "resume", "branch", "replay")
"""The commands that torchrun may start."""


def several() -> bool:
    """Whether torchrun started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def helps(command: list[str]) -> bool:
    """Whether this process is not the first of several: it helps the first one, which carries out the command.

    Raises InputError for a command that is none of a training.
    """
    if several() and (not command or command[0] not in TRAIN):
        raise InputError(f"torchrun is for a training: {', '.join(TRAIN)}; start other commands with python")
    return several() and os.environ.get("RANK", "0") != "0"


@contextmanager
def leading(config: Config, begin: "Beginning") -> Iterator[None]:
    """Have the other processes do the same training meanwhile; nothing where there are none."""
    if not several():
        yield
        return
    from gainakt.training import ranks

    source = None if begin.source is None else str(begin.source.resolve())
    with ranks.joined({"config": config.model_dump(), "source": source, "step": begin.step}):
        yield


def dismiss() -> None:
    """Let the other processes end, where there are any: they wait to be told what to do."""
    if several():
        from gainakt.training import ranks

        with ranks.joined(None):
            pass


def help_to_train() -> None:
    """Do the training of the first process along with it; it writes and says what happens."""
    from gainakt.datasets.load import load
    from gainakt.training import ranks, state
    from gainakt.training.loop import train

    with ranks.joined() as job:
        if job is None:
            return
        config = Config.model_validate(job["config"])
        start = None if job["source"] is None else state.read(Path(job["source"]), job["step"])
        for _ in train(config, load(config.data), start=start):
            pass
