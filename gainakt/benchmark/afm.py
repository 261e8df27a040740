"""AFM, the additive factors model (Cen, Koedinger, Junker 2006): an easiness and a slope of practice per skill.

Test students are new, so that no ability of theirs is known.
"""

import numpy as np
from scipy import sparse

from gainakt.benchmark import logistic
from gainakt.benchmark.part import Part, Predict

SETTINGS = logistic.SETTINGS


def fit(train: Part, validation: Part) -> Predict:
    """Fit it to the training students."""
    return logistic.fitted(_columns, train, validation)


def _columns(part: Part) -> sparse.csr_array:
    easiness = part.by_skill(np.ones(len(part.practice)))
    practice = part.by_skill(part.practice.own.sum(1) / 10)  # tens, for the penalty
    return sparse.hstack([easiness, practice], format="csr")
