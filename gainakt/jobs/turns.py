"""Turns: what computes in this process, one at a time, since torch's random generator is one per process.

Trainings go first, in the order they came. Jobs pass their turn on between two units of work (one training, one fit):
a training waits for one unit of a job at most, and jobs alternate.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Cancelled(Exception):
    """The job was cancelled by its user; raised in the job where it waits or reports."""


@dataclass(eq=False)
class Turn:
    """A place in the line: what for (`what`), about which run or job (`about`), and whether it was cancelled."""

    what: str
    about: str
    training: bool
    number: int = field(default=0, repr=False)
    cancelled: bool = False

    @property
    def rank(self) -> tuple[bool, int]:
        """Trainings before jobs, then first come, first served."""
        return not self.training, self.number


class Turns:
    """The line of one process; each piece of work waits for its turn in a thread of its own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: list[Turn] = []  # who waits and who has the turn
        self._running: Turn | None = None
        self._numbers = itertools.count()

    def start(self, turn: Turn, work: Callable[[], None]) -> None:
        """Join the line now and do `work` in a thread; it calls `held` for its turn and has to keep its own errors."""

        def do() -> None:
            try:
                work()
            finally:
                self._leave(turn)

        with self._changed:
            self._join(turn)
        try:
            threading.Thread(target=do, name=turn.what, daemon=True).start()
        except RuntimeError:  # the system has no thread left
            self._leave(turn)
            raise

    @contextmanager
    def held(self, turn: Turn) -> Iterator[None]:
        """Wait for the turn and hold it; raises Cancelled when that comes first."""
        self._take(turn)
        try:
            yield
        finally:
            self._give_up(turn)

    def pass_on(self, turn: Turn) -> None:
        """Let those go first who wait, trainings before all, then go on; raises Cancelled."""
        with self._changed:
            self._give_up(turn)
            self._join(turn)  # behind the other jobs
        self._take(turn)

    def cancel(self, turn: Turn) -> None:
        """End a job's waiting, or its work at its next report."""
        with self._changed:
            turn.cancelled = True
            self._changed.notify_all()

    def running(self) -> Turn | None:
        """Who computes now."""
        with self._changed:
            return self._running

    def waiting(self) -> list[Turn]:
        """Who waits, in the order in which they will go as things stand."""
        with self._changed:
            return sorted((turn for turn in self._line if turn is not self._running), key=lambda turn: turn.rank)

    def wait(self) -> None:
        """Return when the line is empty."""
        with self._changed:
            self._changed.wait_for(lambda: not self._line)

    def _join(self, turn: Turn) -> None:
        turn.number = next(self._numbers)
        if turn not in self._line:
            self._line.append(turn)

    def _take(self, turn: Turn) -> None:
        with self._changed:
            self._changed.wait_for(lambda: turn.cancelled or self._is_next(turn))
            if turn.cancelled:
                raise Cancelled
            self._running = turn

    def _is_next(self, turn: Turn) -> bool:
        return self._running is None and min(self._line, key=lambda one: one.rank) is turn

    def _give_up(self, turn: Turn) -> None:
        with self._changed:
            if self._running is turn:
                self._running = None
                self._changed.notify_all()

    def _leave(self, turn: Turn) -> None:
        with self._changed:
            self._give_up(turn)
            self._line.remove(turn)
            self._changed.notify_all()
