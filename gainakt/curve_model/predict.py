"""Mastery and probability before each interaction by a fitted curve model, abilities weighed by the past alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.counts import Practice
from gainakt.curve_model.fit import Fit, pieces
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
    at, prior = curve.nodes(fit.tie.ability)
    share, chance = curve.share_and_chance(fit.theta, fit.sigma, at, practice)
    right = np.where(practice.response[:, None] > 0, chance, 1 - chance)
    logs = np.log(np.maximum(right, 1e-30)).astype(np.float64)
    total = np.cumsum(logs, axis=0) - logs
    past = np.log(prior) + (total - total[practice.start][practice.window])[practice.since]  # (N, Q)
    weight = np.exp(past - past.max(1, keepdims=True))
    weight /= weight.sum(1, keepdims=True)
    height = np.exp(fit.theta[practice.skill, curve.HEIGHT])
    return height * (weight * share).sum(1), (weight * chance).sum(1)


def log_loss(fit: Fit, practice: Practice) -> Array:
    """Log-loss in nats of each scored interaction, in order."""
    return loss_of(predicted(fit, practice).chance, practice)


def loss_of(chance: Array, practice: Practice) -> Array:
    """Log-loss of the scored among the probabilities `chance` (N,)."""
    return metrics.log_losses(practice.response[practice.scored], chance[practice.scored])
