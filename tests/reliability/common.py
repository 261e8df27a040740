"""What the harnesses share: tiny trainings in processes of their own, a store's content, the command line."""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch

from gainakt.config import Config, changed
from gainakt.config.presets import preset
from gainakt.jobs.lineage import FRESH, Beginning
from gainakt.jobs.service import execute, queue_run
from gainakt.store import RunFolder, Store
from gainakt.training.loop import train as train  # loaded before any process is forked

TINY = {
    "data.window": 20, "model.width": 8, "model.heads": 2, "model.blocks": 1, "model.feedforward": 8,
    "training.device": "cpu", "training.max_epochs": 3, "training.batch_size": 8, "training.log_every": 1,
    "training.probe_every": 0, "weights.fit": 0.0, "model.dropout": 0.2,
}  # fmt: skip


def class_file(folder: Path, students: int = 40) -> Path:
    """A file of the responses of so many students to five skills."""
    draw, file = random.Random(1), folder / "class.csv"
    rows = [
        f"s{student},skill {draw.randrange(5)},{draw.randrange(2)}" for student in range(students) for _ in range(12)
    ]
    file.write_text("\n".join(["student,skill,correct", *rows]) + "\n")
    return file


def tiny(folder: Path) -> Config:
    """A training of three epochs, of a second or less."""
    torch.set_num_threads(1)
    return changed(preset("corrected"), TINY | {"data.path": str(class_file(folder))})


def in_child(work: Callable[[], object]) -> int:
    """Start work in a process of its own; its PID. It ends with status 0, or 1 where the work breaks."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def ended(pid: int) -> int:
    """Wait for a process; its exit status, negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid: int) -> int:
    """`kill -9` and wait."""
    os.kill(pid, signal.SIGKILL)
    return ended(pid)


def trained(root: Path, config: Config, folder: RunFolder | None = None, begin: Beginning = FRESH) -> RunFolder:
    """A run trained here to its end."""
    folder = folder or queue_run(root, config, name="run", preset="corrected")
    execute(folder, config, begin=begin)
    return folder


def training(root: Path, config: Config, run: RunFolder, begin: Beginning = FRESH) -> int:
    """A process that trains a run to its end; its PID, once the run is its own."""
    read, write = os.pipe()

    def work() -> None:
        run.claim("harness")
        os.write(write, b"y")
        trained(root, config, run, begin)

    pid = in_child(work)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    return pid


def holding(path: Path) -> int:
    """A process that holds a store and takes in, as a dashboard does; its PID, once it does."""
    read, write = os.pipe()

    def hold() -> None:
        with Store.open(path) as store:
            store.start_intake(0.02)
            os.write(write, b"y")
            time.sleep(600)

    pid = in_child(hold)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    return pid


class _Stopped(BaseException):
    """Asked to end."""


def main(harness: Callable[[Path, int, int, Counter[str]], None], tries: int, about: str | None) -> None:
    """Run a harness from the command line and print what it counted; status 1 where anything was lost.

    SIGTERM, such as that of `timeout`, ends it with what it has counted so far.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--tries", type=int, default=tries)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    began, counted, at_the_end = time.monotonic(), Counter[str](), list[Counter[str]]()

    def stop(*_: object) -> None:
        if not at_the_end:
            at_the_end.append(Counter(counted))  # the try that is broken off here does not count
        signal.setitimer(signal.ITIMER_REAL, 1.0)  # once more, where a library keeps the exception to itself
        raise _Stopped

    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, stop)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            harness(Path(folder), asked.tries, asked.seed, counted)
        except BaseException:
            if not at_the_end:
                raise
        signal.setitimer(signal.ITIMER_REAL, 0)
    counted = at_the_end[0] if at_the_end else counted
    for what, count in sorted(counted.items()):
        print(f"{count:6} {what}")
    print(f"seed {asked.seed}, {time.monotonic() - began:.0f} s")
    sys.exit(any(what.startswith("LOST") for what in counted))
