"""Jobs: work on saved runs that takes its time (tests, studies), in turns with the trainings, to be cancelled."""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gainakt.errors import check_may_write, in_words
from gainakt.jobs.service import Service
from gainakt.jobs.turns import Cancelled, Turn
from gainakt.store import Run
from gainakt.verdict.judge import Rows, run_tests
from gainakt.verdict.progress import Progress

Work = Callable[[Progress], object]
"""Work of a job; it says how far it is as each unit of it begins: others may go first then.

The same again means that the unit goes on. Raises Cancelled when the user has cancelled the job.
"""
_WAITS = "waits for its turn"


@dataclass(frozen=True)
class Job:
    """What one job is and how far it came.

    `done` in (0, 1); `error` in words for the user, if it broke; `cancelled` from when that is asked, also while it
    still works.
    """

    what: str
    done: float = 0.0
    says: str = _WAITS
    ended: bool = False
    cancelled: bool = False
    error: str = ""
    traceback: str = ""


class Jobs:
    """The jobs of this process by the run, or other thing, that they are about."""

    def __init__(self, service: Service):
        self._turns, self._lock = service.turns, threading.Lock()
        self._jobs: dict[str, tuple[Job, Turn]] = {}

    def of(self, about: str) -> Job | None:
        """The newest job about a run."""
        with self._lock:
            return self._jobs[about][0] if about in self._jobs else None

    def start(self, about: str, what: str, work: Work) -> None:
        """Start a job about a run; one that has not ended is not started twice."""
        check_may_write()
        turn = Turn(what, about, training=False)
        with self._lock:
            if about in self._jobs and not self._jobs[about][0].ended:
                return
            self._jobs[about] = Job(what), turn
        try:
            self._turns.start(turn, lambda: self._do(turn, work))
        except RuntimeError as error:
            self._set(about, ended=True, error=in_words(error))

    def cancel(self, about: str) -> None:
        """End the job about a run where it waits or at its next report; one that has ended stays as it is."""
        with self._lock:
            job, turn = self._jobs.get(about, (None, None))
            if job is None or turn is None or job.ended:
                return
            self._jobs[about] = replace(job, cancelled=True), turn
        self._turns.cancel(turn)

    def _do(self, turn: Turn, work: Work) -> None:
        try:
            with self._turns.held(turn):
                work(self._report(turn))
        except Cancelled:
            self._set(turn.about, ended=True, says="cancelled")
        except BaseException as error:  # the job's boundary: what broke is shown where it was asked for
            self._set(turn.about, ended=True, error=in_words(error), traceback=traceback.format_exc())
        else:
            self._set(turn.about, ended=True, cancelled=False, done=1.0, says="done")

    def _report(self, turn: Turn) -> Progress:
        unit: tuple[float, str] | None = None

        def report(done: float, says: str) -> None:
            nonlocal unit
            if turn.cancelled:
                raise Cancelled
            if unit == (done, says):
                return
            if unit is not None:  # the first unit begins in the turn that the job has just got
                self._set(turn.about, done=done, says=_WAITS)
                self._turns.pass_on(turn)
            unit = done, says
            self._set(turn.about, done=done, says=says)

        return report

    def _set(self, about: str, **changes: object) -> None:
        with self._lock:
            job, turn = self._jobs[about]
            self._jobs[about] = replace(job, **changes), turn  # type: ignore[arg-type]


def tests(run: Run, root: Path, arm: str, earlier: Rows = ()) -> Work:
    """The tests of a saved run, by the learning-curve model or by its preset; see `verdict.judge.run_tests`."""
    return lambda progress: run_tests(run, root, arm, progress, earlier)
