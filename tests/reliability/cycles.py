"""Start and stop a tiny training again and again in one process, beside an open store, as a dashboard does."""

import gc
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from gainakt.config import changed
from gainakt.jobs import service
from gainakt.jobs.service import Service
from gainakt.store import Store, runs_root
from tests.reliability.common import main, tiny

LOOKS = 10
"""Looks at what the process holds, one each so many trainings of all; a look also says how far it is."""
MORE_MEMORY = 0.10
"""The part by which memory may grow between the first third of the cycles, when all is loaded, and the end."""
Held = tuple[int, int, int, float]
"""After how many trainings; threads, handles, MB."""


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` trainings, some of them stopped at some moment; what the process holds meanwhile."""
    draw, path = random.Random(seed), folder / "s.duckdb"
    config = changed(tiny(folder), {"training.max_epochs": 1})
    looks: list[Held] = []
    with Store.open(path) as store:
        store.start_intake(0.5)
        turns = Service(runs_root(path))
        for number in range(1, tries + 1):
            run_id = turns.submit(config, name=f"run {number}", preset="corrected")
            if how := draw.randrange(3):
                time.sleep(how * draw.uniform(0, 0.05))
                service.stop(turns.root, run_id, "harness")
            turns.wait()
            if number % max(1, min(tries // LOOKS, 100)) == 0:
                store.take_in()
                looks.append(_held(number))
                _judge(looks, Counter(store.runs()["status"]), counted)


def _held(number: int) -> Held:
    gc.collect()
    held = number, threading.active_count(), _handles(), psutil.Process().memory_info().rss / 2**20
    print(f"after {held[0]}: {held[1]} threads, {held[2]} handles, {held[3]:.0f} MB", flush=True)
    return held


def _handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def _judge(looks: list[Held], ends: Counter[str], counted: Counter[str]) -> None:
    """Put in `counted` what became of all trainings until now, and whether what the process holds has grown."""
    counted.clear()
    for status, count in ends.items():
        counted[status if status in ("finished", "stopped") else f"LOST: {status}"] = count
    last = looks[-1]
    first = next(look for look in looks if look[0] >= last[0] / 3)
    for place, what in ((1, "threads"), (2, "handles")):
        grow = last[place] > first[place] + 1
        counted[f"LOST: {what} grow" if grow else f"{what} after all cycles"] = int(last[place])
    grows = last[3] > first[3] * (1 + MORE_MEMORY)
    counted["LOST: memory grows, MB" if grows else "MB of memory after all cycles"] = round(last[3])


if __name__ == "__main__":
    main(harness, 1_000, __doc__)
