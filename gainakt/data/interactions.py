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


@dataclass(frozen=True)
class Interactions:
    """N interactions of B students on S skills, sorted by student and order.

    `student`, `skill` (N,) index into `students`, `skills`, the files' own labels; `response` (N,) is 0 or 1; `fold`
    (B,) is a given fold, TEST or NO_FOLD. `rejected` has one row per row of a file that was left out and why.
    `truth` holds the parameters of simulated data, else nothing.
    """

    name: str
    source: str
    students: list[str]
    skills: list[str]
    student: np.ndarray
    skill: np.ndarray
    response: np.ndarray
    fold: np.ndarray
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECTED_COLUMNS))
    warnings: tuple[str, ...] = ()
    overlapping_students: int = 0
    truth: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.student)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (16 hex digits) of labels, order, skills, responses and folds; equal data have equal prints."""
        digest = hashlib.sha256()
        for labels in (self.students, self.skills):
            digest.update("\x1f".join(labels).encode())
            digest.update(b"\x1e")
        for column, kind in ((self.student, "<i4"), (self.skill, "<i4"), (self.response, "i1"), (self.fold, "<i2")):
            digest.update(np.ascontiguousarray(column.astype(kind)).tobytes())
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
            "rejected": len(self.rejected),
            "overlapping_students": self.overlapping_students,
            "warnings": list(self.warnings),
        }
