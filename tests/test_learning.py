"""AFM, categories, misfits, splits, mergers and tasks until mastery, against other computations and known truths."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from gainakt.analysis.learning import afm, curves, items, mastery, practice, sentences, splits, students
from gainakt.analysis.learning.observations import observations
from gainakt.config import DataConfig
from gainakt.data.interactions import Interactions
from gainakt.data.sources import read
from gainakt.simulate import simulate

EXPORT = Path(__file__).resolve().parents[2] / "shared" / "data" / "datashop_ds96" / "student_step_export.txt"


@pytest.fixture(scope="module")
def with_items() -> Interactions:
    return simulate("heterogeneous-truth", 0, students=700, skills=20, items_per_skill=6)


def by_sklearn(data: Interactions) -> np.ndarray:
    """Levels, easinesses, slopes by another library: the penalty is one on levels and next to nothing on the others."""
    seen, large = observations(data), 1e3
    columns = [seen.of_students.toarray(), seen.skills.toarray() * large, seen.practice.toarray() * large]
    model = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=500, solver="newton-cholesky")
    found = model.fit(np.hstack(columns), data.response).coef_[0]
    return found * np.where(np.arange(len(found)) < seen.students, 1, large)


def test_afm_is_what_another_library_fits(small_class: Callable[..., Interactions]) -> None:
    data = small_class(60, 4)
    model = afm.fitted(observations(data))
    np.testing.assert_allclose(np.concatenate([model.level, model.easiness, model.slope]), by_sklearn(data), atol=5e-4)


@pytest.mark.skipif(not EXPORT.is_file(), reason="DataShop's data set 96 is not at ../shared/data/datashop_ds96")
def test_afm_is_what_another_library_and_datashop_fit_to_ds96() -> None:
    data = read(EXPORT)
    model = afm.fitted(observations(data))
    coefficients = np.concatenate([model.level, model.easiness, model.slope])
    np.testing.assert_allclose(coefficients, by_sklearn(data), atol=5e-4)
    # DataShop publishes its predictions in the export, for a model whose slopes do not fall
    seen = observations(read(EXPORT, DataConfig(skill_model="Single-KC")))
    rows = pd.read_csv(EXPORT, sep="\t", dtype=str)
    published = rows["Predicted Error Rate (Single-KC)"].astype(float)
    theirs = published.groupby(rows["Anon Student Id"]).mean().sort_index()
    ours = 1 - afm.chances(afm.fitted(seen, falling=False), seen)
    mine = pd.Series(ours).groupby(np.array(data.students)[seen.student]).mean().sort_index()
    np.testing.assert_allclose(mine.to_numpy(), theirs.to_numpy(), atol=0.0035)


def test_standard_errors_are_those_of_the_whole_information(small_class: Callable[..., Interactions]) -> None:
    data = small_class(80, 3)
    seen = observations(data)
    model = afm.fitted(seen)
    design = np.hstack([part.toarray() for part in (seen.of_students, seen.skills, seen.practice)])
    chance = afm.chances(model, seen)
    information = design.T @ (design * (chance * (1 - chance))[:, None])
    information[: seen.students, : seen.students] += np.eye(seen.students)
    whole = np.sqrt(np.diag(np.linalg.inv(information)))[-3:]
    np.testing.assert_allclose(model.slope_error, whole, rtol=0.05)


def test_rows_of_one_question_are_one_response(small_class: Callable[..., Interactions]) -> None:
    data = small_class(10, 3)
    sibling = (data.student[1:] == data.student[:-1]) & (np.arange(1, len(data)) % 2 == 1)
    group = np.cumsum(np.append(True, ~sibling))
    joined = replace(data, group=group.astype(np.int64))
    seen = observations(joined)
    assert len(seen) == len(np.unique(group))
    assert seen.skills.sum() == len(data)
    np.testing.assert_array_equal(seen.response, data.response[np.append(True, ~sibling)])


def curve(*incorrect: float, count: int = 50) -> pd.DataFrame:
    number = len(incorrect)
    return pd.DataFrame(
        {
            "skill": [0] * number,
            "opportunity": range(1, number + 1),
            "students": [count] * number,
            "incorrect": incorrect,
        }
    )


@pytest.mark.parametrize(
    ("points", "slope", "expected"),
    [
        (curve(0.5, 0.4, 0.3), 0.2, "good"),
        (curve(0.8, 0.7, 0.5), 0.2, "still_high"),
        (curve(0.5, 0.5, 0.5), 0.001, "no_learning"),
        (curve(0.15, 0.1, 0.1), 0.2, "low_and_flat"),
        (curve(0.15, 0.1, 0.1), -0.2, "low_and_flat"),
        (curve(0.5, 0.2), 0.2, "too_little_data"),
        (curve(0.5, 0.4, 0.3, count=9), 0.2, "too_little_data"),
    ],
)
def test_categories_are_decided_as_in_datashop(points: pd.DataFrame, slope: float, expected: str) -> None:
    assert curves.categories(points, np.array([slope]), curves.Thresholds()) == [expected]


def test_a_curve_counts_students_and_leaves_out_what_a_fit_does_not_know(
    small_class: Callable[..., Interactions],
) -> None:
    data = small_class(40, 3)
    chance = np.where(np.arange(len(data)) % 2, 0.25, np.nan)
    table = curves.curves(data, {"fit": chance}, longest=4)
    first = table[table["opportunity"] == 1]
    assert first["students"].tolist() == [len(np.unique(data.student[data.skill == skill])) for skill in range(3)]
    assert set(table["fit"].dropna().round(6)) == {0.75}
    assert ((table["low"] <= table["incorrect"]) & (table["incorrect"] <= table["high"])).all()


def wrongly_labelled(data: Interactions, count: int, seed: int) -> tuple[Interactions, set[str], np.ndarray]:
    """The data with so many items under another skill than their own; those items, and each item's own skill."""
    rng = np.random.default_rng(seed)
    home = np.zeros(len(data.questions), np.int64)
    home[data.question] = data.skill
    wrong = rng.choice(len(home), count, replace=False)
    moved = home.copy()
    moved[wrong] = (home[wrong] + rng.integers(1, len(data.skills), count)) % len(data.skills)
    skill = moved[data.question].astype(np.int32)
    return replace(data, skill=skill), {data.questions[one] for one in wrong}, home


def test_items_under_a_wrong_skill_are_found_and_hardly_any_other(with_items: Interactions) -> None:
    data, wrong, home = wrongly_labelled(with_items, 10, 1)
    seen = observations(data)
    table = items.misfits(data, seen, afm.fitted(seen))
    accused = table[table["verdict"] == "other_skill"]
    assert len(wrong & set(accused["item"])) >= 7
    assert len(set(accused["item"]) - wrong) == 0
    right = [data.skills[home[one]] for one in accused.index]
    assert accused["better"].tolist() == right


def test_items_that_are_only_harder_are_not_said_to_belong_elsewhere() -> None:
    data = simulate("heterogeneous-truth", 0, students=700, skills=20, items_per_skill=6, item_sd=0.8)
    seen = observations(data)
    verdicts = items.misfits(data, seen, afm.fitted(seen))["verdict"].value_counts()
    assert verdicts.get("other_skill", 0) == 0
    assert verdicts["harder"] > 5 and verdicts["easier"] > 5


def test_two_skills_under_one_label_are_split_and_one_under_two_is_merged(with_items: Interactions) -> None:
    home = np.zeros(len(with_items.questions), np.int64)
    home[with_items.question] = with_items.skill
    apart = home.copy()
    apart[home == 1] = 0  # skills 0 and 1 share a label
    halves = np.flatnonzero(home == 5)[::2]
    apart[halves] = 1  # skill 5 has two
    data = replace(with_items, skill=apart[with_items.question].astype(np.int32))
    seen = observations(data)
    model = afm.fitted(seen)
    split, merge = splits.splits(data, seen, model), splits.merges(data, seen, model)
    assert split[split["bic"] < 0]["skill"].tolist() == [data.skills[0]]
    assert {merge["first"][0], merge["second"][0]} == {data.skills[1], data.skills[5]}
    assert (merge["gain"] > 2).sum() == 1


def test_the_likelihood_of_one_skill_is_the_best_on_a_grid() -> None:
    rng = np.random.default_rng(0)
    offset, number = rng.normal(size=300), rng.integers(0, 6, 300).astype(float)
    response = (rng.random(300) < 1 / (1 + np.exp(-(offset + 0.5 - 0.2 * number)))).astype(float)
    grid = [
        float((response * z - np.logaddexp(0, z)).sum())
        for a in np.linspace(-0.5, 1.5, 81)
        for b in np.linspace(-0.6, 0.2, 81)
        for z in [offset + a + b * number]
    ]
    assert splits.line(offset, number, response) == pytest.approx(max(grid), abs=0.02)


CHAIN = mastery.Chain(*(np.array([value, value]) for value in (0.3, 0.2, 0.25, 0.1)))


def test_tasks_until_mastery_are_those_of_students_played_through() -> None:
    waits = mastery.waiting(CHAIN, 0.95)
    rng = np.random.default_rng(0)
    size, zero = 20_000, np.zeros(20_000, np.int64)
    known, needed = np.full(size, 0.3), np.full(size, mastery.MOST)
    really = rng.random(size) < 0.3
    for task in range(1, mastery.MOST + 1):
        right = rng.random(size) < np.where(really, 0.9, 0.25)
        known = CHAIN.after(zero, known, right)
        really |= rng.random(size) < 0.2
        needed = np.where((known >= 0.95) & (needed == mastery.MOST), task, needed)
    start, skill = np.array([0.3]), np.array([0])
    assert waits.at(waits.mean, skill, start)[0] == pytest.approx(needed.mean(), rel=0.03)
    assert waits.at(waits.variance, skill, start)[0] == pytest.approx(needed.var(), rel=0.1)
    for share in (0.1, 0.5, 0.9):
        assert waits.quantile(skill, start, share)[0] == pytest.approx(np.quantile(needed, share), abs=1)


def test_mastery_wheel_spinning_and_tasks_after_it_are_counted(small_class: Callable[..., Interactions]) -> None:
    data = replace(
        small_class(2, 1),
        student=np.repeat([0, 1], 12).astype(np.int32),
        skill=np.zeros(24, np.int32),
        response=np.array([1] * 12 + [0] * 12, np.int8),
    )
    chain = mastery.Chain(*(np.array([value]) for value in (0.3, 0.2, 0.25, 0.1)))
    known = np.empty(24)
    for student in (0, 1):
        value = np.array([0.3])
        for row in range(12 * student, 12 * student + 12):
            known[row] = value[0]
            value = chain.after(np.array([0]), value, data.response[row : row + 1])
    waits = mastery.waiting(chain, 0.95)
    pairs = mastery.courses(data, chain, known, waits)
    assert pairs["mastered"].tolist() == [True, False] and pairs["spinning"].tolist() == [False, True]
    at = pairs["at"][0]
    assert known[at - 1] < 0.95 <= known[at] and pairs["extra"].tolist() == [12 - at, 0]
    assert pairs["to_do"][0] == 0 and pairs["to_do"][1] > 2
    model = afm.fitted(observations(data))
    table = students.students(data, pairs, model)
    assert table["level"][0] > table["level"][1] and table["spinning"].tolist() == [0, 1]
    assert table["to_do_low"][1] <= table["to_do"][1] <= table["to_do_high"][1]
    total = practice.totals(practice.practice(data.skills, chain, waits, pairs))
    assert total["extra"] == 12 - at and total["left_early"] == 1 and total["sequences"] == 2


def test_the_report_says_why_no_curve_can_be_judged() -> None:
    row = {"learned": "not shown", "students": 7, "interactions": 8}
    told = " ".join(sentences.of_skills(["too_little_data"] * 2, pd.DataFrame([row, row])))
    assert "no skill has more than 7" in told and "meets a skill 1.14 times" in told
    more = row | {"students": 40, "interactions": 200}
    told = " ".join(sentences.of_skills(["good"], pd.DataFrame([more])))
    assert "threshold" not in told and "on average" not in told
