"""Spoil all else that is read: journals, control files, settings, plans, exports, pyKT's files, views, descriptions.

Each is read with what is sound, or refused in words. Journals come with checksums and, as versions from before wrote
them, without: then a spoiled number reaches the store, and the pages' queries are asked about it.
"""

import contextlib
import json
import logging
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gainakt.config import Config, changed
from gainakt.config.file import read as read_settings
from gainakt.config.file import written
from gainakt.errors import InputError
from gainakt.jobs.sweep.space import read as read_plan
from gainakt.store import RunFolder, Store, lines, tensors, views
from gainakt.store.bundle import export_runs, import_runs
from gainakt.store.pykt import import_pykt
from gainakt.training.requests import parsed
from tests.pages import write_run
from tests.reliability.readers import SLOW, spoiled

Reading = tuple[Path, Callable[[], object]]
"""A good file, and what reads it."""
LONGEST = 2000
STORED = ("journal", "journal of before")
_SELDOM = 50


def pykt_folder(folder: Path, lines: int = 2000) -> Path:
    """A folder as pyKT leaves it, with so many lines of predictions."""
    folder.mkdir()
    (folder / "config.json").write_text(
        '{"train_config": {"num_epochs": 9}, "params": {"model_name": "dkt", "dataset_name": "x", "fold": 0}}'
    )
    line = "[[1, 1], [0, 1], [2, 2], [0, 1], [0.3, 0.6], [1, 1], -1, 0.5]\n"
    (folder / "qid_test_predictions.txt").write_text(line * lines)
    return folder


def bare(journal: bytes) -> bytes:
    """A journal's lines without numbers and checksums, as versions from before wrote them."""
    rows = [json.loads(line) for line in journal.splitlines()]
    return b"".join(
        json.dumps({key: value for key, value in row.items() if key not in ("n", "crc")}).encode() + b"\n"
        for row in rows
    )


class Readings:
    """Every reader but those of responses, each with a good file in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        store = folder / "s.duckdb"
        self.run_id = write_run(store, end="finished")
        self.run = RunFolder(folder / "s.runs", self.run_id)
        for weight in range(5):
            self.run.request("weights.variance", weight, "harness")
        with Store.open(store) as opened:
            opened.take_in()
            export_runs(folder / "s.runs", [opened.run(self.run_id)], folder / "runs.zip")
        views.save(folder / "s.runs", "mine", {"search": "x", "columns": ["name"]})
        tensors.write(folder, "encoder1", b"weights", {"epoch": 1})
        (folder / "set.toml").write_text(written(Config().model_dump(), "corrected"))
        (folder / "plan.toml").write_text('preset = "corrected"\nseeds = 2\nweights.variance = [0.1, 1, 10]\n')
        (folder / "bare.jsonl").write_bytes(bare(self.run.journal.read_bytes()))
        pykt = pykt_folder(folder / "pykt", 3)
        self.all: dict[str, Reading] = {
            "journal": (self.run.journal, lambda: self._taken_in(self.run.journal)),
            "journal of before": (folder / "bare.jsonl", lambda: self._taken_in(folder / "bare.jsonl")),
            "control file": (self.run.control, lambda: list(parsed(lines.read(self.run.control, 0, 1 << 20).rows))),
            "settings": (folder / "set.toml", lambda: changed(Config(), read_settings(folder / "set.toml")[1])),
            "plan": (folder / "plan.toml", lambda: read_plan((folder / "plan.toml").read_text("latin-1"))),
            "export": (folder / "runs.zip", self._imported),
            "pyKT's config": (pykt / "config.json", lambda: import_pykt(folder / "in.runs", pykt)),
            "pyKT's predictions": (
                pykt / "qid_test_predictions.txt",
                lambda: import_pykt(folder / "in.runs", pykt),
            ),
            "views": (folder / "s.runs/views.json", lambda: views.saved(folder / "s.runs")),
            "description": (folder / "encoder1.json", lambda: tensors.read(folder, "encoder1")),
        }
        self.good = {kind: path.read_bytes() for kind, (path, _) in self.all.items()}
        self.taken = Store.open(":memory:", runs=folder / "t.runs")

    def once(self, kind: str, seed: int) -> str:
        """What became of the file, spoiled by this seed; begins with LOST where it is bad."""
        path, work = self.all[kind]
        path.write_bytes(spoiled(self.good[kind], random.Random(seed)))
        begun = time.monotonic()
        try:
            work()
            told = "read"
        except InputError as error:
            told = "refused in words" if len(str(error)) < LONGEST else f"LOST: {len(str(error)):,} characters"
        except Exception as error:
            told = f"LOST: {type(error).__name__}: {str(error)[:80]}"
        path.write_bytes(self.good[kind])
        shutil.rmtree(self.folder / "in.runs", ignore_errors=True)
        return f"LOST: took {time.monotonic() - begun:.0f} s" if time.monotonic() - begun > SLOW else told

    def _imported(self) -> None:
        import_runs(self.folder / "in.runs", self.folder / "runs.zip")
        journal = self.folder / "in.runs" / self.run_id / "journal.jsonl"
        assert journal.read_bytes() == self.run.journal.read_bytes(), "another journal came in"

    def _taken_in(self, journal: Path) -> None:
        """The journal as that of a run of its own, taken in and asked for what the pages show."""
        folder = self.folder / "t.runs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{random.randrange(1 << 16):04x}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
        (folder / "journal.jsonl").write_bytes(journal.read_bytes())
        store, run_id = self.taken, folder.name
        try:
            store.take_in()
            known = set(store.runs()["run_id"])
            if run_id in known:
                _asked(store, run_id)
        finally:
            shutil.rmtree(folder)
            for table in ("runs", "series", "events", "histograms", "parameters", "metrics", "skills", "extremes"):
                store._writer.execute(f"DELETE FROM {table}")
            store.generation += 1
            store.warnings.clear()
            assert store._intake is not None
            store._intake._set_aside.clear()


def _asked(store: Store, run_id: str) -> None:
    run = store.run(run_id)
    ids: Any = [run_id]
    for _ in (
        run.active,
        store.metrics(ids),
        store.skills(run_id),
        store.events(run_id),
        store.series(ids, ["loss.total"]),
    ):
        pass


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` spoiled files, in turn over the readers; journals, which pass through a store, are every 50th."""
    logging.disable(logging.WARNING)
    readings = Readings(folder)
    slow, *quick = STORED, *(kind for kind in readings.all if kind not in STORED)
    for number in range(tries):
        kind = quick[number % len(quick)] if number % _SELDOM else slow[number // _SELDOM % len(slow)]
        told = readings.once(kind, seed + number)
        counted[f"{kind}: {told}" + (f" (seed {seed + number})" if told.startswith("LOST") else "")] += 1
    readings.taken.close()


if __name__ == "__main__":
    from tests.reliability.common import main

    main(harness, 10_000, __doc__)
