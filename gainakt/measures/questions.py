"""Expanded data (one interaction per skill of a question) judged by question, without the sibling leak.

Rows of one question share one answer. A row that has seen a sibling's response knows its own, so (arXiv 2403.15304)
siblings must not see each other, and the question is scored once, by the mean of its rows' probabilities.
"""

import numpy as np


def question_scores(
    group: np.ndarray, probability: np.ndarray, response: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(G,) groups ascending, mean probability over each group's rows, and its response; inputs are (N,)."""
    groups, index = np.unique(group, return_inverse=True)
    count = np.bincount(index, minlength=len(groups))
    mean = np.bincount(index, probability, len(groups)) / count
    answer = np.zeros(len(groups), response.dtype)
    answer[index] = response
    return groups, mean, answer
