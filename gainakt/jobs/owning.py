"""Taking a run up again: of several processes that ask at once, one gets it."""

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gainakt.errors import InputError
from gainakt.store import RunFolder
from gainakt.store.owner import is_alive
from gainakt.store.part import SILENCE_SECONDS
from gainakt.store.values import number, whole

_LOCK = "resuming.lock"
_STALE = 60.0
"""Seconds after which a lock is left over from a process that died while it held it, which takes milliseconds."""


@contextmanager
def taking_up(folder: RunFolder) -> Iterator[None]:
    """Alone with a run that no process works on, until its new owner is in the journal; raises InputError otherwise."""
    lock = folder.folder / _LOCK
    try:
        if time.time() - lock.stat().st_mtime > _STALE:
            lock.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise InputError(f"run {folder.run_id} is being resumed by another process just now") from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def refuse_owned(run_id: str, rows: Iterable[dict[str, Any]]) -> None:
    """Raise InputError where a process that lives has taken the run up and not ended it, by the run's journal."""
    owner: dict[str, Any] | None = None
    latest = 0.0
    for row in rows:
        latest = _read(number, row.get("time")) or latest
        if row["kind"] in ("queued", "resuming"):
            owner = row
        elif row["kind"] in ("finished", "paused", "failed"):
            owner = None
    pid = _read(whole, owner.get("pid")) if owner else None
    if owner is None or pid is None:
        return
    if owner.get("host") == socket.gethostname():
        works = is_alive(pid, _read(number, owner.get("pid_started")))
    else:
        works = time.time() - latest < SILENCE_SECONDS
    if works:
        where = f"process {pid} on {owner.get('host')}"
        raise InputError(f"run {run_id} belongs to {where}, which works on it; pause or stop it first")


def _read(value_of: Callable[[Any], Any], value: Any) -> Any:
    """A journal's value as a number; None where it is none."""
    try:
        return value_of(value)
    except (TypeError, ValueError, OverflowError):
        return None
