"""A study: simulated classes of several sizes, spreads and stopping rules, trained by presets over seeds.

Every cell is an ordinary run, recognised by its configuration: a study that is started again runs only what is missing.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from gainakt.config import Config, changed
from gainakt.config.presets import preset
from gainakt.datasets.load import named
from gainakt.errors import InputError, RunFailed
from gainakt.jobs.service import execute, queue_run
from gainakt.jobs.turns import Cancelled
from gainakt.simulate.scenario import scenario
from gainakt.store import Run, Store
from gainakt.store.facts import TESTED, results_of, tests_of
from gainakt.verdict.judge import run_tests, verdict_on
from gainakt.verdict.progress import Progress

SEQUENCINGS = ("blocked", "interleaved", "until_correct", "adaptive")
_PREFIX = "study"
_Number = TypeVar("_Number", int, float)
_TRAINS = "training"
_BY = ["preset", "sequencing", "true_cv", "students"]


@dataclass(frozen=True)
class Plan:
    """What is swept; `scenario` is the simulated class whose students, CV and sequencing change."""

    students: tuple[int, ...] = (500, 1000, 2000, 4000)
    cvs: tuple[float, ...] = (0.0, 0.2, 0.44)
    sequencings: tuple[str, ...] = ("blocked",)
    presets: tuple[str, ...] = ("parametric",)
    seeds: int = 5
    scenario: str = "heterogeneous-truth"
    tests: bool = True

    def cells(self) -> list["Cell"]:
        """Every combination, small classes first; raises InputError for what does not exist or is out of bounds."""
        if not self.students or min(self.students) < 10 or self.seeds < 1:
            raise InputError("a study needs at least 10 students in a class, and one seed")
        for students, rate_cv in itertools.product(self.students, self.cvs):
            scenario(self.scenario, {"students": students, "rate_cv": rate_cv})
        for name in self.presets:
            preset(name)
        if unknown := [name for name in self.sequencings if name not in SEQUENCINGS]:
            raise InputError(f"unknown stopping rule {unknown[0]!r}; known: {', '.join(SEQUENCINGS)}")
        every = itertools.product(sorted(self.students), self.presets, self.sequencings, self.cvs, range(self.seeds))
        return [Cell(name, rule, cv, size, seed, self.scenario) for size, name, rule, cv, seed in every]


class Planned(Protocol):
    """A run that is to be trained, unless a finished one of its name and configuration is there."""

    @property
    def name(self) -> str: ...
    @property
    def preset(self) -> str: ...
    @property
    def config(self) -> Config: ...


@dataclass(frozen=True)
class Cell:
    """One training of a study."""

    preset: str
    sequencing: str
    true_cv: float
    students: int
    seed: int
    scenario: str

    @property
    def config(self) -> Config:
        """The run's configuration."""
        simulate = f"{self.scenario} students={self.students} rate_cv={self.true_cv:g} sequencing={self.sequencing}"
        changes = {"data.path": "", "data.simulate": simulate, "data.seed": self.seed, "training.seed": self.seed}
        return changed(preset(self.preset), changes)

    @property
    def name(self) -> str:
        """The run's name."""
        return f"{_PREFIX} {self.preset}, {self.students} students, CV {self.true_cv:g}, {self.sequencing}, {self.seed}"


def carry_out(plan: Plan, root: Path, progress: Progress) -> pd.DataFrame:
    """Train and test every cell that is missing below `root`; returns `table` of the plan.

    `progress` may raise Cancelled. Raises RunFailed when a run fails or is stopped by a user. In either case what is
    done stays, and the study can be started again.
    """
    cells = plan.cells()
    with Store.open(":memory:", runs=root) as store:
        store.take_in()
        finished = _finished(store)
        for number, cell in enumerate(cells):

            def of_cell(share: float, says: str, number: int = number, cell: Cell = cell) -> None:
                progress((number + share) / len(cells), f"{number + 1} of {len(cells)}: {cell.name}: {says}")

            of_cell(0.0, _TRAINS)
            run = done(finished, cell) or trained(store, cell, root, of_cell)
            if plan.tests and not store.journal_rows([run.run_id], TESTED):
                run_tests(run, root, "stand-in", of_cell)
                store.take_in()
        return table(store, plan)


def _finished(store: Store) -> list[Run]:
    """The finished runs of all studies, newest first."""
    return store.finished_runs_named(f"{_PREFIX} ")[::-1]


def done(finished: list[Run], cell: Planned) -> Run | None:
    """The finished run of a planned one, if there is one."""
    config = cell.config
    same = (run for run in finished if run.name == cell.name and Config.model_validate(run.config) == config)
    return next(same, None)


def trained(store: Store, cell: Planned, root: Path, progress: Progress) -> Run:
    """Train a planned run; `progress` may raise Cancelled. Raises RunFailed when it fails or is stopped by a user."""
    folder = queue_run(root, cell.config, name=cell.name, preset=cell.preset)

    def stop_when_cancelled(_row: dict[str, Any]) -> None:
        try:
            progress(0.0, _TRAINS)
        except Cancelled:
            folder.request_stop("user")

    execute(folder, cell.config, stop_when_cancelled)
    store.take_in()
    progress(0.0, _TRAINS)  # a study that was cancelled ends here, with what is done kept
    run = store.run(folder.run_id)
    if run.status == "failed":
        raise RunFailed(f"run {run.run_id} of the study failed: {run.error}")
    if run.status != "finished":
        raise RunFailed(f"the study ended: run {run.run_id} was {run.reason or run.status}; start it again to go on")
    return run


def table(store: Store, plan: Plan | None = None) -> pd.DataFrame:
    """One row per finished cell of a plan, or of all studies: what was swept, recovery, and what the tests say.

    Columns: run_id, preset, sequencing, true_cv, students, seed, spearman (None where the true CV is 0), rate_cv, auc,
    auc_below_oracle, mastery_correlation, seconds, and data_skills, data_response, skills, response (pass, noise or
    untested: of the data, of the run).
    """
    if plan is None:
        pairs = [(run, cell) for run in _finished(store) if (cell := _cell_of(run)) is not None]
    else:
        finished = _finished(store)
        pairs = [(run, cell) for cell in plan.cells() if (run := done(finished, cell)) is not None]
    return pd.DataFrame([_row(store, run, cell) for run, cell in pairs], columns=_COLUMNS)


_COLUMNS = [
    "run_id",
    *_BY,
    "seed",
    "spearman",
    "rate_cv",
    "auc",
    "auc_below_oracle",
    "mastery_correlation",
    "seconds",
    "data_skills",
    "data_response",
    "skills",
    "response",
]


def _cell_of(run: Run) -> Cell | None:
    try:
        config = Config.model_validate(run.config)
        name, swept = named(config.data.simulate)
        size, cv = int(swept["students"]), float(swept["rate_cv"])
        return Cell(run.preset or "", swept["sequencing"], cv, size, config.data.seed, name)
    except (ValueError, KeyError):  # an ordinary run of that name, or one of another version
        return None


def _row(store: Store, run: Run, cell: Cell) -> dict[str, Any]:
    results = results_of(store, [run.run_id]).get(run.run_id, {})
    truth, test = results.get("recovery", {}), results.get("test", {})
    verdict = verdict_on(run, tests_of(store, run))
    data, questions = verdict.data, verdict.questions
    auc, oracle = test.get("encoder2_auc"), truth.get("oracle_auc")
    return {
        "run_id": run.run_id,
        **{name: getattr(cell, name) for name in [*_BY, "seed"]},
        "spearman": truth.get("spearman_effective_rate"),
        "rate_cv": truth.get("rate_cv"),
        "auc": auc,
        "auc_below_oracle": None if auc is None or oracle is None else oracle - auc,
        "mastery_correlation": test.get("mastery_correlation"),
        "seconds": run.seconds,
        "data_skills": data["skills_differ"].status,
        "data_response": data["response_matters"].status,
        "skills": questions["skills_differ"].status,
        "response": questions["response_matters"].status,
    }


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians over seeds, and the shares of seeds whose data, and whose run, pass "skills differ", "response matters".

    Where the truth has no difference these are rates of false alarms, elsewhere of hits; untested cells do not count.
    """
    medians = [_summarised(dict(zip(_BY, key, strict=True)), group) for key, group in rows.groupby(_BY)]
    return pd.DataFrame(medians, columns=[*_BY, "seeds", *_MEDIANS, "low", "high", *_SHARES])


_SHARES = {
    "skills_in_data": "data_skills",
    "skills_by_run": "skills",
    "response_in_data": "data_response",
    "response_by_run": "response",
}
_MEDIANS = ["spearman", "rate_cv", "auc_below_oracle", "mastery_correlation", "seconds"]


def _summarised(key: dict[str, Any], group: pd.DataFrame) -> dict[str, Any]:
    spearman = group["spearman"].dropna().astype(float)
    medians = {name: group[name].astype(float).median() for name in _MEDIANS}
    return {
        **key,
        "seeds": len(group),
        **medians,
        "low": spearman.min() if len(spearman) else np.nan,
        "high": spearman.max() if len(spearman) else np.nan,
        **{name: _share(group[column]) for name, column in _SHARES.items()},
    }


def _share(status: pd.Series) -> float:
    tested = status[status != "untested"]
    return float((tested == "pass").mean()) if len(tested) else float("nan")


def numbers(text: str) -> Iterator[float]:
    """The numbers of a text such as `0, 0.2, 0.44`; raises InputError for others, inf and nan included."""
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            value = float(part)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(f"{part!r} is no number; expected numbers with commas between, such as 0, 0.2, 0.44")
        yield value


def whole_numbers(text: str) -> Iterator[int]:
    """The same of whole numbers, such as `500, 1000`."""
    for value in numbers(text):
        if not value.is_integer():
            raise InputError(f"{value:g} is no whole number; expected such as 500, 1000")
        yield int(value)


def read(label: str, parse: Callable[[str], Iterator[_Number]], text: str) -> tuple[_Number, ...]:
    """The numbers of an option or a field; raises InputError that names it, also where there is none."""
    try:
        values = tuple(parse(text))
    except InputError as error:
        raise InputError(f"{label}: {error}") from None
    if not values:
        raise InputError(f"{label}: give at least one number, such as 1000")
    return values
