"""True against learned: exact recovery, what is not identified, other families, and the scored positions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from gainakt.curve_model.counts import practice_of
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Windows
from gainakt.measures import metrics
from gainakt.measures.recovery import Learned, Scored, agreement, recovery
from gainakt.simulate import Scenario, simulated, trajectory

TRAIN = np.arange(0, 200, 2)
TEST = np.arange(1, 200, 2)


@pytest.fixture(scope="module")
def data() -> Interactions:
    return simulated(Scenario(students=200, skills=12, threshold=0.4), 0)


def places(data: Interactions, window: int) -> np.ndarray:
    practice = practice_of(data, TEST, window)
    return practice.place[practice.scored]


def scored(data: Interactions, window: int = 200) -> Scored:
    place = places(data, window)
    mastery, probability = (values[place] for values in trajectory(data))
    return Scored(data.student[place], data.response[place], mastery, mastery, probability)


def exact(truth: dict[str, Any], skills: int, **changes: Any) -> Learned:
    """A model that has learned the truth itself."""
    even = (truth["gain_after_correct"] + truth["gain_after_incorrect"]) / 2
    found = Learned(
        rate=truth["rate"][:skills] * truth["gamma"][TRAIN].mean() * even,
        saturation=truth["saturation"][:skills],
        threshold=truth["threshold"][:skills],
        offset=truth["offset"][:skills],
        temperature=truth["temperature"],
        gamma=truth["gamma"][TRAIN],
    )
    return replace(found, **changes)


@pytest.mark.parametrize("window", [200, 25, 7])
def test_scored_places_are_the_predictions_in_their_order(data: Interactions, window: int) -> None:
    windows = Windows(data, TEST, window, False, torch.device("cpu"))
    place = places(data, window)
    skill, response, student = [], [], []
    for rows, batch in windows.in_order():
        skill.append(batch.asked[batch.scored])
        response.append(batch.target[batch.scored])
        owner = torch.as_tensor(windows.students[rows])[:, None].expand_as(batch.scored)
        student.append(owner[batch.scored])
    assert torch.cat(skill).tolist() == data.skill[place].tolist()
    assert torch.cat(response).tolist() == data.response[place].tolist()
    assert torch.cat(student).tolist() == data.student[place].tolist()


def test_the_truth_recovers_itself(data: Interactions) -> None:
    found = recovery(data.truth, exact(data.truth, 12), TRAIN, at := scored(data))
    for name in ("effective_rate", "saturation_over_temperature", "offset", "mastery"):
        assert [found[f"{kind}_{name}"] for kind in ("spearman", "pearson", "slope")] == pytest.approx([1, 1, 1])
        assert found[f"rmse_{name}"] == pytest.approx(0, abs=1e-12)
    assert found["spearman_gamma"] == pytest.approx(1)
    assert found["rate_cv"] == pytest.approx(found["true_rate_cv"]) == pytest.approx(0.44)
    assert found["oracle_auc"] == metrics.auc(at.target, at.true_probability)
    assert found["oracle_mastery_correlation"] == metrics.correlation(at.true_mastery, at.target)
    # one true threshold for all skills: an order is not defined, the distance is
    assert found["spearman_threshold_over_temperature"] is None
    assert found["rmse_threshold_over_temperature"] == pytest.approx(0, abs=1e-12)


def test_what_is_not_identified_changes_nothing(data: Interactions) -> None:
    """M_sat, theta and T times three make the same predictions."""
    same, truth = exact(data.truth, 12), data.truth
    scaled = exact(truth, 12, saturation=3 * same.saturation, threshold=3 * same.threshold, temperature=0.6)
    seen = scored(data)
    a = recovery(truth, same, TRAIN, seen)
    b = recovery(truth, scaled, TRAIN, replace(seen, mastery=3 * seen.mastery))
    numbers = [name for name, value in a.items() if isinstance(value, float)]
    assert [a[name] for name in numbers] == pytest.approx([b[name] for name in numbers])
    assert any("M_sat" in line for line in a["not_compared"])
    assert not any(name.endswith(("_saturation", "_threshold", "_beta", "_gain")) for name in a)


def test_agreement_equals_scipy() -> None:
    rng = np.random.default_rng(0)
    x = rng.random(30)
    y = x**2 + 0.1 * rng.random(30)
    holes = np.append(x, [np.nan, 0.5]), np.append(y, [0.3, np.nan])
    found = agreement("rate", *holes)
    assert found["spearman_rate"] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found["pearson_rate"] == pytest.approx(stats.pearsonr(x, y).statistic)
    assert found["slope_rate"] == pytest.approx(stats.linregress(x, y).slope)
    assert found["rmse_rate"] == pytest.approx(np.sqrt(np.mean((x - y) ** 2)))


def test_a_uniform_truth_has_no_order_to_recover() -> None:
    data = simulated(Scenario(students=200, skills=12, rate_cv=0.0), 0)
    learned = exact(data.truth, 12, rate=np.random.default_rng(0).uniform(0.4, 0.6, 12))
    found = recovery(data.truth, learned, TRAIN, None)
    assert found["spearman_effective_rate"] is None
    assert found["true_rate_cv"] == pytest.approx(0, abs=1e-12)
    assert found["rate_cv"] > 0.05
    assert found["oracle_auc"] is None and found["rmse_mastery"] is None


@pytest.mark.parametrize("family", ["bkt", "pfa"])
def test_under_another_family_only_the_order_is_compared(family: str) -> None:
    data = simulated(Scenario(family=family, students=200, skills=12, rate_mean=0.2, guess=0.2, slip=0.1), 0)
    found = recovery(data.truth, exact(data.truth, 12, temperature=0.2), TRAIN, scored(data))
    assert found["spearman_effective_rate"] == pytest.approx(1)
    assert found["pearson_mastery"] == pytest.approx(1)
    assert found["rmse_mastery"] is None
    assert 0.6 < found["oracle_auc"] < 0.9
    assert not any("over_temperature" in name or name.endswith("offset") for name in found)
    assert "rmse_effective_rate" not in found and len(found["not_compared"]) > 2


def test_unknown_truth_is_left_out_of_the_oracle(data: Interactions) -> None:
    seen = scored(data)
    hole = np.where(seen.student < 50, np.nan, 1.0)
    found = recovery(
        data.truth, exact(data.truth, 12), TRAIN, replace(seen, true_probability=seen.true_probability * hole)
    )
    kept = seen.student >= 50
    assert found["oracle_interactions"] == kept.sum()
    assert found["oracle_auc"] == metrics.auc(seen.target[kept], seen.true_probability[kept])


def test_joined_labels_do_not_shift_the_skills() -> None:
    data = simulated(Scenario(students=200, skills=6, items_per_skill=2, two_skill_share=0.5), 0)
    skills = len(data.skills)
    found = recovery(data.truth, exact(data.truth, skills), TRAIN, scored(data))
    assert found["rate_skills"] == 6
    assert found["spearman_effective_rate"] == pytest.approx(1)
