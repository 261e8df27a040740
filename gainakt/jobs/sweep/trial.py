"""One trial: the run that a configuration of a sweep has, and training it to its end in any process that sees it.

`train` may be called again and again for the same trial, also at once from several machines: what is finished is left,
what another process works on is waited for, what was broken off is resumed.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gainakt.config import Config
from gainakt.errors import InputError
from gainakt.jobs import lineage
from gainakt.jobs.lineage import FRESH
from gainakt.jobs.marks import Row, journal
from gainakt.jobs.owning import refuse_owned
from gainakt.jobs.service import execute
from gainakt.jobs.sweep.space import identity
from gainakt.store import Run, RunFolder
from gainakt.store.facts import TESTED
from gainakt.store.inbox import RUN_ID
from gainakt.store.rows import changes

WHO = "sweep"
_WAIT = 1.0


@dataclass(frozen=True)
class Task:
    """What a worker is told of a trial, all of it plain values; `earlier` are tests on data, by fingerprint."""

    root: str
    sweep: str
    name: str
    preset: str
    config: dict[str, Any]
    tests: bool
    earlier: dict[str, Row]


class Known:
    """The runs of a sweep, by their identities; each folder's first row is read once."""

    def __init__(self, root: Path, sweep: str) -> None:
        self.root, self._sweep = root, sweep
        self._seen: set[str] = set()
        self._runs: dict[str, list[str]] = {}

    def look(self) -> dict[str, str]:
        """Identity -> the newest run, as things stand now."""
        try:
            names = {entry.name for entry in self.root.iterdir() if RUN_ID.fullmatch(entry.name)}
        except FileNotFoundError:
            return {}
        for name in sorted(names - self._seen):
            try:
                with (self.root / name / "journal.jsonl").open("rb") as file:
                    line = file.readline()
            except OSError:
                continue  # being made just now
            if line.endswith(b"\n"):
                self._seen.add(name)
                self._note(name, line)
        return {found: runs[-1] for found, runs in self._runs.items()}

    def _note(self, name: str, line: bytes) -> None:
        if b'"sweep"' not in line:
            return
        try:
            row = json.loads(line)
            if (row.get("lineage") or {}).get("sweep") == self._sweep:
                self._runs.setdefault(identity(Config.model_validate(row["config"])), []).append(name)
        except (ValueError, KeyError, AttributeError):  # of another version: not the same run any more
            return


@dataclass(frozen=True)
class Outcome:
    """How far a run is by its journal: its last end (`finished`, `failed`, `paused`) if it stands, and its tests."""

    end: Row | None = None
    tested: Row | None = None
    fingerprint: str = ""

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Outcome":
        """The outcome that a journal's rows tell."""
        end, tested, fingerprint = None, None, ""
        for row in rows:
            if row["kind"] in ("finished", "failed", "paused"):
                end = row
            elif row["kind"] == "resuming":
                end = None
            elif row["kind"] == "started":
                fingerprint = str(row["data"].get("fingerprint"))
            elif row["kind"] == TESTED:
                tested = row
        return cls(end, tested, fingerprint)

    @property
    def ended(self) -> bool:
        """Whether the run ended with what it has: all epochs, or stopped by whomever."""
        return self.end is not None and self.end["kind"] == "finished"

    def complete(self, tests: bool) -> bool:
        """Whether nothing is left to do; a run that was stopped is not tested."""
        if self.end is None or self.end["kind"] != "finished":
            return False
        return not tests or self.tested is not None or self.end["status"] != "finished"

    def value(self, measure: str) -> float | None:
        """A measure at its end: of the validation students, else of the run, else of recovery."""
        results = (self.end or {}).get("results") or {}
        values = (results.get(of, {}).get(measure) for of in ("validation", "run", "recovery"))
        return next((value for value in values if value is not None), None)


def outcome(root: Path, run_id: str) -> Outcome:
    """How far a run is."""
    return Outcome.of(journal(RunFolder(root, run_id)))


def train(task: Task) -> str:
    """Train a trial to its end and test it, from where it is; returns its run id.

    What ends it otherwise (a failure, a pause) is in its journal. Raises InputError where it cannot be taken up.
    """
    root, config = Path(task.root), Config.model_validate(task.config)
    run_id = Known(root, task.sweep).look().get(identity(config))
    if run_id is None:
        return _anew(root, task, config)
    folder = RunFolder(root, run_id)
    while _owned(run_id, rows := journal(folder)):
        time.sleep(_WAIT)
    if not Outcome.of(rows).ended:
        run = replace(_recorded(folder, rows), status="interrupted")
        try:
            folder, config, begin = lineage.resume(root, run, WHO)
        except InputError:  # its states are damaged
            return _anew(root, task, config)
        execute(folder, config, begin=begin)
    _test(folder, task)
    return run_id


def _anew(root: Path, task: Task, config: Config) -> str:
    folder = RunFolder.create(
        root, name=task.name, preset=task.preset, config=config.model_dump(), lineage={"sweep": task.sweep}
    )
    execute(folder, config, begin=FRESH)
    _test(folder, task)
    return folder.run_id


def _owned(run_id: str, rows: Sequence[Row]) -> bool:
    try:
        refuse_owned(run_id, rows)
    except InputError:
        return True
    return False


def _test(folder: RunFolder, task: Task) -> None:
    from gainakt.verdict.judge import run_tests  # SciPy, once it is needed

    rows = journal(folder)
    found = Outcome.of(rows)
    if found.ended and not found.complete(task.tests):
        earlier = [row for fingerprint, row in task.earlier.items() if fingerprint == found.fingerprint]
        run_tests(_recorded(folder, rows), folder.folder.parent, "stand-in", lambda _done, _says: None, earlier)


def _recorded(folder: RunFolder, rows: Sequence[Row]) -> Run:
    """The run as the store would have it, from its journal alone."""
    columns: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__)
    for row in rows:
        if row["kind"] not in ("step", "gains", "evaluated") and (change := changes(row)) is not None:
            columns |= {name: value for name, value in change.columns.items() if name in columns}
    columns |= {"run_id": folder.run_id, "damaged_rows": 0}
    return Run.from_row(columns)
