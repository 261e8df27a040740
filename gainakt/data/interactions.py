"""The canonical form of every data set: one row per interaction, sorted by student and order."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

TEST, NO_FOLD = -1, -2
"""Values of `fold` beside the given folds 0, 1, ...: a student of the test file, a student without a fold."""

REJECTED_COLUMNS = ["file", "row", "column", "value", "reason", "interactions"]
REJECTED_SHOWN = 100_000
"""Rows left out that are listed one by one; all are counted."""
JOIN = "~~"
"""Stands between the atomic skills of a joined label, as in DataShop."""


def atomic(label: str) -> list[str]:
    """The atomic skills of a skill's label."""
    return label.split(JOIN)


@dataclass(frozen=True)
class Interactions:
    """N interactions of B students on S skills, sorted by student and order.

    `student`, `skill` (N,) index into `students`, `skills`, the files' own labels; `response` (N,) is 0 or 1; `fold`
    (B,) is a given fold, TEST or NO_FOLD. `question` (N,) indexes into `questions` where the data name questions.
    `group` (N,), where questions were expanded into one interaction per skill, numbers the responses to questions,
    ascending: neighbours with the same number are siblings, which know each other's answer and are scored as one.
    `rejected` has one row per row of a file that was left out and why (the first REJECTED_SHOWN of them), of `rows` in
    all; `later_attempts` at a step are no rows here. `skill_models` are the KC models of an export, the one that is
    read with `used`. `truth` holds the parameters of simulated data, else nothing.
    """

    name: str
    source: str
    students: list[str]
    skills: list[str]
    student: np.ndarray
    skill: np.ndarray
    response: np.ndarray
    fold: np.ndarray
    question: np.ndarray | None = None
    questions: list[str] = field(default_factory=list)
    group: np.ndarray | None = None
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECTED_COLUMNS))
    rejected_rows: int = 0
    rows: int = 0
    read_as: tuple[dict[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    overlapping_students: int = 0
    later_attempts: int = 0
    skill_models: tuple[dict[str, Any], ...] = ()
    truth: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.student)

    def rows_of(self, students: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the interactions of these students (B,), indices, begin and end."""
        same = np.asarray(students).astype(self.student.dtype)  # of another type, numpy would convert all interactions
        return np.searchsorted(self.student, same, "left"), np.searchsorted(self.student, same, "right")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (16 hex digits) of labels, order, skills, responses and folds; equal data have equal prints."""
        digest = hashlib.sha256()
        for labels in (self.students, self.skills):
            digest.update("\x1f".join(labels).encode())
            digest.update(b"\x1e")
        for column, kind in ((self.student, "<i4"), (self.skill, "<i4"), (self.response, "i1"), (self.fold, "<i2")):
            digest.update(np.ascontiguousarray(column.astype(kind, copy=False)).data)
        if self.group is not None:
            digest.update(np.ascontiguousarray(self.group.astype("<i4", copy=False)).data)
        return digest.hexdigest()[:16]

    def summary(self) -> dict[str, Any]:
        """The figures that describe the data set in one line."""
        return {
            "name": self.name,
            "source": self.source,
            "fingerprint": self.fingerprint,
            "students": len(self.students),
            "interactions": len(self),
            "skills": len(self.skills),
            "share_correct": round(float(self.response.mean()), 6) if len(self) else None,
            "questions": len(self.questions) or None,
            "rows": self.rows,
            "rejected": self.rejected_rows,
            "overlapping_students": self.overlapping_students,
            "later_attempts": self.later_attempts,
            "skill_models": list(self.skill_models),
            "read_as": list(self.read_as),
            "warnings": list(self.warnings),
        }
