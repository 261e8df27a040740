"""The tests with the light stand-in: what the data say, in seconds, whatever a run has learned of them.

All students are dealt to two halves. Each half is fitted free and tied and scores the other half, so that every student
is held out once; the rates of the two free fits are what test b compares.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gainakt import metrics
from gainakt.data.interactions import Interactions
from gainakt.differentiation import evidence
from gainakt.differentiation.evidence import QUESTIONS, Evidence, Null, Question
from gainakt.parametric import curve
from gainakt.parametric.counts import Practice, practice_of
from gainakt.parametric.draw import drawn
from gainakt.parametric.fit import Fit, Tie, fitted, start
from gainakt.parametric.predict import log_loss

Array = NDArray[np.floating]
Report = Callable[[float, str], None]
TIES = {"skills": Tie(skills=True), "response": Tie(response=True)}
REPLICATES = 20
BOOTSTRAP_MOST = 40_000
"""Interactions of the students that the bootstrap draws anew; more would only make its null narrower."""
_RESTART = 0.1


@dataclass(frozen=True)
class Halves:
    """The free and tied fits of both halves of the students."""

    seen: tuple[Practice, Practice]
    free: tuple[Fit, Fit]
    tied: dict[Question, tuple[Fit, Fit]]


def halved(students: int, seed: int) -> NDArray[np.bool_]:
    """Which of the students (B,) belong to the first half."""
    half = np.zeros(students, bool)
    half[np.random.default_rng([seed, 2]).permutation(students)[: students // 2]] = True
    return half


def tests(data: Interactions, window: int, seed: int, report: Report) -> dict[Question, Evidence]:
    """All three tests of both questions; `report` hears how far they are."""
    done = counter(report, 6 + 2 * REPLICATES)
    halves = _fits(data, window, seed, done)
    found: dict[Question, Evidence] = {}
    for name in QUESTIONS:
        gained, rng = _gained(halves, name), np.random.default_rng([seed, 3])
        found[name] = Evidence(
            question=name,
            free_minus_tied=gained,
            halves=evidence.rank_agreement(*(fit.rate for fit in halves.free)) if name == "skills" else None,
            bootstrap=_bootstrap(halves, name, rng, done) if evidence.above(gained) else None,
        )
    return found


def statistic(fit: Fit, question: Question) -> float:
    """What the bootstrap compares: the CV of rates, or the typical log of the gains' ratio after the responses."""
    if question == "skills":
        return metrics.cv(fit.rate) or 0.0
    return float(2 * np.sqrt((fit.theta[:, curve.CONTRAST] ** 2).mean()))


def _fits(data: Interactions, window: int, seed: int, done: Callable[[str], None]) -> Halves:
    everyone = practice_of(data, np.arange(len(data.students)), window)
    first = halved(len(data.students), seed)[everyone.student]
    seen = everyone.of(first), everyone.of(~first)

    def both(tie: Tie, says: str) -> tuple[Fit, Fit]:
        fits = []
        for part in seen:
            done(says)
            fits.append(fitted(part, start(len(data.skills), tie)))
        return fits[0], fits[1]

    free = both(Tie(), "fitting the free model to each half")
    return Halves(seen, free, {name: both(TIES[name], f"fitting with {name} tied") for name in QUESTIONS})


def _gained(halves: Halves, question: Question) -> evidence.Interval:
    """Log-loss of the tied minus the free fits on the halves that they were not fitted to."""
    lost, who = [], []
    for free, tied, other in zip(halves.free, halves.tied[question], reversed(halves.seen), strict=True):
        lost.append(log_loss(tied, other) - log_loss(free, other))
        who.append(other.student[other.scored])
    return evidence.by_student(np.concatenate(lost), np.concatenate(who))


def _bootstrap(halves: Halves, question: Question, rng: np.random.Generator, done: Callable[[str], None]) -> Null:
    """The statistic of the first half beside those of responses drawn from its tied fit."""
    seen, tied = _some(halves.seen[0], rng), halves.tied[question][0]
    observed = statistic(fitted(seen, _restarted(halves.free[0], Tie())), question)
    null: list[float] = []
    while len(null) < REPLICATES and not evidence.hopeless(observed, null, REPLICATES):
        done(f"{question}: data simulated without the difference")
        null.append(statistic(fitted(drawn(tied, seen, rng), _restarted(tied, Tie())), question))
    return evidence.against(observed, null)


def _restarted(fit: Fit, tie: Tie) -> Fit:
    """A fit to go on from, free to grow spreads that were tied."""
    spread = np.maximum(fit.spread, _RESTART)
    return replace(fit, tie=tie, spread=spread, iterations=0, converged=False)


def _some(seen: Practice, rng: np.random.Generator) -> Practice:
    """All interactions of as many students, at random, as fit into `BOOTSTRAP_MOST`."""
    if len(seen) <= BOOTSTRAP_MOST:
        return seen
    students, count = np.unique(seen.student, return_counts=True)
    order = rng.permutation(len(students))
    kept = students[order[np.cumsum(count[order]) <= BOOTSTRAP_MOST]]
    return seen.of(np.isin(seen.student, kept))


def counter(report: Report, steps: int) -> Callable[[str], None]:
    """A function that tells `report`, with words, that one more of so many steps begins."""
    shares: Iterator[float] = iter(np.linspace(0, 1, steps + 1))
    return lambda says: report(float(next(shares)), says)
