"""A sweep's folder beside the store: its plan, who trains it now, and the request to stop."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gainakt.errors import InputError, check_may_write, quoted
from gainakt.jobs.sweep.space import NAME, Space, read
from gainakt.store import runs_root
from gainakt.store.inbox import beside
from gainakt.store.owner import is_alive, this_process
from gainakt.store.part import SILENCE_SECONDS

_BEAT = 5.0


def sweeps_root(store: str | Path) -> Path:
    """The folder beside a store's file that holds one folder per sweep: `data/x.duckdb` -> `data/x.sweeps`."""
    return beside(Path(store).resolve(), "sweeps")


def sweeps(store: str | Path) -> list[str]:
    """The sweeps of a store, the newest first."""
    plans = sweeps_root(store).glob("*/plan.toml")
    return [plan.parent.name for plan in sorted(plans, key=lambda plan: -plan.stat().st_mtime)]


class SweepFolder:
    """One sweep of a store; raises InputError for a name that is not of the form `variance-2`."""

    def __init__(self, store: str | Path, name: str) -> None:
        if not NAME.fullmatch(name):
            raise InputError(
                f"{quoted(name)} cannot name a sweep; use small letters, digits and hyphens, such as variance-2"
            )
        self.name = name
        self.store = Path(store).resolve()
        self.runs = runs_root(self.store)
        self.path = sweeps_root(store) / name
        self.log = self.path / "log.txt"
        self._plan, self._owner, self._stop = (self.path / file for file in ("plan.toml", "owner.json", "stop"))

    @property
    def text(self) -> str:
        """The TOML text of its plan; raises InputError when there is no such sweep."""
        try:
            return self._plan.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"there is no sweep {self.name!r} beside {self.store}") from None
        except (OSError, ValueError) as error:
            raise InputError(f"the plan of the sweep {self.name} cannot be read: {error}") from None

    def space(self) -> Space:
        """What it tries; raises InputError when there is no such sweep."""
        return read(self.text)

    def save(self, text: str) -> None:
        """Make this the plan; runs that it has in common with an earlier one count as done. Raises InputError."""
        check_may_write()
        read(text)
        self.path.mkdir(parents=True, exist_ok=True)
        _write(self._plan, text)

    def owner(self) -> dict[str, Any] | None:
        """The process that trains it now (pid, host, engine, processes); None where none does."""
        try:
            beat = self._owner.stat().st_mtime
            owner = dict(json.loads(self._owner.read_text(encoding="utf-8")))
            started = owner.get("pid_started")
            pid, started = int(owner["pid"]), None if started is None else float(started)
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None
        if owner.get("host") == socket.gethostname():
            return owner if is_alive(pid, started) else None
        return owner if time.time() - beat < SILENCE_SECONDS else None

    @contextmanager
    def owned(self, engine: str, processes: int) -> Iterator[None]:
        """Be the one process that trains it; raises InputError where another one does."""
        check_may_write()
        if other := self.owner():
            raise InputError(
                f"the sweep {self.name} is being trained by process {other['pid']} on {other['host']}; stop that first"
            )
        self._stop.unlink(missing_ok=True)
        me = this_process()
        _write(self._owner, json.dumps({**me, "engine": engine, "processes": processes, "since": time.time()}))
        try:
            yield
        finally:
            self._owner.unlink(missing_ok=True)
            self._stop.unlink(missing_ok=True)

    def beat(self) -> None:
        """Show other hosts that its process lives; call it often."""
        if time.time() - self._owner.stat().st_mtime > _BEAT:
            os.utime(self._owner)

    def request_stop(self) -> None:
        """Ask the process that trains it to end, with the states of its trainings kept."""
        check_may_write()
        self._stop.touch()

    def asked_to_stop(self) -> bool:
        """Whether that was asked."""
        return self._stop.exists()


def _write(path: Path, content: str) -> None:
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(content, encoding="utf-8")
    part.replace(path)
