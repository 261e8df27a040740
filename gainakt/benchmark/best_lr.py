"""Best-LR (Gervet, Koedinger, Schneider, Mitchell 2020): logistic regression on logs of counts, overall and by skill.

Of its features those that need question ids are left out.
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
    practice = part.practice
    overall = practice.own + practice.other
    kinds = (practice.own[:, 1], practice.own.sum(1))  # correct responses, and all
    shared = [logistic.logs(count) for count in (overall[:, 1], overall.sum(1), *kinds)]
    by_skill = [part.by_skill(logistic.logs(count)) for count in kinds]
    easiness = part.by_skill(np.ones(len(practice)))
    return sparse.hstack([easiness, sparse.csr_array(np.stack(shared, 1)), *by_skill], format="csr")
