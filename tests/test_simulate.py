"""The simulator's students: parameters, families against a slow reference, tutors, and the named scenarios' figures."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gainakt.config import Config, changed
from gainakt.data.interactions import Interactions, atomic
from gainakt.datasets.load import load
from gainakt.errors import InputError
from gainakt.measures import metrics
from gainakt.simulate import SCENARIOS, Scenario, scenario, simulate, simulated, trajectory, with_truth, write
from gainakt.simulate.parameters import Truth, draw_skills, rates, start_level

SMALL = {"students": 60, "skills": 6, "lengths": (5, 40)}


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def runs(data: Interactions) -> pd.DataFrame:
    """Successive attempts of a student at one skill: length, responses, and whether the sequence goes on after them."""
    frame = pd.DataFrame({"student": data.student, "skill": data.skill, "response": data.response.astype(str)})
    new = (frame.student != frame.student.shift()) | (frame.skill != frame.skill.shift())
    table = frame.groupby(new.cumsum()).agg(
        student=("student", "first"), skill=("skill", "first"), n=("response", "size"), responses=("response", "".join)
    )
    return table.assign(goes_on=table.student == table.student.shift(-1))


def practised(history: list[tuple[int, int]], skill: int, truth: dict[str, Any]) -> float:
    """Practice of a skill after (skill, response) pairs, as a sum over them."""
    total = 0.0
    for back, (asked, response) in enumerate(reversed(history), start=1):
        share = 0.0
        for part in truth["parts"][asked]:
            if part == skill:
                share += 1
            elif part >= 0 and truth["group"][part] == truth["group"][skill] >= 0:
                share += truth["transfer"]
        gain = truth["gain_after_correct"] if response else truth["gain_after_incorrect"]
        total += share * gain * (1 - truth["forgetting"]) ** back
    return total


def reference(
    history: list[tuple[int, int]], asked: int, student: int, truth: dict[str, Any], difficulty: float
) -> tuple[float, float]:
    """Mastery and probability of the next response, by the formulas and without any state."""
    own, logits = [], []
    for skill in (part for part in truth["parts"][asked] if part >= 0):
        curve = truth["gamma"][student] * truth["rate"][skill] * practised(history, skill, truth)
        curve += truth["ability"][student] - truth["offset"][skill]
        mastery = sigmoid(curve)
        if truth["family"] == "own":
            mastery *= truth["saturation"][skill]
            curve = (mastery - truth["threshold"][skill]) / truth["temperature"]
        own.append(mastery)
        logits.append(curve)
    logit = sum(logits) / len(logits) - difficulty
    chance = truth["guess"] + (1 - truth["guess"] - truth["slip"]) * sigmoid(logit)
    return sum(own) / len(own), chance


def reference_bkt(
    history: list[tuple[int, int]], asked: int, student: int, truth: dict[str, Any], _difficulty: float
) -> tuple[float, float]:
    """The same for BKT: the joint probability of the history with each of the two states, carried forward."""
    initial = sigmoid(truth["ability"][student] - truth["offset"][asked])
    unknown, known, seen = 1 - initial, initial, False
    for skill, response in history:
        if seen:
            unknown, known = unknown + known * truth["forgetting"], known * (1 - truth["forgetting"])
        if skill != asked:
            continue
        seen = True
        unknown *= truth["guess"] if response else 1 - truth["guess"]
        known *= 1 - truth["slip"] if response else truth["slip"]
        gain = truth["gain_after_correct"] if response else truth["gain_after_incorrect"]
        learn = 1 - math.exp(-truth["gamma"][student] * truth["rate"][skill] * gain)
        unknown, known = unknown * (1 - learn), known + unknown * learn
    if seen:  # forgetting comes before each interaction
        unknown, known = unknown + known * truth["forgetting"], known * (1 - truth["forgetting"])
    share = known / (known + unknown)
    return share, share * (1 - truth["slip"]) + (1 - share) * truth["guess"]


FAMILIES = {
    "own": {},
    "own, everything": {
        "ability_sd": 1.0, "guess": 0.1, "slip": 0.05, "forgetting": 0.02, "groups": 2, "transfer": 0.3,
        "items_per_skill": 3, "item_sd": 0.5, "two_skill_share": 0.4, "sequencing": "interleaved",
    },
    "pfa": {"family": "pfa", "rate_mean": 0.2, "ability_sd": 1.0, "gain_after_correct": 2.0},
    "afm": {"family": "pfa", "rate_mean": 0.2, "gain_after_correct": 1.0, "gain_after_incorrect": 1.0},
    "bkt": {"family": "bkt", "rate_mean": 0.2, "guess": 0.2, "slip": 0.1, "ability_sd": 0.5},
    "bkt, forgetting": {"family": "bkt", "rate_mean": 0.3, "guess": 0.2, "slip": 0.1, "forgetting": 0.05},
}  # fmt: skip


@pytest.mark.parametrize("changes", FAMILIES.values(), ids=FAMILIES)
def test_mastery_and_probability_equal_a_slow_reference(changes: dict[str, Any]) -> None:
    data = simulated(Scenario(**(SMALL | changes)), 3)
    mastery, probability = trajectory(data)
    formula = reference_bkt if changes.get("family") == "bkt" else reference
    checked = 0
    for student in (0, 7, 31):
        history: list[tuple[int, int]] = []
        for place in np.nonzero(data.student == student)[0]:
            asked = int(data.skill[place])
            difficulty = data.truth["item_difficulty"][data.question[place]] if data.questions else 0.0
            expected = formula(history, asked, student, data.truth, difficulty)
            assert (mastery[place], probability[place]) == pytest.approx(expected, abs=1e-12)
            history.append((asked, int(data.response[place])))
            checked += 1
    assert checked > 30


@pytest.mark.parametrize("changes", FAMILIES.values(), ids=FAMILIES)
def test_responses_have_the_true_probability(changes: dict[str, Any]) -> None:
    data = simulated(Scenario(**(SMALL | changes | {"students": 1500})), 1)
    _, probability = trajectory(data)
    for chosen in np.array_split(np.argsort(probability), 10):
        p = probability[chosen]
        z = (data.response[chosen].sum() - p.sum()) / np.sqrt((p * (1 - p)).sum())
        assert abs(z) < 4


@pytest.mark.parametrize("shape", ["log_normal", "log_uniform", "two_groups"])
@pytest.mark.parametrize("cv", [0.0, 0.2, 0.44, 0.8])
def test_rates_have_exactly_the_asked_mean_and_cv(shape: str, cv: float) -> None:
    values = rates(np.random.default_rng(5), 40, 0.5, cv, shape)
    assert values.min() > 0
    assert values.mean() == pytest.approx(0.5)
    assert metrics.cv(values) == pytest.approx(cv, abs=1e-6)
    if shape == "two_groups" and cv:
        assert len(np.unique(values.round(9))) == 2


def test_draws_have_the_scenario_s_moments() -> None:
    chosen = Scenario(students=20_000, skills=400, lengths=(20, 100), velocity_cv=0.3, ability_sd=0.8)
    truth = (data := simulated(chosen, 2)).truth
    length = np.bincount(data.student)
    assert truth["gamma"].mean() == pytest.approx(1.0, abs=0.01)
    assert metrics.cv(truth["gamma"]) == pytest.approx(0.3, abs=0.01)
    assert truth["ability"].std() == pytest.approx(0.8, abs=0.02)
    assert (length.min(), length.max()) == (20, 100)
    assert length.mean() == pytest.approx(60, abs=0.5)
    assert (truth["offset"].mean(), truth["offset"].std()) == pytest.approx((1.5, 0.6))
    assert (truth["saturation"].min(), truth["saturation"].max()) == pytest.approx((0.7, 1.0), abs=0.01)
    assert np.bincount(data.skill, minlength=400).min() > 1000


def test_the_true_rate_is_the_effective_rate_of_noise_free_gains() -> None:
    truth = (data := simulated(Scenario(students=400, skills=5), 0)).truth
    factor = np.where(data.response > 0, truth["gain_after_correct"], truth["gain_after_incorrect"])
    beta = np.linspace(1, 3, 5)
    gain = factor * (truth["rate"] / beta)[data.skill]
    rate, _, _ = metrics.effective_rate(gain, data.skill, data.response, beta, truth["gamma"].mean())
    assert truth["effective_rate"] == pytest.approx(rate)


def test_same_seed_same_class_and_a_smaller_class_is_its_beginning() -> None:
    first, again, other = (simulate("demo", seed, students=1200) for seed in (4, 4, 5))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    fewer = simulate("demo", 4, students=1100)
    assert fewer.truth["gamma"].tolist() == first.truth["gamma"][:1100].tolist()
    assert fewer.response.tolist() == first.response[: len(fewer)].tolist()


def test_blocked_runs_are_as_long_as_asked() -> None:
    table = runs(simulated(Scenario(students=300, skills=500, sequencing="blocked", block=(3, 11)), 0))
    inner = table.n[table.goes_on]
    assert set(inner[inner <= 11]) == set(range(3, 12))
    assert (inner > 11).mean() < 0.01  # the same skill twice in a row


def test_until_correct_stops_at_the_third_in_a_row_or_gives_up() -> None:
    chosen = Scenario(students=300, skills=40, sequencing="until_correct", most_attempts=8, revisit=False)
    table = runs(simulated(chosen, 0))
    done = table[table.goes_on]
    mastered = done.responses.str.endswith("111")
    assert mastered.any()
    assert (done.n[~mastered] == 8).all()
    assert not done.responses.str[:-1].str.contains("111").any()
    assert not table[["student", "skill"]].duplicated().any()  # 60 interactions never exhaust 40 skills


def test_interleaved_asks_by_popularity() -> None:
    data = simulated(Scenario(students=2000, skills=8, sequencing="interleaved", popularity_sd=1.0), 0)
    course, _ = draw_skills(Scenario(skills=8, popularity_sd=1.0), 0)
    assert np.bincount(data.skill, minlength=8) / len(data) == pytest.approx(course.popularity, abs=0.01)
    repeated = (data.skill[1:] == data.skill[:-1]).mean()
    assert repeated == pytest.approx((course.popularity**2).sum(), abs=0.02)


def test_the_adaptive_tutor_stays_near_its_target() -> None:
    chosen = {"students": 300, "skills": 40, "lengths": (40, 60), "target": 0.7}
    gaps = [
        np.abs(trajectory(simulated(Scenario(**chosen, sequencing=kind), 0))[1] - 0.7).mean()
        for kind in ("adaptive", "interleaved")
    ]
    assert gaps[0] < 0.7 * gaps[1]


def test_items_of_two_skills() -> None:
    data = simulated(Scenario(students=400, skills=6, items_per_skill=4, item_sd=1.0, two_skill_share=0.5), 0)
    joined = [label for label in data.skills if "~~" in label]
    assert joined and all(set(label.split("~~")) <= set(data.skills[:6]) for label in joined)
    assert 0.3 < np.isin(data.skill, [data.skills.index(label) for label in joined]).mean() < 0.7
    assert len(np.unique(data.question)) == len(data.questions) == 24
    by_item = pd.DataFrame({"item": data.question, "skill": data.skill}).groupby("item").skill.nunique()
    assert (by_item == 1).all()


def test_without_the_items_their_difficulty_is_not_guessed() -> None:
    data = simulated(Scenario(students=50, items_per_skill=4, item_sd=1.0), 0)
    assert trajectory(data) is not None
    assert trajectory(replace(data, question=None, questions=[])) is None
    unknown = replace(data, questions=["elsewhere", *data.questions[1:]])
    assert (np.isnan(trajectory(unknown)[1]) == (data.question == 0)).all()


def test_an_expanded_question_has_its_own_truth_in_every_row() -> None:
    chosen = Scenario(students=80, skills=5, items_per_skill=2, item_sd=0.5, two_skill_share=0.5, forgetting=0.01)
    data = simulated(chosen, 0)
    pieces = [[data.skills.index(one) for one in atomic(label)] for label in data.skills]
    size = np.array([len(piece) for piece in pieces])[data.skill]
    event = np.repeat(np.arange(len(data)), size)
    expanded = replace(
        data, student=data.student[event], response=data.response[event], question=data.question[event], group=event,
        skill=np.concatenate([pieces[label] for label in data.skill]),
    )  # fmt: skip
    for whole, rows in zip(trajectory(data), trajectory(expanded), strict=True):
        assert rows == pytest.approx(whole[event], abs=1e-12)


def test_the_classes_that_recovery_is_judged_on() -> None:
    for name, cv in (("heterogeneous-truth", 0.44), ("uniform-truth", 0.0)):
        data = simulate(name, 0)
        assert (len(data.students), len(data.skills)) == (4000, 50)
        assert metrics.cv(data.truth["effective_rate"]) == pytest.approx(cv, abs=1e-6)
        _, probability = trajectory(data)
        scored = np.append(False, data.student[1:] == data.student[:-1])
        assert 0.79 <= metrics.auc(data.response[scored], probability[scored]) <= 0.81
        assert data.response.mean() == pytest.approx(0.5, abs=0.05)


def test_ability_only_differs_in_nothing_else_that_responses_could_show() -> None:
    truth = simulate("ability-only", 0).truth
    assert truth["gain_after_correct"] == truth["gain_after_incorrect"]
    assert truth["ability"].std() == pytest.approx(1.0, abs=0.05)
    assert np.ptp(truth["rate"]) == 0


def test_assist_like_has_the_figures_of_assist2015(real_data: Any) -> None:
    from gainakt.data.sources import read

    real, like = read(real_data), simulate("assist-like", 0)
    assert (len(like.students), len(like.skills)) == (len(real.students), len(real.skills))
    assert len(like) == pytest.approx(len(real), rel=0.03)
    assert like.response.mean() == pytest.approx(real.response.mean(), abs=0.02)
    exactly_three = [(table.responses == "111").mean() for table in (runs(real), runs(like))]
    assert exactly_three[1] == pytest.approx(exactly_three[0], abs=0.05)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"students": 0}, "students"),
        ({"rate": 1}, "known: help, family"),
        ({"lengths": "60,20"}, "ascending"),
        ({"family": "irt"}, "'own', 'bkt' or 'pfa'"),
        ({"guess": 0.6, "slip": 0.5}, "guess + slip"),
        ({"transfer": 0.5}, "groups"),
        ({"family": "bkt", "groups": 2, "transfer": 0.5}, "bkt"),
        ({"rate_cv": float("nan")}, "rate_cv"),
    ],
)
def test_a_wrong_scenario_is_explained(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as error:
        scenario("demo", changes)
    assert part in str(error.value)


def test_an_unknown_scenario_lists_the_known() -> None:
    with pytest.raises(InputError) as error:
        simulate("demos")
    assert all(name in str(error.value) for name in SCENARIOS)


def test_a_cv_that_so_few_skills_cannot_have_is_refused() -> None:
    with pytest.raises(InputError, match="smaller"):
        simulate("demo", skills=2, rate_cv=1.5)


@pytest.mark.parametrize("family", ["own", "pfa", "bkt"])
def test_a_level_on_a_skill_is_replayed_from_the_numbers_of_student_and_skill(family, tmp_path):
    of = scenario("demo", SMALL | {"family": family, "skill_level_sd": 1.2, "velocity_cv": 0.0})
    data = simulated(of, 3)
    truth = Truth(**data.truth)
    level = start_level(truth, truth.number[:, None], np.arange(6))
    assert level.std() == pytest.approx(1.2, rel=0.15) and abs(level.mean()) < 0.2
    first = np.unique(data.student.astype(np.int64) * 6 + data.skill, return_index=True)[1]
    mastery, _ = trajectory(data)
    argument = level[data.student[first], data.skill[first]] - truth.offset[data.skill[first]]
    known = sigmoid_of(argument) * (truth.saturation[data.skill[first]] if family == "own" else 1)
    assert mastery[first] == pytest.approx(known)
    write("demo", of, 3, tmp_path / "class.csv")
    read = with_truth(load(changed(Config(), {"data.path": str(tmp_path / "class.csv")}).data), tmp_path / "class.csv")
    assert np.sort(trajectory(read)[1]) == pytest.approx(np.sort(trajectory(data)[1]))


def sigmoid_of(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
