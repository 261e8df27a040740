"""The learning-curve model's formulas: seven numbers per skill, a student's ability, a logit and its derivatives.

    E = exp(a) ((1 + tanh c) own correct + (1 - tanh c) own incorrect) + the same of others' with d and e
    logit p = exp(h) sigmoid(E + ability - offset) - b,      exp(h) = M_sat / T,  b = theta / T

exp(a) is the effective rate: the mean of the gains after correct and incorrect responses. Only the product of beta,
gamma and gain is identified, and only M_sat / T and theta / T: `scaled` reads them in the units of the model.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model.counts import Practice

Array = NDArray[np.floating]
LEVEL, CONTRAST, TRANSFER, TRANSFER_CONTRAST, OFFSET, HEIGHT, FLOOR = range(7)
NAMES = ("level", "contrast", "transfer", "transfer_contrast", "offset", "height", "floor")
GAIN_PATH = (LEVEL, CONTRAST, TRANSFER, TRANSFER_CONTRAST)
CONTRASTS = (CONTRAST, TRANSFER_CONTRAST)
_GRID = np.linspace(-3.0, 3.0, 11)


def nodes(ability: bool) -> tuple[Array, Array]:
    """Points (Q,) and probabilities of a discrete standard normal; one point at 0 without ability."""
    if not ability:
        return np.zeros(1, np.float32), np.ones(1)
    weight = np.exp(-(_GRID**2) / 2)
    weight /= weight.sum()
    return (_GRID / np.sqrt(weight @ _GRID**2)).astype(np.float32), weight


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) of any size, in x's type."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))))


@dataclass(frozen=True)
class Practised:
    """Effective practice (N,) of each interaction and its derivatives by the four numbers of the gain path (N, 4)."""

    amount: Array
    slopes: Array


def practised(theta: Array, practice: Practice) -> Practised:
    """Effective practice before each interaction, from the skills' numbers `theta` (S, 7)."""
    numbers = theta[practice.skill].astype(np.float32)
    amount, slopes = np.zeros(len(practice), np.float32), np.empty((len(practice), 4), np.float32)
    for counts, level, contrast in ((practice.own, LEVEL, CONTRAST), (practice.other, TRANSFER, TRANSFER_CONTRAST)):
        scale, tilt = np.exp(numbers[:, level]), np.tanh(numbers[:, contrast])
        both, difference = counts.sum(1), counts[:, 1] - counts[:, 0]
        slopes[:, level] = scale * (both + tilt * difference)
        slopes[:, contrast] = scale * (1 - tilt**2) * difference
        amount += slopes[:, level]
    return Practised(amount, slopes)


def share_and_chance(theta: Array, sigma: float, at: Array, practice: Practice) -> tuple[Array, Array]:
    """Share of the ceiling reached and probability of a correct response, (N, Q) at the abilities sigma x `at`."""
    numbers = theta[practice.skill].astype(np.float32)
    base = practised(theta, practice).amount - numbers[:, OFFSET]
    share = sigmoid(base[:, None] + np.float32(sigma) * at)
    return share, sigmoid(np.exp(numbers[:, HEIGHT])[:, None] * share - numbers[:, FLOOR][:, None])
