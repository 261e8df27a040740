"""The tests with the light stand-in: what the data say, in seconds, whatever a run has learned of them.

All students are dealt to two halves. Each half is fitted free and tied and scores the other half, so that every student
is held out once; the rates of the two free fits are what test b compares.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model.bkt import fitted_bkt, predicted_bkt
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.curve_model.draw import drawn
from gainakt.curve_model.fit import Fit, Tie, fitted, log_likelihood, start
from gainakt.curve_model.predict import log_loss, loss_of
from gainakt.data.interactions import Interactions
from gainakt.verdict import evidence
from gainakt.verdict.evidence import QUESTIONS, Evidence, Null, Question

Array = NDArray[np.floating]
Report = Callable[[float, str], None]
TIES = {"skills": Tie(skills=True), "response": Tie(response=True)}
REPLICATES = 20
BOOTSTRAP_MOST = 80_000
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
    done = Steps(report, 6 + 2 * REPLICATES)
    halves = _fits(data, window, seed, done)
    rate, gain = (sum(values) / 2 for values in zip(*((fit.rate, fit.gains[:, 0]) for fit in halves.free), strict=True))
    size = evidence.sizes(rate, gain, halves.seen[0])
    found: dict[Question, Evidence] = {}
    for name in QUESTIONS:
        gained, rng = _gained(halves, name), np.random.default_rng([seed, 3])
        found[name] = Evidence(
            question=name,
            free_minus_tied=gained,
            halves=evidence.rank_agreement(*(fit.rate for fit in halves.free)) if name == "skills" else None,
            bootstrap=_bootstrap(halves, name, rng, done) if evidence.above(gained) else None,
            size=size[name],
            rival_minus_free=_beyond_rival(halves) if name == "response" else None,
        )
    return found


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
    pairs = zip(halves.tied[question], reversed(halves.seen), strict=True)
    return _compared(halves, [log_loss(tied, other) for tied, other in pairs])


def _beyond_rival(halves: Halves) -> evidence.Interval:
    """The same of knowledge tracing with a hidden state."""
    skills = len(halves.free[0].theta)
    rivals = [fitted_bkt(part, skills) for part in halves.seen]
    pairs = zip(rivals, reversed(halves.seen), strict=True)
    return _compared(halves, [loss_of(predicted_bkt(rival, other), other) for rival, other in pairs])


def _compared(halves: Halves, lost: list[Array]) -> evidence.Interval:
    """These log-losses, of the second and of the first half, minus those of the free fits."""
    others = list(reversed(halves.seen))
    free = [log_loss(fit, other) for fit, other in zip(halves.free, others, strict=True)]
    student = np.concatenate([other.student[other.scored] for other in others])
    return evidence.by_student(np.concatenate(lost) - np.concatenate(free), student)


def _bootstrap(halves: Halves, question: Question, rng: np.random.Generator, done: Callable[[str], None]) -> Null:
    """The likelihood ratio of free and tied on the first half beside those of responses drawn from its tied fit."""
    seen, free, tied = _some(halves.seen[0], rng), halves.free[0], halves.tied[question][0]
    observed = _ratio(seen, free, tied)
    null: list[float] = []
    while len(null) < REPLICATES and not evidence.hopeless(observed, null, REPLICATES):
        done(f"{question}: data simulated without the difference")
        null.append(_ratio(drawn(tied, seen, rng), tied, tied))
    return evidence.against(observed, null)


def _ratio(seen: Practice, free: Fit, tied: Fit) -> float:
    """Log-likelihood of the free over the tied model in nats per interaction; both fits go on from those given."""
    free, tied = fitted(seen, _restarted(free, Tie())), fitted(seen, replace(tied, iterations=0))
    return (log_likelihood(free) - log_likelihood(tied)) / len(seen)


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


class Steps:
    """Tells `report`, with words, that one more of so many steps begins; `go_on` repeats it while the step lasts."""

    def __init__(self, report: Report, steps: int):
        self._report, self._steps, self._begun, self._says = report, steps, 0, ""

    def __call__(self, says: str) -> None:
        self._begun, self._says = self._begun + 1, says
        self.go_on()

    def go_on(self) -> list[Any]:
        """Repeat the last report; as `requests` of a training, asks for nothing."""
        self._report((self._begun - 1) / self._steps, self._says)
        return []
