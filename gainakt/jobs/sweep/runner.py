"""Carrying a sweep out: asks for points, gives their trials to an engine, prunes, stops, goes on after a crash."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from gainakt.errors import RunFailed
from gainakt.jobs.marks import Row
from gainakt.jobs.sweep.engines import Engine, Handle
from gainakt.jobs.sweep.folder import SweepFolder
from gainakt.jobs.sweep.search import Search, search_of
from gainakt.jobs.sweep.space import Trial
from gainakt.jobs.sweep.trial import WHO, Known, Outcome, Task, outcome, train
from gainakt.store import RunFolder
from gainakt.verdict.progress import Progress

TRIES = 3
"""How often a trial is begun whose process dies."""
_TICK = 0.2
_LOOK = 2.0
_AGAIN = 5.0
"""Seconds after which a training is asked to pause again: one that is just being resumed reads later requests only."""
_PATIENCE = 120.0
"""Seconds that trainings have to pause when the sweep is to end; they pause after a step, and evaluate before."""


@dataclass
class Point:
    """A point that is being tried: its trials that wait or train, and what came of the others."""

    waiting: list[Trial]
    ended: list[Outcome] = field(default_factory=list)
    seeds: int = 1


@dataclass
class Sweep:
    """A sweep that is being carried out in this process.

    `done` and `broken` count trials of this sweep; `again` those that were done before it was started.
    """

    folder: SweepFolder
    engine: Engine
    progress: Progress
    done: int = 0
    again: int = 0
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.space = self.folder.space()
        self._search: Search = search_of(self.space, self.folder.path)
        self.done = self.again = self._search.told * self.space.seeds
        self._known = Known(self.folder.runs, self.folder.name)
        self._points: dict[int, Point] = {}
        self._going: dict[Handle, Trial] = {}
        self._tries: dict[str, int] = {}
        self._earlier: dict[str, Row] = {}
        self._read: dict[str, int] = {}
        self._over = False
        self._looked = 0.0
        self.stopping = False

    def carry_out(self) -> None:
        """Train what is missing; returns when all is done or the sweep was asked to stop. Raises RunFailed at its end
        where trials could not be trained.
        """
        with self.folder.owned(self.engine.name, self.engine.slots):
            try:
                while not self.stopping and (self._begin() or self._going):
                    self._wait()
                if self.stopping:
                    self._pause()
            finally:
                self.engine.close()
        if self.broken:
            raise RunFailed(
                f"{len(self.broken)} of {self.space.total} trials did not finish ({self.broken[-1]}); start the sweep"
                " again to try them again"
            )

    def _wait(self) -> None:
        time.sleep(_TICK)
        self.folder.beat()
        self.stopping |= self.folder.asked_to_stop()
        for handle in [handle for handle in self._going if handle.done()]:
            self._take(handle, self._going.pop(handle))
        if self.space.prune and time.monotonic() - self._looked > _LOOK:
            self._prune()
        words = f"{self.done} of {self.space.total} done, {len(self._going)} train"
        self.progress(min(self.done / max(self.space.total, 1), 1.0), words)

    def _begin(self) -> bool:
        """Fill the free slots; whether there was anything left to begin."""
        while len(self._going) < self.engine.slots:
            trial = self._next()
            if trial is None:
                return False
            task = Task(
                root=str(self.folder.runs),
                sweep=self.folder.name,
                name=f"{self.folder.name}: {trial.label}, seed {trial.config.training.seed}",
                preset=trial.preset,
                config=trial.config.model_dump(),
                tests=self.space.tests,
                earlier=self._earlier,
            )
            self._going[self.engine.submit(train, task)] = trial
        return True

    def _next(self) -> Trial | None:
        """The next trial that is not done yet."""
        while True:
            for point in self._points.values():
                if point.waiting:
                    return point.waiting.pop(0)
            trials = None if self._over else self._search.ask()
            if trials is None:
                self._over = True
                return None
            self._enter(trials)

    def _enter(self, trials: list[Trial]) -> None:
        known = self._known.look()
        point = self._points[trials[0].point] = Point([], seeds=len(trials))
        for trial in trials:
            run_id = known.get(trial.identity)
            found = outcome(self.folder.runs, run_id) if run_id else Outcome()
            if found.complete(self.space.tests):
                self.again += 1
                self._end(trial, found)
            else:
                point.waiting.append(trial)

    def _take(self, handle: Handle, trial: Trial) -> None:
        """What came of a trial; one whose process died goes first in the line again."""
        try:
            found = outcome(self.folder.runs, handle.result())
            why = "" if found.ended else _why(found)
        except Exception as error:  # the boundary to another process, which may die in any way
            found, why = Outcome(), f"{type(error).__name__}: {error}".splitlines()[0]
            self._tries[trial.identity] = self._tries.get(trial.identity, 1) + 1
            if self._tries[trial.identity] <= TRIES and not self.stopping:
                self._points[trial.point].waiting.insert(0, trial)
                return
        if why:
            self.broken.append(f"{trial.label}, seed {trial.config.training.seed}: {why}")
        self._end(trial, found)

    def _end(self, trial: Trial, found: Outcome) -> None:
        self.done += found.ended
        if found.tested is not None:
            self._earlier[found.fingerprint] = found.tested
        point = self._points[trial.point]
        point.ended.append(found)
        if len(point.ended) == point.seeds:
            del self._points[trial.point]
            pruned = any((one.end or {}).get("reason") == f"stopped by {WHO}" for one in point.ended)
            if all(one.end is None or one.end["kind"] != "paused" for one in point.ended) and not self.stopping:
                self._search.tell(trial.point, [one.value(self.space.measure) for one in point.ended], pruned)

    def _active(self) -> Iterator[tuple[Trial, RunFolder]]:
        known = self._known.look()
        for trial in self._going.values():
            if run_id := known.get(trial.identity):
                yield trial, RunFolder(self.folder.runs, run_id)

    def _prune(self) -> None:
        """Stop the trainings that are behind the median of others in the same epoch."""
        self._looked = time.monotonic()
        for trial, folder in self._active():
            rows, self._read[folder.run_id] = folder.rows(self._read.get(folder.run_id, 0))
            for row in rows:
                value = row["values"].get(f"validation.{self.space.measure}") if row["kind"] == "evaluated" else None
                if value is not None and self._search.report(trial.point, row["epoch"], value):
                    folder.request_stop(WHO)

    def _pause(self) -> None:
        """Have all that trains pause, and wait for it."""
        asked: dict[str, float] = {}
        until = time.monotonic() + _PATIENCE
        while self._going and time.monotonic() < until:
            for _, folder in self._active():
                if time.monotonic() - asked.get(folder.run_id, 0.0) > _AGAIN:
                    asked[folder.run_id] = time.monotonic()
                    folder.request_pause(WHO)
            time.sleep(_TICK)
            self.folder.beat()
            for handle in [handle for handle in self._going if handle.done()]:
                self._going.pop(handle)
            self.progress(min(self.done / max(self.space.total, 1), 1.0), f"{len(self._going)} trainings pause")


def _why(found: Outcome) -> str:
    end = found.end or {}
    return str(end.get("error") or end.get("kind") or "it has no end")
