"""Start and stop a tiny training again and again in one process, beside an open store, as a dashboard does."""

import gc
import os
import random
import threading
from collections import Counter
from pathlib import Path

import psutil

from gainakt.config import changed
from gainakt.jobs import service
from gainakt.jobs.service import Service
from gainakt.store import Store, runs_root
from tests.reliability.common import main, tiny

LOOKS = 10
MORE_MEMORY = 0.10
"""The part by which memory may grow between a third of the cycles, when all is loaded, and the end."""


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` trainings, some of them stopped at some moment; what the process holds meanwhile."""
    draw, path = random.Random(seed), folder / "s.duckdb"
    config = changed(tiny(folder), {"training.max_epochs": 1})
    looks: list[tuple[int, int, int, float]] = []
    with Store.open(path) as store:
        store.start_intake(0.5)
        turns = Service(runs_root(path))
        for number in range(1, tries + 1):
            run_id = turns.submit(config, name=f"run {number}", preset="corrected")
            if how := draw.randrange(3):
                threading.Event().wait(how * draw.uniform(0, 0.05))
                service.stop(turns.root, run_id, "harness")
            turns.wait()
            if number % max(1, tries // LOOKS) == 0:
                looks.append(_held(number))
        store.take_in()
        ends = Counter(store.runs()["status"])
    for status, count in ends.items():
        well = status in ("finished", "stopped")
        counted[f"{status}" if well else f"LOST: {status}"] += count
    _judged(looks, tries, counted)


def _held(number: int) -> tuple[int, int, int, float]:
    gc.collect()
    megabytes = psutil.Process().memory_info().rss / 2**20
    print(f"after {number}: {threading.active_count()} threads, {_handles()} handles, {megabytes:.0f} MB", flush=True)
    return number, threading.active_count(), _handles(), megabytes


def _handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def _judged(looks: list[tuple[int, int, int, float]], tries: int, counted: Counter[str]) -> None:
    late = [look for look in looks if look[0] >= tries / 3]
    first, last = late[0], late[-1]
    for place, what in ((1, "threads"), (2, "handles")):
        counted[f"LOST: {what} grow" if last[place] > first[place] + 1 else f"{what} after all cycles"] += int(
            last[place]
        )
    grows = last[3] > first[3] * (1 + MORE_MEMORY)
    counted["LOST: memory grows, MB" if grows else "MB of memory after all cycles"] += round(last[3])


if __name__ == "__main__":
    main(harness, 1_000, __doc__)
