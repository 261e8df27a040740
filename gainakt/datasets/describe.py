"""Figures that a learning scientist checks before training; pure functions of Interactions."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gainakt.data.interactions import TEST, Interactions, atomic

FEW_INTERACTIONS = 3
"""A student with fewer leaves one prediction at most."""
FEW_PER_SKILL = 20
"""A skill with fewer responses has no effective rate."""
STOPPED_SHARE = 0.2
"""Share of runs that end with three correct in a row from which learning curves are called into question."""
SINGLE_SHARE = 0.8
"""Share of runs of one response from which there is hardly any practice to learn gains from."""
_STREAK = 3


_OF_ONE = {
    "students have": "student has", "students in": "student in", "skills have": "skill has",
    "skills occur": "skill occurs", "rows are": "row is",
}  # fmt: skip
_ONE = re.compile(f"^({'|'.join(_OF_ONE)})")


@dataclass(frozen=True)
class Problem:
    """Something that will hurt training or mislead its reader: what, how much of it, what to do."""

    name: str
    count: int
    text: str

    @property
    def words(self) -> str:
        """What stands after the count: the text is of several, and of one where it is one."""
        several = self.text.removeprefix("%").lstrip()
        return _ONE.sub(lambda found: _OF_ONE[found[0]], several) if self.count == 1 else several


def opportunities(data: Interactions) -> np.ndarray:
    """(N,) 1 for a student's first response on a skill, 2 for the second, ..."""
    order, starts, _ = _runs(data)
    number = np.empty(len(data), np.int32)
    number[order] = np.arange(len(data)) - np.repeat(starts, np.diff([*starts, len(data)])) + 1
    return number


def _runs(data: Interactions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interactions ordered by student, skill, time; where each (student, skill) run starts there; its skill."""
    key = data.student.astype(np.int64) * max(1, len(data.skills)) + data.skill
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    return order, starts, data.skill[order][starts]


def lengths(data: Interactions) -> np.ndarray:
    """(B,) interactions per student."""
    return np.bincount(data.student, minlength=len(data.students))


def students(data: Interactions) -> pd.DataFrame:
    """Per student: label, interactions, skills, share correct, given fold."""
    count = lengths(data)
    _, starts, _ = _runs(data)
    order, _, _ = _runs(data)
    return pd.DataFrame(
        {
            "student": data.students,
            "interactions": count,
            "skills": np.bincount(data.student[order][starts], minlength=len(count)),
            "share_correct": np.bincount(data.student, data.response, len(count)) / np.maximum(count, 1),
            "fold": data.fold,
        }
    )


def skills(data: Interactions) -> pd.DataFrame:
    """Per skill: label, its atomic skills, interactions, students, share correct, first-attempt share correct,
    mean and largest number of opportunities per student, students who practise it in training and test files."""
    order, starts, skill = _runs(data)
    size = len(data.skills)
    count = np.bincount(data.skill, minlength=size)
    runs = np.bincount(skill, minlength=size)
    run_length = np.diff([*starts, len(data)])
    most = np.zeros(size, np.int64)
    np.maximum.at(most, skill, run_length)
    first = np.bincount(skill, data.response[order][starts], size)
    tests = data.fold[data.student] == TEST
    return pd.DataFrame(
        {
            "skill": data.skills,
            "atomic": [", ".join(atomic(label)) for label in data.skills],
            "interactions": count,
            "students": runs,
            "share_correct": np.bincount(data.skill, data.response, size) / np.maximum(count, 1),
            "first_attempt_correct": first / np.maximum(runs, 1),
            "mean_opportunities": count / np.maximum(runs, 1),
            "most_opportunities": most,
            "test_interactions": np.bincount(data.skill[tests], minlength=size),
        }
    )


def atomic_skills(data: Interactions) -> pd.DataFrame:
    """Per atomic skill of joined labels: label, combinations it is part of, interactions."""
    count = np.bincount(data.skill, minlength=len(data.skills))
    pairs = [(part, number) for label, number in zip(data.skills, count, strict=True) for part in atomic(label)]
    table = pd.DataFrame(pairs, columns=["skill", "interactions"])
    return table.groupby("skill", sort=True)["interactions"].agg(combinations="size", interactions="sum").reset_index()


def learning_curves(data: Interactions, longest: int = 10) -> pd.DataFrame:
    """Per skill and opportunity 1 to `longest`: students, share correct.

    Where practice stops at mastery, later opportunities hold those who have not mastered: curves then fall or flatten
    without anybody forgetting (see `stopped_share`).
    """
    number = opportunities(data)
    near = number <= longest
    cell = data.skill[near].astype(np.int64) * longest + number[near] - 1
    count = np.bincount(cell, minlength=len(data.skills) * longest)
    right = np.bincount(cell, data.response[near], len(data.skills) * longest)
    there = np.flatnonzero(count)
    return pd.DataFrame(
        {
            "skill": np.array(data.skills, dtype=object)[there // longest],
            "opportunity": there % longest + 1,
            "students": count[there],
            "share_correct": right[there] / count[there],
        }
    )


def stopped_share(data: Interactions) -> float:
    """Share of (student, skill) runs whose first three correct in a row are their last three responses."""
    order, starts, _ = _runs(data)
    if not len(starts):
        return 0.0
    response = data.response[order].astype(bool)
    ends = np.append(starts[1:], len(data))
    place = np.arange(len(data)) - np.repeat(starts, ends - starts)
    streak = response.copy()
    for back in range(1, _STREAK):
        streak[back:] &= response[:-back]
    streak &= place >= _STREAK - 1
    before = np.cumsum(streak) - streak
    first_streak = streak & (before == np.repeat(before[starts], ends - starts))
    return float(first_streak[ends - 1].mean())


def _lengths_differ(data: Interactions) -> bool:
    """Whether (student, skill) runs differ in length; where all have as many tasks, no rule stops them."""
    starts = _runs(data)[1]
    return len(np.unique(np.diff(starts, append=len(data)))) > 1


def three_correct_share(data: Interactions) -> float:
    """Share of (student, skill) runs that are three correct responses and nothing else."""
    order, starts, _ = _runs(data)
    if not len(starts):
        return 0.0
    right = np.add.reduceat(data.response[order].astype(np.int64), starts)
    return float(((np.diff([*starts, len(data)]) == _STREAK) & (right == _STREAK)).mean())


def _single_share(data: Interactions) -> float:
    _, starts, _ = _runs(data)
    return float((np.diff([*starts, len(data)]) == 1).mean()) if len(starts) else 0.0


def overview(data: Interactions) -> dict[str, Any]:
    """The data set in one column of figures."""
    per_student = lengths(data)
    order, starts, _ = _runs(data)
    quarters = np.percentile(per_student, [25, 50, 75]) if len(per_student) else np.zeros(3)
    return {
        "students": len(data.students),
        "interactions": len(data),
        "skills": len(data.skills),
        "atomic_skills": len({part for label in data.skills for part in atomic(label)}),
        "questions": len(data.questions) or None,
        "share_correct": float(data.response.mean()) if len(data) else None,
        "first_attempt_correct": float(data.response[order][starts].mean()) if len(data) else None,
        "interactions_per_student": {
            "shortest": int(per_student.min()) if len(per_student) else 0,
            "quartiles": [float(value) for value in quarters],
            "longest": int(per_student.max(initial=0)),
        },
        "opportunities_per_student_and_skill": len(data) / max(1, len(starts)),
        "stopped_share": stopped_share(data),
        "three_correct_share": three_correct_share(data),
        "test_students": int((data.fold == TEST).sum()),
    }


def problems(data: Interactions, window: int = 200) -> list[Problem]:
    """What will hurt training or mislead its reader, the worst first; empty when there is nothing."""
    per_student = lengths(data)
    per_skill = np.bincount(data.skill, minlength=len(data.skills))
    tests = data.fold[data.student] == TEST
    trained = np.bincount(data.skill[~tests], minlength=len(data.skills)) > 0
    share = float(data.response.mean()) if len(data) else 0.0
    stopped = stopped_share(data)
    candidates = [
        Problem(
            "few students",
            len(data.students) if len(data.students) < 30 else 0,
            "students in total: too few to split into training, validation and test students",
        ),
        Problem(
            "one response only",
            len(data) if share in (0.0, 1.0) else 0,
            "responses, all of them the same: nothing can be learned; check the response column",
        ),
        Problem(
            "skills only in test",
            int((~trained).sum()) if tests.any() else 0,
            "skills occur only in test files: nothing is learned about them",
        ),
        Problem(
            "stop at mastery",
            round(100 * stopped) if stopped == 1 or (stopped >= STOPPED_SHARE and _lengths_differ(data)) else 0,
            "% of practice sequences (one student on one skill) end at the first three correct responses in a row:"
            " practice stops at mastery, so learning curves flatten or fall although nobody forgets, and the length of"
            " a sequence gives its responses away",
        ),
        Problem(
            "no practice",
            round(100 * _single_share(data)) if _single_share(data) >= SINGLE_SHARE else 0,
            "% of practice sequences (one student on one skill) are a single response: without a second one, no gain"
            " can be measured",
        ),
        Problem(
            "short students",
            int((per_student < FEW_INTERACTIONS).sum()),
            f"students have fewer than {FEW_INTERACTIONS} interactions, of which the first is never predicted",
        ),
        Problem(
            "rare skills",
            int((per_skill < FEW_PER_SKILL).sum()),
            f"skills have fewer than {FEW_PER_SKILL} responses: no effective rate is reported for them",
        ),
        Problem(
            "long students",
            int((per_student > window).sum()),
            f"students have more than {window} interactions: sequences are cut, and practice starts again at zero",
        ),
        Problem(
            "siblings",
            int(len(data) - data.group[-1] - 1) if data.group is not None and len(data) else 0,
            "rows are further skills of a question that already has a row: score by question, or the answers leak",
        ),
    ]
    return [problem for problem in candidates if problem.count]


def write_rejected(data: Interactions, path: Path) -> None:
    """The rows left out as a CSV file, see `safe_csv`."""
    path.write_text(safe_csv(data.rejected), encoding="utf-8", newline="")


_FORMULA = "=+-@\t\n＝＋－＠"
"""What a cell that a spreadsheet computes may begin with (OWASP, CSV injection)."""


def safe_csv(table: pd.DataFrame) -> str:
    """A table as CSV; text that a spreadsheet would take for a formula is quoted."""
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    quoted = table.assign(**{name: list(map(_harmless, table[name])) for name in texts})
    return str(quoted.to_csv(index=False, header=[_harmless(name) for name in table.columns]))


def _harmless(value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    # Python's csv leaves a lone \r unquoted: what follows it would be a row of its own.
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{plain}" if plain[0] in _FORMULA else plain
