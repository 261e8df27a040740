"""PFA, performance factors analysis (Pavlik, Cen, Koedinger 2009): slopes of successes and of failures per skill."""

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
    counts = [part.by_skill(part.practice.own[:, response] / 10) for response in (0, 1)]  # tens, for the penalty
    return sparse.hstack([easiness, *counts], format="csr")
