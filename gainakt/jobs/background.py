"""Work on saved runs that takes its time: tests of differentiation and studies; behind the trainings."""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gainakt.errors import InputError, RunFailed
from gainakt.jobs.service import Service
from gainakt.store import Run
from gainakt.verdict.judge import Rows, run_tests
from gainakt.verdict.progress import Progress

Work = Callable[[Progress], object]


@dataclass(frozen=True)
class Job:
    """What one job is and how far it came; `done` in (0, 1), `error` in words for the user, if it broke."""

    what: str
    done: float = 0.0
    says: str = "waits for its turn"
    ended: bool = False
    error: str = ""
    traceback: str = ""


class Jobs:
    """The jobs of this process, one at a time and never beside a training, kept by the run they are about."""

    def __init__(self, service: Service):
        self._service, self._lock = service, threading.Lock()
        self._jobs: dict[str, Job] = {}

    def of(self, run_id: str) -> Job | None:
        """The newest job about a run."""
        with self._lock:
            return self._jobs.get(run_id)

    def start(self, run_id: str, what: str, work: Work) -> None:
        """Queue a job about a run; one that has not ended is not started twice."""
        with self._lock:
            if (known := self._jobs.get(run_id)) and not known.ended:
                return
            self._jobs[run_id] = Job(what)
        self._service.queue(lambda: self._do(run_id, work))

    def _do(self, run_id: str, work: Work) -> None:
        try:
            work(lambda done, says: self._set(run_id, done=done, says=says))
        except Exception as error:  # the job's boundary: what broke is shown where it was asked for
            said = str(error) if isinstance(error, InputError | RunFailed) else f"{type(error).__name__}: {error}"
            self._set(run_id, ended=True, error=said, traceback=traceback.format_exc())
        else:
            self._set(run_id, ended=True, done=1.0, says="done")

    def _set(self, run_id: str, **changes: object) -> None:
        with self._lock:
            self._jobs[run_id] = replace(self._jobs[run_id], **changes)  # type: ignore[arg-type]


def tests(run: Run, root: Path, arm: str, earlier: Rows = ()) -> Work:
    """The tests of differentiation, with the learning-curve model or the run's own preset; see `run_tests`."""
    return partial(run_tests, run, root, arm, earlier=earlier)
