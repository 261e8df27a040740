"""AFM, the additive factors model (Cen, Koedinger, Junker 2006), as DataShop fits it.

    logit P(correct) = level of the student + sum over the response's skills of (easiness + slope x earlier practice)

By maximum likelihood, with a standard normal prior on the levels alone: a student without a mistake has a finite one.
With slopes that may not fall, it reproduces DataShop's published predictions (tests/test_learning_afm.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from gainakt.analysis.learning.observations import Array, Index, Mask, Observations

FOLDS = 3
"""Parts of a cross-validation, as in DataShop."""
_MOST = 2000


@dataclass(frozen=True)
class Afm:
    """Levels of students (B,), easiness and slope of skills (S,) in logits, standard errors of the latter (S,).

    `log_likelihood` in nats, without the prior; `parameters` counts the students and two for each skill.
    """

    level: Array
    easiness: Array
    slope: Array
    easiness_error: Array
    slope_error: Array
    log_likelihood: float
    parameters: int
    responses: int

    @property
    def aic(self) -> float:
        """Akaike's information criterion; lower is better."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Bayesian information criterion; lower is better."""
        return float(self.parameters * np.log(self.responses) - 2 * self.log_likelihood)


def fitted(data: Observations, falling: bool = True) -> Afm:
    """The model of these responses; without `falling`, no slope is below zero, as in DataShop.

    A student or skill without a response keeps the level 0, or the easiness of all responses together.
    """
    design = sparse.hstack([data.of_students, data.skills, data.practice], format="csr")
    students, skills = data.students, data.skills.shape[1]
    response = data.response.astype(np.float64)
    share = np.clip(response.mean(), 0.01, 0.99)
    square = design.multiply(design).sum(axis=0) * share * (1 - share) + 1e-9
    square[:students] += 1
    scale = np.where(square > 1e-6, 1 / np.sqrt(square), 1.0)  # near one curvature in every direction
    scaled = sparse.csr_array(design.multiply(scale[None, :]))
    turned = scaled.T.tocsr()

    def loss(at: Array) -> tuple[float, Array]:
        logit, level = scaled @ at, at[:students] * scale[:students]
        slope = turned @ (expit(logit) - response)
        slope[:students] += level * scale[:students]
        return float(np.logaddexp(0, logit).sum() - response @ logit + level @ level / 2), slope

    start = np.zeros(students + 2 * skills)
    start[students : students + skills] = np.log(share / (1 - share)) / scale[students : students + skills]
    free = [(None, None)] * (students + skills) + [(None if falling else 0.0, None)] * skills
    options = {"maxiter": _MOST, "maxfun": 2 * _MOST, "ftol": 1e-13, "gtol": 1e-4, "maxcor": 20}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=free, options=options).x * scale
    logit = design @ found
    level, easiness, slope = np.split(found, [students, students + skills])
    errors = _errors(data, expit(logit))
    likelihood = float(response @ logit - np.logaddexp(0, logit).sum())
    return Afm(level, easiness, slope, *errors, likelihood, students + 2 * skills, len(data))


def _errors(data: Observations, chance: Array) -> tuple[Array, Array]:
    """Standard errors of easiness and slope, other skills given: from the information that is left of a skill's own
    after its students' levels are estimated."""
    weight = chance * (1 - chance)
    weighted = sparse.csr_array(data.of_students.multiply(weight[:, None])).T
    whole = 1 + np.asarray(weighted.sum(axis=1))
    one, practice = (sparse.csc_array(weighted @ part) for part in (data.skills, data.practice))

    def left(a: sparse.csr_array, b: sparse.csr_array, by: sparse.csc_array, bz: sparse.csc_array) -> Array:
        own = a.multiply(b).multiply(weight[:, None]).sum(axis=0)
        return np.asarray(own - by.multiply(bz).multiply(1 / whole[:, None]).sum(axis=0))

    ee = left(data.skills, data.skills, one, one)
    ep = left(data.skills, data.practice, one, practice)
    pp = left(data.practice, data.practice, practice, practice)
    determinant = ee * pp - ep**2
    known = determinant > 1e-9 * np.maximum(ee * pp, 1e-12)
    safe = np.where(known, determinant, 1.0)
    return (
        np.where(known, np.sqrt(np.maximum(pp, 0) / safe), np.inf),
        np.where(known, np.sqrt(np.maximum(ee, 0) / safe), np.inf),
    )


def logits(model: Afm, data: Observations) -> Array:
    """Log-odds of a correct response (N,)."""
    return np.asarray(model.level[data.student] + data.skills @ model.easiness + data.practice @ model.slope)


def chances(model: Afm, data: Observations) -> Array:
    """Probability of a correct response (N,)."""
    return np.asarray(expit(logits(model, data)))


def cross_validated(data: Observations, by: str, seed: int = 0) -> float | None:
    """RMSE of predictions for students (or items) that the fit has not seen: `by` is `student` or `item`.

    None where the data name no items, or fewer than FOLDS.
    """
    unit = data.student if by == "student" else data.item
    if unit is None or len(np.unique(unit)) < FOLDS:
        return None
    error = np.empty(len(data))
    for held in _folds(unit, seed):
        model = fitted(data.some(~held), falling=False)
        error[held] = chances(model, data.some(held)) - data.response[held]
    return float(np.sqrt((error**2).mean()))


def _folds(unit: Index, seed: int) -> Iterator[Mask]:
    there, number = np.unique(unit, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(there)) % FOLDS
    for one in range(FOLDS):
        yield fold[number] == one
