"""What one run's journal adds to the store, and whether the process that writes it lives; nothing is written here."""

import os
import socket
import time
from dataclasses import dataclass, field, replace

from gainakt.store.changes import Changes
from gainakt.store.inbox import RunFolder
from gainakt.store.owner import is_alive
from gainakt.store.rows import ACTIVE, SIGNS_OF_LIFE, changes, event

SILENCE_SECONDS = 120.0
"""After this long without a row, a run of another host counts as interrupted."""


@dataclass
class Stored:
    """A run as the store has it before this intake; the defaults are those of a new run."""

    status: str | None = None
    journal_offset: int = 0
    rows_taken: int = 0
    damaged_rows: int = 0
    event_rows: int = 0
    host: str | None = None
    pid: int | None = None
    pid_started: float | None = None
    heartbeat: float | None = None


@dataclass
class Part:
    """What one run's journal adds in this intake."""

    run_id: str
    stored: Stored
    changes: Changes = field(default_factory=Changes)
    rows: int = 0
    bytes: int = 0
    faults: list[str] = field(default_factory=list)
    unfinished: bool = False  # there was more to read, or a first look at its process is due


def journal_size(folder: str) -> int:
    """Bytes of the journal in a run's folder, -1 where there is none."""
    try:
        return os.stat(f"{folder}{os.sep}journal.jsonl").st_size
    except OSError:
        return -1


def read(folder: RunFolder, stored: Stored) -> Part:
    """The run's new rows and what its process's death means; without columns when nothing is new."""
    gone = _owner_gone(folder, stored)  # before reading: all that a dead process wrote is then read
    size = journal_size(str(folder.folder))  # also before: a quick writer must not keep the intake for ever
    found = folder.lines(stored.journal_offset)
    rows, offset = found.rows, found.end
    part = Part(folder.run_id, stored, rows=len(rows), bytes=offset - stored.journal_offset)
    part.unfinished = part.bytes > 0 and (offset < size or stored.status is None)
    part.faults, unfit, alive = found.faults, found.unfit, False
    if 0 <= size < stored.journal_offset:
        part.faults = [f"it is {stored.journal_offset - size} bytes shorter than when it was last taken in"]
    for row in rows:
        if row["kind"] == "damaged":
            continue
        change = changes(row)
        if change is None:
            unfit += 1
            part.faults.append(f"a row {row['kind'][:20]!r} is not as it should be")
            continue
        alive |= row["kind"] in SIGNS_OF_LIFE
        part.changes.merge(change)
    columns = part.changes.columns
    if stored.status == "interrupted" and alive and not gone:
        for name, value in {"status": "running", "ended": None, "reason": None}.items():
            columns.setdefault(name, value)
    if taken_over := {name: columns[name] for name in ("host", "pid", "pid_started") if name in columns}:
        stored = replace(stored, status=columns.get("status", stored.status), **taken_over)
        gone = _owner_gone(folder, stored) and not folder.rows(offset)[0]  # what it wrote before it died is read first
    if columns.get("status", stored.status) in ACTIVE and gone:
        _interrupt(part, stored)
    if not rows and not columns and offset == stored.journal_offset:
        return part
    columns["journal_offset"] = offset
    columns["rows_taken"] = stored.rows_taken + len(rows)
    columns["damaged_rows"] = stored.damaged_rows + unfit
    columns["event_rows"] = stored.event_rows + part.changes.event_count
    return part


def _owner_gone(folder: RunFolder, stored: Stored) -> bool:
    if stored.status not in (*ACTIVE, "interrupted"):
        return False
    if stored.host == socket.gethostname() and stored.pid is not None:
        return not is_alive(stored.pid, stored.pid_started)
    try:
        return time.time() - folder.journal.stat().st_mtime > SILENCE_SECONDS
    except FileNotFoundError:
        return True


def _interrupt(part: Part, stored: Stored) -> None:
    now = time.time()
    columns = part.changes.columns
    columns.update(status="interrupted", ended=columns.get("heartbeat", stored.heartbeat) or now)
    why = f"process {stored.pid} on {stored.host} is gone" if stored.pid is not None else "no row came for too long"
    columns["reason"] = why
    part.changes.happen(event("interrupted", now, text=why))
