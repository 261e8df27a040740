"""Which points a sweep tries, in which order: all of a list, or what Optuna proposes from the results so far."""

import hashlib
from pathlib import Path
from typing import Any, Protocol

from gainakt.config import fields
from gainakt.errors import InputError
from gainakt.jobs.sweep.space import Range, Space, Trial


class Search(Protocol):
    """A search for points; `told` were told before this start, and are not asked for again."""

    told: int

    def ask(self) -> list[Trial] | None:
        """The trials of the next point, one per seed; None where no further one is to be tried."""

    def tell(self, point: int, values: list[float | None], pruned: bool) -> None:
        """What the measure came to for each seed of a point."""

    def report(self, point: int, epoch: int, value: float) -> bool:
        """The measure after an epoch of a point's training; whether to stop it."""


class Listed:
    """A grid, or random points: known from the beginning."""

    told = 0

    def __init__(self, space: Space) -> None:
        self._trials = iter(space.every)

    def ask(self) -> list[Trial] | None:
        return next(self._trials, None)

    def tell(self, point: int, values: list[float | None], pruned: bool) -> None:
        return

    def report(self, point: int, epoch: int, value: float) -> bool:
        return False


class Optuna:
    """Points that Optuna's TPE proposes, kept in a journal file: a broken-off search goes on where it was.

    Points that were begun and not told come first again.
    """

    def __init__(self, space: Space, journal: Path) -> None:
        try:
            import optuna
            from optuna.storages.journal import JournalFileBackend
        except ImportError:
            raise InputError(
                'search = "optuna" needs Optuna: pip install -e \'.[optuna]\', or search = "random"'
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        journal.parent.mkdir(parents=True, exist_ok=True)
        self._space, self._states = space, optuna.trial.TrialState
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(journal)))
        pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
        self._study = optuna.create_study(
            storage=storage,
            study_name=journal.stem,
            direction=space.goal,
            load_if_exists=True,
            pruner=pruner if space.prune else optuna.pruners.NopPruner(),
        )
        begun = self._study.get_trials(deepcopy=False)
        # with the same seed a search that goes on would begin with the points it began with
        self._study.sampler = optuna.samplers.TPESampler(seed=space.seed + len(begun), constant_liar=True)
        self._again = [trial for trial in begun if trial.state == self._states.RUNNING]
        self._begun = len(begun)
        self.told = len(begun) - len(self._again)
        self._going: dict[int, Any] = {}

    def ask(self) -> list[Trial] | None:
        """A point that was begun and not told, else a new one; one whose settings exclude each other is passed over."""
        import optuna

        while self._again or self._begun < self._space.trials:
            if self._again:
                frozen = self._again.pop(0)
                trial = optuna.trial.Trial(self._study, frozen._trial_id)
            else:
                trial = self._study.ask()
                self._begun += 1
            values = {name: self._suggested(trial, name) for name in self._space.varied}
            self._going[trial.number] = trial
            try:
                return self._space.trials_at(trial.number, values)
            except InputError:
                self.tell(trial.number, [], False)
        return None

    def _suggested(self, trial: Any, name: str) -> Any:
        axis = self._space.varied[name]
        if not isinstance(axis, Range):
            return trial.suggest_categorical(name, list(axis))
        if fields()[name].kind is int:
            return trial.suggest_int(name, int(axis.low), int(axis.high), log=axis.log)
        return trial.suggest_float(name, axis.low, axis.high, log=axis.log)

    def tell(self, point: int, values: list[float | None], pruned: bool) -> None:
        """The mean over seeds; none where a training has no value."""
        trial = self._going.pop(point)
        known = [value for value in values if value is not None]
        if pruned:
            self._study.tell(trial, state=self._states.PRUNED)
        elif not known or len(known) < len(values):
            self._study.tell(trial, state=self._states.FAIL)
        else:
            self._study.tell(trial, sum(known) / len(known))

    def report(self, point: int, epoch: int, value: float) -> bool:
        trial = self._going[point]
        trial.report(value, epoch)
        return bool(trial.should_prune())


def search_of(space: Space, folder: Path) -> Search:
    """The search that a space asks for; Optuna's journal lies in `folder`, one for each space."""
    if space.search != "optuna":
        return Listed(space)
    name = hashlib.sha256(repr(sorted(space.varied.items())).encode() + repr(space.fixed).encode()).hexdigest()[:8]
    return Optuna(space, folder / f"optuna-{name}.log")
