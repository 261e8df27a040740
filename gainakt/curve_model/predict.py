"""Mastery and probability before each interaction by a fitted curve model, abilities weighed by the past alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.counts import Practice
from gainakt.curve_model.fit import Fit
from gainakt.curve_model.parts import pieces
from gainakt.measures import metrics

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Predicted:
    """Before each of N interactions: mastery over the temperature (M_sat / T times its share), and probability."""

    mastery: Array
    chance: Array


def predicted(fit: Fit, practice: Practice) -> Predicted:
    """Mastery and probability (N,) of every interaction; nothing at or after `practice.since` is used."""
    parts = [_part(fit, practice.part(begin, end)) for begin, end in pieces(practice)]
    return Predicted(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _part(fit: Fit, practice: Practice) -> tuple[Array, Array]:
    grid = curve.grid(fit.tie.level)
    of_student, of_skill = grid.parts(fit.sigma, fit.skill_sigma)
    share, chance = curve.share_and_chance(fit.theta, of_student + of_skill, practice)
    right = np.where(practice.response[:, None] > 0, chance, 1 - chance)
    said, of_skills = _said(grid, np.log(np.maximum(right, 1e-30)).astype(np.float64), practice)
    total = np.cumsum(said, axis=0) - said
    past = (total - total[practice.start][practice.window])[practice.since]  # (N, Q)
    weight = (grid.posterior(past)[1][:, :, None] * of_skills).reshape(len(practice), -1)
    height = np.exp(fit.theta[practice.skill, curve.HEIGHT])
    return height * (weight * share).sum(1), (weight * chance).sum(1)


def _said(grid: curve.Grid, logs: Array, practice: Practice) -> tuple[Array, Array]:
    """What each response says of the student's level (N, Q), and the posterior of the level on its skill before it
    (N, Q, D); `logs` (N, K) are the log-probabilities of the responses."""
    if len(grid.skill) == 1:
        return logs, np.ones((*logs.shape, 1))
    order = np.lexsort((practice.skill, practice.window))
    window, skill = practice.window[order], practice.skill[order]
    new = np.append(True, (window[1:] != window[:-1]) | (skill[1:] != skill[:-1]))
    sums = np.cumsum(logs[order], axis=0) - logs[order]
    sums -= sums[new][np.cumsum(new) - 1]
    before = np.empty_like(sums)
    before[order] = sums
    (with_it, _), (without, of_skill) = grid.marginal(before + logs), grid.marginal(before)
    return with_it - without, of_skill


def log_loss(fit: Fit, practice: Practice) -> Array:
    """Log-loss in nats of each scored interaction, in order."""
    return loss_of(predicted(fit, practice).chance, practice)


def loss_of(chance: Array, practice: Practice) -> Array:
    """Log-loss of the scored among the probabilities `chance` (N,)."""
    return metrics.log_losses(practice.response[practice.scored], chance[practice.scored])
