"""Kill trainings, the store's holder and work on whole runs at random moments.

Nothing visible is lost, each training resumes to the same bits, each other work is done or can be done again.
"""

import random
import shutil
import time
from collections import Counter
from pathlib import Path

from gainakt.jobs import lineage
from gainakt.store import RunFolder, Store, runs_root
from tests.journals import content
from tests.reliability.common import ended, holding, kill, main, tiny, trained, training
from tests.reliability.killed_work import KilledWork


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries`, every other one a training, the rest the kinds of other work in turn; what became of them."""
    draw = random.Random(seed)
    trainings = Trainings(folder, draw, counted)
    other = KilledWork(folder / "other", draw)
    for number in range(tries):
        if number % 2:
            other.once(list(other.kinds)[(seed + number // 2) % len(other.kinds)], counted)
        else:
            trainings.once()


class Trainings:
    """Trainings of one configuration beside a process that takes them in; `whole` was not killed."""

    def __init__(self, folder: Path, draw: random.Random, counted: Counter[str]) -> None:
        self.folder, self.draw, self.counted = folder, draw, counted
        self.config = tiny(folder)
        began = time.monotonic()
        self.whole = trained(folder / "whole.runs", self.config)
        self.lasting = time.monotonic() - began

    def once(self) -> None:
        """A training that is killed once or twice, as is the process that takes it in, then resumed to its end."""
        path, draw, counted = self.folder / "try" / "s.duckdb", self.draw, self.counted
        root = runs_root(path)
        shutil.rmtree(path.parent, ignore_errors=True)
        shutil.copytree(self.whole.folder, root / self.whole.run_id)
        holder = holding(path)
        run = RunFolder.create(root, name="run", preset="corrected", config=self.config.model_dump())
        config, begin = self.config, lineage.FRESH
        for _ in range(draw.choice([1, 1, 2])):
            pid = training(root, config, run, begin)
            time.sleep(draw.uniform(0, self.lasting))
            if draw.random() < 0.5:
                kill(holder)
                counted["kills of the store's holder"] += 1
                holder = 0
            counted["kills of a training" if kill(pid) else "ended before the kill"] += 1
            if holder:
                kill(holder)
                counted["kills of the store's holder"] += 1
            if checked(path, root, run, counted) != "interrupted":
                return
            with Store.open(path) as store:
                run, config, begin = lineage.resume(root, store.run(run.run_id), "harness")
            holder = holding(path)
        pid = training(root, config, run, begin)
        if ended(pid):
            counted["LOST: a run could not be resumed"] += 1
        kill(holder)
        compared(path, root, self.whole.run_id, run, counted)


def checked(path: Path, root: Path, run: RunFolder, counted: Counter[str]) -> str:
    """After a kill: all of the journal is in the store, equal to one built anew, and the run is not running."""
    with Store.open(path) as store:
        store.take_in()
        kept, found = store.run(run.run_id), content(store, ("ended", "reason", "event_rows"))
        if store.warnings:
            counted["LOST: a warning: " + store.warnings[0][:100]] += 1
    if kept.active:
        counted["LOST: a run stays " + kept.status] += 1
    with Store.open(":memory:", runs=root) as anew:
        anew.take_in()
        other = _timeless(content(anew, ("ended", "reason", "event_rows")))
        if wrong := [table for table, rows in _timeless(found).items() if rows != other[table]]:
            counted[f"LOST: the store differs from one built anew: {', '.join(wrong)}"] += 1
    return kept.status


def _timeless(tables: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
    """Without the store's own marks of interruptions, which have the times of its looks; row[1] counts events."""
    events = [row for row in tables["events"] if row[5] != "interrupted"]
    return {**tables, "events": sorted(((row[0], *row[2:]) for row in events), key=repr)}


def compared(path: Path, root: Path, whole: str, run: RunFolder, counted: Counter[str]) -> None:
    """Count whether a run that was resumed to its end has the bits of another that was not killed."""
    with Store.open(path) as store:
        store.take_in()
        first, second = store.run(whole), store.run(run.run_id)
    if second.status != "finished" or lineage.differences(root, first, second):
        counted["LOST: a resumed run differs from an uninterrupted one"] += 1
    else:
        counted["resumed to the bits of an uninterrupted run"] += 1


if __name__ == "__main__":
    main(harness, 200, __doc__)
