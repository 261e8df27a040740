"""What a learning scientist looks at, against slow plain counts."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from gainakt.data.interactions import NO_FOLD, TEST, Interactions
from gainakt.datasets import describe
from gainakt.measures.questions import question_scores


def made(rows, fold=None, **more):
    """Interactions of (student, skill, response) rows, sorted by student."""
    student, skill, response = (np.array(column) for column in zip(*rows, strict=True))
    folds = np.full(student.max() + 1, NO_FOLD, np.int16) if fold is None else np.array(fold, np.int16)
    return Interactions(
        "made", "made", [f"s{i}" for i in range(len(folds))], [f"k{i}" for i in range(skill.max() + 1)],
        student.astype(np.int32), skill.astype(np.int32), response.astype(np.int8), folds, **more,
    )  # fmt: skip


@pytest.fixture
def drawn():
    rng = np.random.default_rng(3)
    rows = [(s, int(rng.integers(6)), int(rng.integers(2))) for s in range(40) for _ in range(rng.integers(1, 30))]
    return made(rows), rows


def runs(rows):
    found = defaultdict(list)
    for student, skill, response in rows:
        found[student, skill].append(response)
    return found


def test_opportunities_and_learning_curves(drawn):
    data, rows = drawn
    seen, expected, cells = Counter(), [], defaultdict(list)
    for student, skill, response in rows:
        seen[student, skill] += 1
        expected.append(seen[student, skill])
        if seen[student, skill] <= 4:
            cells[f"k{skill}", seen[student, skill]].append(response)
    assert describe.opportunities(data).tolist() == expected
    table = describe.learning_curves(data, longest=4)
    found = {(row.skill, row.opportunity): (row.students, row.share_correct) for row in table.itertuples()}
    assert found == {cell: (len(r), pytest.approx(np.mean(r))) for cell, r in cells.items()}


def test_tables_of_skills_and_students(drawn):
    data, rows = drawn
    skills = describe.skills(data).set_index("skill")
    for number in range(6):
        mine = [run for (_, skill), run in runs(rows).items() if skill == number]
        row = skills.loc[f"k{number}"]
        assert (row["interactions"], row["students"]) == (sum(map(len, mine)), len(mine))
        assert row["first_attempt_correct"] == pytest.approx(np.mean([run[0] for run in mine]))
        assert row["most_opportunities"] == max(map(len, mine))
    students = describe.students(data)
    assert students["interactions"].sum() == len(rows)
    assert students["skills"].tolist() == [len({k for s, k, _ in rows if s == student}) for student in range(40)]


def test_stopping_at_mastery(drawn):
    _, rows = drawn

    def stopped(run):
        return next((i for i in range(2, len(run)) if all(run[i - 2 : i + 1])), None) == len(run) - 1

    data = made(rows)
    expected = np.mean([stopped(run) for run in runs(rows).values()])
    assert describe.stopped_share(data) == pytest.approx(expected)
    three = made([(0, 0, 1), (0, 0, 1), (0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 0, 1)])
    assert describe.three_correct_share(three) == pytest.approx(1 / 3) == describe.stopped_share(three)
    assert "stop at mastery" in {problem.name for problem in describe.problems(three)}


def test_problems_are_said_beforehand():
    rows = [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 0, 1), (1, 0, 1), (1, 0, 1), (2, 2, 1), (2, 0, 1)]
    found = {problem.name: problem.count for problem in describe.problems(made(rows, [0, 0, TEST]), window=3)}
    assert found["skills only in test"] == 1 and found["short students"] == 2 and found["long students"] == 1
    assert found["one response only"] == 8 and found["few students"] == 3 and found["rare skills"] == 3
    fine = made([(s, k, (s + k + t) % 2) for s in range(50) for t in range(3) for k in range(3)])
    assert describe.problems(fine) == []


def test_atomic_skills_of_joined_labels():
    data = made([(0, 0, 1), (0, 1, 0)])
    data.skills[:] = ["add~~carry", "add"]
    assert describe.atomic_skills(data).to_numpy().tolist() == [["add", 2, 2], ["carry", 1, 1]]
    assert describe.overview(data)["atomic_skills"] == 2 and describe.skills(data)["atomic"][0] == "add, carry"


def test_questions_are_scored_once():
    group = np.array([0, 0, 1, 2, 2, 2])
    response = np.array([1, 1, 0, 1, 1, 1], np.int8)
    groups, mean, answer = question_scores(group, np.array([0.2, 0.4, 0.5, 0.1, 0.2, 0.6]), response)
    assert groups.tolist() == [0, 1, 2] and mean == pytest.approx([0.3, 0.5, 0.3]) and answer.tolist() == [1, 0, 1]


def test_as_many_tasks_for_all_are_no_practice_that_stops_at_mastery():
    fixed = made([(student, 0, response) for student in range(9) for response in (student % 2, student % 3 > 0, 1, 1)])
    assert describe.stopped_share(fixed) > describe.STOPPED_SHARE
    assert "stop at mastery" not in {problem.name for problem in describe.problems(fixed)}
