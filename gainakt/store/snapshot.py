"""Snapshots for processes that do not hold the store: asked for by a file, answered by the holder's intake.

A reader creates `.snapshot-request-TOKEN` in the runs' folder; the holder copies its store once for all requests it
sees and hands each reader a file of its own, `.snapshot-TOKEN.duckdb`, complete from its first byte on.
"""

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path

import duckdb

_REQUEST = re.compile(r"\.snapshot-request-([0-9a-f]{32})")
_LEFTOVER = ".snapshot-*.duckdb"
_LEFTOVER_SECONDS = 24 * 3600.0


class SnapshotRequest:
    """One reader's request for a copy of the store with all that was written before now; withdrawn when it exits."""

    def __init__(self, runs: Path) -> None:
        token = secrets.token_hex(16)
        self.request = runs / f".snapshot-request-{token}"
        self.answer = runs / f".snapshot-{token}.duckdb"
        self.taken = False

    def __enter__(self) -> "SnapshotRequest":
        self.request.touch()
        return self

    def __exit__(self, *_: object) -> None:
        self.request.unlink(missing_ok=True)
        if not self.taken:
            self.answer.unlink(missing_ok=True)

    def answered(self) -> bool:
        """Whether the holder has delivered."""
        return self.answer.exists()


def requests(runs: Path) -> list[str]:
    """Tokens of the readers that wait."""
    try:
        return [match.group(1) for name in os.listdir(runs) if (match := _REQUEST.fullmatch(name))]
    except FileNotFoundError:
        return []


def serve(connection: duckdb.DuckDBPyConnection, runs: Path, tokens: list[str]) -> None:
    """Copy the store once and give each waiting reader its own name of the copy."""
    fresh = runs.resolve() / f".snapshot-{secrets.token_hex(16)}.duckdb"
    try:
        copy(connection, fresh)
        for token in tokens:
            _hand_over(fresh, runs, token)
    finally:
        fresh.unlink(missing_ok=True)
    _remove_leftovers(runs)


def copy(connection: duckdb.DuckDBPyConnection, place: Path) -> None:
    """Copy the store to a new file in the runs' folder, the only one that its connection may write to."""
    here = connection.execute("SELECT current_database()").fetchone()
    assert here is not None
    quoted = "'" + str(place.resolve()).replace("'", "''") + "'"
    connection.execute(f"ATTACH {quoted} AS snapshot")
    try:
        connection.execute(f'COPY FROM DATABASE "{here[0].replace(chr(34), chr(34) * 2)}" TO snapshot')
    finally:
        connection.execute("DETACH snapshot")


def _hand_over(fresh: Path, runs: Path, token: str) -> None:
    answer = runs / f".snapshot-{token}.duckdb"
    request = runs / f".snapshot-request-{token}"
    if not request.exists():
        return  # the reader gave up
    try:
        os.link(fresh, answer)
    except OSError:  # no hard links here
        partial = answer.with_suffix(".partial")
        shutil.copyfile(fresh, partial)
        partial.rename(answer)
    request.unlink(missing_ok=True)


def _remove_leftovers(runs: Path) -> None:
    """Snapshots whose reader was killed."""
    before = time.time() - _LEFTOVER_SECONDS
    for path in runs.glob(_LEFTOVER):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()
