"""The test on the data with the learning-curve model: seconds, whatever a run has learned.

The students are dealt to two halves. The full and the restricted model are fitted to each half and predict the other,
so that every student is held out once; the rates of both full fits give the split-half correlation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model.bkt import fitted_bkt, predicted_bkt
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.curve_model.draw import drawn
from gainakt.curve_model.fit import Fit, LevelKind, Tie, fitted, log_likelihood, start
from gainakt.curve_model.predict import log_loss, loss_of
from gainakt.data.interactions import Interactions
from gainakt.verdict.progress import Progress, Steps
from gainakt.verdict.statistics import (
    QUESTIONS,
    Bootstrap,
    DataTest,
    Interval,
    Question,
    above_zero,
    bootstrap_p,
    cannot_pass,
    effect_sizes,
    mean_by_student,
    rank_correlation,
)

Array = NDArray[np.floating]
TIES = {"skills": Tie(skills=True), "response": Tie(response=True)}
REPLICATES = 20
MOST: dict[LevelKind, tuple[int, int]] = {"student": (10**9, 80_000), "student_skill": (100_000, 40_000)}
"""Most interactions of a half's fits and of the bootstrap, for the levels of the models; more would only take longer.

A level on each skill takes twice the time per interaction, and twice as many steps.
"""
_RESTART = 0.1


@dataclass(frozen=True)
class Halves:
    """Both halves of the students, and the full and restricted fits to each."""

    practice: tuple[Practice, Practice]
    full: tuple[Fit, Fit]
    restricted: dict[Question, tuple[Fit, Fit]]


def halved(students: int, seed: int) -> NDArray[np.bool_]:
    """Which of the students (B,) belong to the first half."""
    half = np.zeros(students, bool)
    half[np.random.default_rng([seed, 2]).permutation(students)[: students // 2]] = True
    return half


def data_tests(
    data: Interactions,
    window: int,
    seed: int,
    progress: Progress,
    level: LevelKind = "student",
    questions: Sequence[Question] = QUESTIONS,
) -> dict[Question, DataTest]:
    """The test on the data for the questions, by models whose students, or students' skills, have a level apart."""
    step = Steps(progress, 2 + len(questions) * (2 + REPLICATES))
    halves = _fits(data, window, (level, seed, questions), step)
    rates, gains = [fit.rate for fit in halves.full], [fit.gains[:, 0] for fit in halves.full]
    size = effect_sizes((rates[0] + rates[1]) / 2, (gains[0] + gains[1]) / 2, halves.practice[0])
    tests: dict[Question, DataTest] = {}
    for question in questions:
        rise, rng = _rise(halves, question), np.random.default_rng([seed, 3])
        tests[question] = DataTest(
            question=question,
            free_minus_tied=rise,
            halves=rank_correlation(*rates) if question == "skills" else None,
            bootstrap=_bootstrap(halves, question, rng, step) if above_zero(rise) else None,
            size=size[question],
            rival_minus_free=_rise_of_bkt(halves) if question == "response" else None,
        )
    return tests


def _fits(
    data: Interactions, window: int, of: tuple[LevelKind, int, Sequence[Question]], step: Callable[[str], None]
) -> Halves:
    level, seed, questions = of
    everyone = practice_of(data, np.arange(len(data.students)), window)
    first = halved(len(data.students), seed)[everyone.student]
    practice = everyone.of(first), everyone.of(~first)
    some = [half.some(MOST[level][0], np.random.default_rng([seed, 6])) for half in practice]

    def both(tie: Tie, words: str) -> tuple[Fit, Fit]:
        fits = []
        for half in some:
            step(words)
            fits.append(fitted(half, start(len(data.skills), replace(tie, level=level))))
        return fits[0], fits[1]

    full = both(Tie(), "fitting the full model to each half of the students")
    names = {"skills": "all skills alike", "response": "both responses alike"}
    restricted = {name: both(TIES[name], f"fitting the restricted model, {names[name]}") for name in questions}
    return Halves(practice, full, restricted)


def _rise(halves: Halves, question: Question) -> Interval:
    """Held-out log-loss of the restricted minus that of the full fits."""
    pairs = zip(halves.restricted[question], reversed(halves.practice), strict=True)
    return _over_full(halves, [log_loss(fit, other) for fit, other in pairs])


def _rise_of_bkt(halves: Halves) -> Interval:
    """Held-out log-loss of BKT minus that of the full fits."""
    skills = len(halves.full[0].theta)
    models = [fitted_bkt(half, skills) for half in halves.practice]
    pairs = zip(models, reversed(halves.practice), strict=True)
    return _over_full(halves, [loss_of(predicted_bkt(model, other), other) for model, other in pairs])


def _over_full(halves: Halves, losses: list[Array]) -> Interval:
    """These log-losses, of the second and of the first half, minus those of the full fits."""
    others = list(reversed(halves.practice))
    full = [log_loss(fit, other) for fit, other in zip(halves.full, others, strict=True)]
    student = np.concatenate([other.student[other.scored] for other in others])
    return mean_by_student(np.concatenate(losses) - np.concatenate(full), student)


def _bootstrap(halves: Halves, question: Question, rng: np.random.Generator, step: Callable[[str], None]) -> Bootstrap:
    """The likelihood ratio on the first half, beside those of responses drawn from its restricted fit."""
    full, restricted = halves.full[0], halves.restricted[question][0]
    practice = halves.practice[0].some(MOST[full.tie.level][1], rng)
    observed = _likelihood_ratio(practice, full, restricted)
    null: list[float] = []
    while len(null) < REPLICATES and not cannot_pass(observed, null, REPLICATES):
        step(f"bootstrap: simulating and fitting data without the difference ({question})")
        null.append(_likelihood_ratio(drawn(restricted, practice, rng), restricted, restricted))
    return bootstrap_p(observed, null)


def _likelihood_ratio(practice: Practice, full: Fit, restricted: Fit) -> float:
    """Log-likelihood of the full over the restricted model in nats per interaction; fits go on from those given."""
    full = fitted(practice, _restarted(full, Tie(level=full.tie.level)))
    restricted = fitted(practice, replace(restricted, iterations=0))
    return (log_likelihood(full) - log_likelihood(restricted)) / len(practice)


def _restarted(fit: Fit, tie: Tie) -> Fit:
    """A fit to go on from, free to grow spreads that were tied."""
    spread = np.maximum(fit.spread, _RESTART)
    return replace(fit, tie=tie, spread=spread, iterations=0, converged=False)
