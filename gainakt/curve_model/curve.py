"""The learning-curve model's formulas: seven numbers per skill, a student's level, a logit and its derivatives.

    E = exp(a) ((1 + tanh c) own correct + (1 - tanh c) own incorrect) + the same of others' with d and e
    logit p = exp(h) sigmoid(E + level - offset) - b,        exp(h) = M_sat / T,  b = theta / T

The level is where a student started: normal between students, plus normal between a student's skills.

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
_NODES = {"none": (1, 1), "student": (11, 1), "student_skill": (7, 3)}


@dataclass(frozen=True)
class Grid:
    """Discrete standard normals: Q values of a student's level and D of their level on a skill, with probabilities.

    What is computed at all pairs of them has K = Q D columns, those of one value of the student next to each other.
    """

    student: Array
    student_prior: Array
    skill: Array
    skill_prior: Array

    def parts(self, sigma: float, skill_sigma: float) -> tuple[Array, Array]:
        """The student's and the skill's part (K,) of the level at all pairs."""
        return (
            np.repeat(np.float32(sigma) * self.student, len(self.skill)),
            np.tile(np.float32(skill_sigma) * self.skill, len(self.student)),
        )

    def marginal(self, logs: Array) -> tuple[Array, Array]:
        """Log-likelihood (G, Q) of groups with one level on a skill, and that level's posterior (G, Q, D).

        `logs` (G, K) are the groups' log-likelihoods at all pairs.
        """
        joint = logs.reshape(len(logs), len(self.student), -1)
        if joint.shape[2] == 1:
            return joint[..., 0], np.ones_like(joint)
        return softmax(joint + np.log(self.skill_prior))

    def posterior(self, logs: Array) -> tuple[Array, Array]:
        """Log-likelihood (W,) of windows and the posterior (W, Q) of the students' level, from their `logs` (W, Q)."""
        return softmax(logs + np.log(self.student_prior))


def grid(level: str) -> Grid:
    """The grid for a `level` of none, student or student_skill; one value, 0, for what is not there."""
    students, skills = _NODES[level]
    return Grid(*_normal(students), *_normal(skills))


def _normal(count: int) -> tuple[Array, Array]:
    if count == 1:
        return np.zeros(1, np.float32), np.ones(1)
    if count == 3:  # too few for an even spacing: Gauss and Hermite's
        return np.sqrt(3) * np.array([-1, 0, 1], np.float32), np.array([1, 4, 1]) / 6
    at = np.linspace(-3.0, 3.0, count)
    weight = np.exp(-(at**2) / 2)
    weight /= weight.sum()
    return (at / np.sqrt(weight @ at**2)).astype(np.float32), weight


def softmax(logs: Array) -> tuple[Array, Array]:
    """Logarithm of the sum over the last axis, and each value's share of it."""
    most = logs.max(-1, keepdims=True)
    weight = np.exp(logs - most)
    total = weight.sum(-1, keepdims=True)
    weight /= total
    return (most + np.log(total))[..., 0], weight


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


def share_and_chance(theta: Array, level: Array, practice: Practice) -> tuple[Array, Array]:
    """Share of the ceiling reached and probability of a correct response, (N, K) at each `level` (K,)."""
    numbers = theta[practice.skill].astype(np.float32)
    base = practised(theta, practice).amount - numbers[:, OFFSET]
    share = sigmoid(base[:, None] + level)
    return share, sigmoid(np.exp(numbers[:, HEIGHT])[:, None] * share - numbers[:, FLOOR][:, None])
