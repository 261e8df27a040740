"""Taking the runs' journals into the store, exactly once: rows and the offset behind them share a transaction."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from gainakt.errors import InputError, disk_full
from gainakt.store import extremes, trash
from gainakt.store.changes import EVALUATED, is_taken_back
from gainakt.store.damage import damaged
from gainakt.store.inbox import RunFolder
from gainakt.store.part import Part, Stored, journal_size, read
from gainakt.store.rows import ACTIVE, ENDED

_LOG = logging.getLogger(__name__)
BYTES_PER_TRANSACTION = 32 * 1024 * 1024
_NAMED = 3
"""Faults of a journal that a warning names."""
_RETRY_DAMAGED_SECONDS = 60.0
_DATABASE = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException)
"""Errors of the disk or the database, not of a row."""
_STORED = "status, journal_offset, rows_taken, damaged_rows, event_rows, host, pid, pid_started, heartbeat"
_COLUMNS = {
    "series": ("run_id", "name", "step", "epoch", "time", "value"),
    "events": ("run_id", "time", "step", "epoch", "kind", "field", "old", "new", "who", "text", "seq"),
    "histograms": ("run_id", "split", "step", "epoch", "skill", "counts"),
    "parameters": ("run_id", "name", "step", "epoch", "mean", "std", "quantiles"),
    "metrics": ("run_id", "split", "name", "value"),
    "skills": (
        "run_id",
        "position",
        "skill",
        "interactions",
        "effective_rate",
        "mean_gain",
        "m_sat",
        "beta",
        "threshold",
        "offset",
        "extra",
    ),
}


class Intake:
    """Reads the folders under `root` and writes through `connection`; the caller holds the write lock."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, root: Path, warnings: list[str]) -> None:
        self._connection = connection
        self._root = root
        self._warnings = warnings
        self._set_aside: dict[str, float] = {}
        self.written = 0  # transactions since the caller last looked
        self.run_ended = False  # since the caller last looked; tells when a checkpoint is due

    def take_in(self) -> int:
        """Take in all that is new, and forget what was deleted; the number of journal rows, damaged ones included."""
        self.written += trash.forget(self._connection, self._root)
        taken = 0
        while True:
            parts = list(self._parts())
            if parts:
                self._write(parts)
            taken += sum(part.rows for part in parts)
            full = sum(part.bytes for part in parts) >= BYTES_PER_TRANSACTION
            if not full and not any(part.unfinished for part in parts):
                return taken

    def _parts(self) -> Iterator[Part]:
        rows = self._connection.execute(f"SELECT run_id, {_STORED} FROM runs").fetchall()
        stored = {row[0]: Stored(*row[1:]) for row in rows}
        left = BYTES_PER_TRANSACTION
        for name in self._names(stored):
            if left <= 0:
                return
            try:
                part = read(RunFolder(self._root, name), stored.get(name) or Stored())
            except InputError:
                continue  # a user's own folder
            except OSError as error:
                self._put_aside(name, f"its journal cannot be read: {error}")
                continue
            if part.faults:
                self._tell(part)
            if part.changes.columns:
                left -= part.bytes
                yield part

    def _names(self, stored: dict[str, Stored]) -> list[str]:
        """Folders that may have something new: all but those of ended runs whose journals stand."""
        names = {name for name, run in stored.items() if run.status in ACTIVE}  # even when the folder is gone
        with contextlib.suppress(FileNotFoundError), os.scandir(self._root) as entries:
            for entry in entries:
                run = stored.get(entry.name)
                stands = run is not None and run.status in ENDED and journal_size(entry.path) == run.journal_offset
                if not stands and entry.is_dir(follow_symlinks=False):
                    names.add(entry.name)
        now = time.monotonic()
        return sorted(name for name in names if self._set_aside.get(name, 0.0) <= now)

    def _write(self, parts: list[Part]) -> None:
        try:
            self._write_together(parts)
        except (duckdb.Error, ValueError, TypeError, OverflowError) as error:
            if isinstance(error, _DATABASE) or (
                isinstance(error, duckdb.Error) and (disk_full(error) or damaged(error))
            ):
                raise
            if len(parts) > 1:
                for part in parts:
                    self._write([part])
                return
            parts[0].rows = 0
            self._put_aside(parts[0].run_id, f"its rows do not fit the store: {error}")

    def _write_together(self, parts: list[Part]) -> None:
        self._connection.execute("BEGIN")
        try:
            for part in parts:
                _write_run(self._connection, part)
            for table in _COLUMNS:
                _insert(self._connection, table, _table_rows(table, parts))
            extremes.renew(self._connection, [(part.run_id, part.changes) for part in parts])
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(duckdb.Error):  # a failed COMMIT has rolled back already; its own error counts
                self._connection.execute("ROLLBACK")
            raise
        self.written += 1
        self.run_ended |= any(part.changes.columns.get("status") in ENDED for part in parts)

    def _tell(self, part: Part) -> None:
        more = f" and {len(part.faults) - _NAMED} more" if len(part.faults) > _NAMED else ""
        self._warn(
            f"the journal of run {part.run_id} is damaged: {'; '.join(part.faults[:_NAMED])}{more}. What is damaged is"
            " left out, all else is taken in"
        )

    def _put_aside(self, run_id: str, why: str) -> None:
        self._set_aside[run_id] = time.monotonic() + _RETRY_DAMAGED_SECONDS
        self._warn(f"run {run_id} was not taken in: {why}")

    def _warn(self, message: str) -> None:
        if message not in self._warnings:
            _LOG.warning(message)
            self._warnings.append(message)


def _write_run(connection: duckdb.DuckDBPyConnection, part: Part) -> None:
    columns = part.changes.columns
    if part.stored.status is None:
        columns.setdefault("name", part.run_id)
        columns.setdefault("status", "queued")
        columns.setdefault("created", time.time())
        connection.execute("INSERT INTO runs (run_id) VALUES (?)", [part.run_id])
    assignments = ", ".join(f"{name} = ?" for name in columns)  # names come from rows.py, never from a journal
    connection.execute(f"UPDATE runs SET {assignments} WHERE run_id = ?", [*columns.values(), part.run_id])
    if part.changes.after is not None:
        _take_back(connection, part.run_id, part.changes.after)
    for table, rows in (("metrics", part.changes.metrics), ("skills", part.changes.skills)):
        if rows is not None:
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", [part.run_id])
    if part.changes.dataset is not None:
        connection.execute(
            "INSERT INTO datasets VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", list(part.changes.dataset)
        )


def _take_back(connection: duckdb.DuckDBPyConnection, run_id: str, after: tuple[int, int]) -> None:
    """Delete what is stored of a run's later steps, and of an evaluation within the epoch that goes on."""
    step, epoch = after
    of_evaluation = {
        "series": " OR ".join(f"starts_with(name, '{start}')" for start in EVALUATED),
        "histograms": "split <> 'train'",
        "parameters": "TRUE",
    }
    for table, condition in of_evaluation.items():
        connection.execute(
            f"DELETE FROM {table} WHERE run_id = ? AND (step > ? OR (step = ? AND epoch >= ? AND ({condition})))",
            [run_id, step, step, epoch],
        )
    rows = connection.execute("SELECT seq, kind, step, epoch FROM events WHERE run_id = ?", [run_id]).fetchall()
    gone = [seq for seq, kind, at, of in rows if is_taken_back(kind, at, of, after)]
    connection.execute("DELETE FROM events WHERE run_id = ? AND list_contains(?, seq)", [run_id, gone])


def _table_rows(table: str, parts: list[Part]) -> list[tuple[Any, ...]]:
    if table == "events":
        return [
            (part.run_id, *row, part.stored.event_rows + place) for part in parts for place, row in part.changes.events
        ]
    return [(part.run_id, *row) for part in parts for row in getattr(part.changes, table) or ()]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    names = _COLUMNS[table]
    frame = pd.DataFrame(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    listed = ", ".join(f'"{name}"' for name in names)
    connection.register("arriving", frame)
    try:
        connection.execute(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM arriving")
    finally:
        connection.unregister("arriving")
