"""Every measured quantity against an independent computation, and None where it is undefined."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from gainakt.measures import metrics


@pytest.fixture
def table():
    """400 interactions of 30 students on 6 skills whose gains depend on all three of student, skill and response."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"student": rng.integers(0, 30, 400), "skill": rng.integers(0, 6, 400)})
    table["response"] = (rng.random(400) < 0.3 + 0.1 * table["skill"]).astype(int)
    logit = table["skill"] * 0.4 - 0.5 + 0.8 * table["response"] + 0.02 * table["student"] + rng.normal(0, 0.3, 400)
    table["gain"] = 1 / (1 + np.exp(-logit))
    return table


def columns(table, *names):
    return [table[name].to_numpy() for name in names]


def test_auc_and_log_loss_are_scikit_learns(table):
    target, chance = columns(table, "response", "gain")
    tied = np.round(chance, 1)
    for p in (chance, tied, chance.astype(np.float32)):
        assert metrics.auc(target, p) == pytest.approx(reference.roc_auc_score(target, p), abs=1e-12)
    assert metrics.log_loss(target, chance) == pytest.approx(reference.log_loss(target, chance), abs=1e-12)


def test_log_loss_of_a_certain_error_is_large_and_finite():
    assert metrics.log_loss(np.array([1, 0]), np.array([0.0, 1.0])) == pytest.approx(-np.log(1e-7), rel=1e-3)


def test_auc_of_one_class_and_of_nothing_is_undefined():
    assert metrics.auc(np.ones(3), np.array([0.1, 0.2, 0.3])) is None
    assert metrics.auc(np.zeros(3), np.array([0.1, 0.2, 0.3])) is None
    assert metrics.auc(np.array([]), np.array([])) is None
    assert metrics.log_loss(np.array([]), np.array([])) is None


def test_correlation_is_scipys_and_undefined_for_constants(table):
    gain, response = columns(table, "gain", "response")
    assert metrics.correlation(gain, response) == pytest.approx(stats.pearsonr(gain, response).statistic, abs=1e-12)
    assert metrics.correlation(np.ones(5), np.arange(5)) is None
    assert metrics.correlation(np.arange(5), np.ones(5)) is None
    assert metrics.correlation(np.array([1.0]), np.array([2.0])) is None
    assert metrics.correlation(np.array([]), np.array([])) is None


def test_correlation_by_student_is_the_mean_of_pandas_and_counts_who_is_left_out(table):
    lonely = pd.DataFrame({"student": [90, 91, 91, 92, 92], "gain": [0.1, 0.2, 0.3, 0.5, 0.5], "response": 1})
    lonely.loc[[3, 4], "response"] = [0, 1]  # 90 has one entry, 91 constant responses, 92 a constant gain
    whole = pd.concat([table, lonely]).sample(frac=1, random_state=1)
    each = table.groupby("student").apply(lambda part: part["gain"].corr(part["response"]), include_groups=False)
    found, left_out = metrics.correlation_by_student(*columns(whole, "gain", "response", "student"))
    assert found == pytest.approx(each.dropna().mean(), abs=1e-10)
    assert left_out == 3 + int(each.isna().sum())


def test_correlation_by_student_weighs_students_and_not_interactions():
    x = np.concatenate([np.arange(100), [0, 1]])
    student = np.repeat([0, 1], [100, 2])
    found, _ = metrics.correlation_by_student(x, np.concatenate([np.arange(100), [1, 0]]), student)
    assert found == pytest.approx(0.0, abs=1e-12)


def test_correlation_by_student_is_undefined_when_nobody_varies():
    assert metrics.correlation_by_student(np.ones(4), np.arange(4), np.array([0, 0, 1, 1])) == (None, 2)
    assert metrics.correlation_by_student(np.array([]), np.array([]), np.array([])) == (None, 0)


def test_correlation_by_student_sees_small_gains_in_float32():
    gain = np.array([0.58834, 0.58835, 0.58836, 0.58837], dtype=np.float32)
    found, left_out = metrics.correlation_by_student(gain, np.array([0, 0, 1, 1]), np.zeros(4, int))
    assert left_out == 0 and found == pytest.approx(stats.pearsonr(gain.astype(float), [0, 0, 1, 1])[0], abs=1e-6)


def test_gain_statistics_are_those_of_pandas(table):
    found = metrics.gain_statistics(*columns(table, "gain", "skill", "response"), 9)
    per_skill = table.groupby("skill")["gain"].mean()
    after = table.groupby("response")["gain"].mean()
    gain = table["gain"]
    expected = {
        "gain_mean": gain.mean(), "gain_std": gain.std(ddof=0), "gain_min": gain.min(), "gain_max": gain.max(),
        "gain_range": gain.max() - gain.min(), "gain_cv": gain.std(ddof=0) / gain.mean(),
        "skill_gain_mean": per_skill.mean(), "skill_gain_std": per_skill.std(ddof=0),
        "skill_gain_cv": per_skill.std(ddof=0) / per_skill.mean(), "skills_seen": 6,
        "gain_after_incorrect": after[0], "gain_after_correct": after[1], "response_gain_ratio": after[1] / after[0],
    }  # fmt: skip
    assert found == pytest.approx(expected, abs=1e-12)


def test_gain_statistics_keep_what_is_undefined_undefined():
    gain = np.array([0.2, 0.4])
    found = metrics.gain_statistics(gain, np.array([0, 0]), np.array([1, 1]), 3)
    assert found["gain_after_incorrect"] is None and found["response_gain_ratio"] is None
    assert found["gain_after_correct"] == pytest.approx(0.3) and found["skill_gain_std"] == 0
    found = metrics.gain_statistics(gain, np.array([0, 0]), np.array([0, 0]), 3)
    assert found["gain_after_correct"] is None and found["response_gain_ratio"] is None


def test_variance_components_start_with_eta_squared_of_the_skill_and_sum_to_one(table):
    found = metrics.variance_components(*columns(table, "gain", "skill", "student", "response"))
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-12)
    whole = table["gain"].var(ddof=0)
    rest = table["gain"] - table.groupby("skill")["gain"].transform("mean")
    assert found["gain_variance_skill"] == pytest.approx(1 - rest.var(ddof=0) / whole, abs=1e-12)
    further = rest - rest.groupby(table["student"]).transform("mean")
    assert found["gain_variance_student"] == pytest.approx((rest.var(ddof=0) - further.var(ddof=0)) / whole, abs=1e-12)
    last = further - further.groupby(table["response"]).transform("mean")
    assert found["gain_variance_rest"] == pytest.approx(last.var(ddof=0) / whole, abs=1e-12)


def test_variance_components_name_the_only_source():
    skill = np.repeat([4, 9], 50)
    student, response = np.tile(np.arange(25), 4), np.tile([0, 1], 50)
    by_skill = metrics.variance_components(np.where(skill == 4, 0.2, 0.6), skill, student, response)
    assert by_skill["gain_variance_skill"] == pytest.approx(1)
    assert metrics.variance_components(np.full(100, 0.3), skill, student, response) == {}


@given(st.integers(0, 2**32 - 1), st.integers(2, 80))
def test_variance_components_are_shares(seed, size):
    rng = np.random.default_rng(seed)
    groups = (rng.integers(0, n, size) for n in (5, 10, 2))
    found = metrics.variance_components(rng.random(size).astype(np.float32), *groups)
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in found.values())


def practised(skill, correct, incorrect, gain_correct, gain_incorrect):
    return pd.DataFrame(
        {
            "skill": skill,
            "response": [1] * correct + [0] * incorrect,
            "gain": [gain_correct] * correct + [gain_incorrect] * incorrect,
        }
    )


def test_effective_rate_of_a_hand_computed_example():
    table = pd.concat(
        [
            practised(0, 100, 20, 0.6, 0.2),  # (0.6 + 0.2) / 2, however often it is answered correctly
            practised(1, 20, 100, 0.6, 0.2),
            practised(2, 19, 100, 0.6, 0.2),  # 19 correct: left out
            practised(3, 100, 19, 0.6, 0.2),  # 19 incorrect: left out
            practised(4, 40, 0, 0.6, 0.2),  # never incorrect: left out
            practised(6, 20, 20, 0.3, 0.3),
        ]
    ).sample(frac=1, random_state=0)
    beta = np.array([2.0, 1.0, 2.0, 2.0, 2.0, 2.0, 4.0])
    rate, count, mean = metrics.effective_rate(*columns(table, "gain", "skill", "response"), beta, 0.5)
    np.testing.assert_allclose(rate, [0.4, 0.2, np.nan, np.nan, np.nan, np.nan, 0.6], rtol=1e-12)
    np.testing.assert_array_equal(count, [120, 120, 119, 119, 40, 0, 40])
    np.testing.assert_allclose(mean, [0.4, 0.4, 0.4, 0.4, np.nan, np.nan, 0.3], rtol=1e-12)
    known = np.array([0.4, 0.2, 0.6])
    assert metrics.cv(rate) == pytest.approx(known.std(ddof=0) / known.mean())


def test_cv_of_nothing_is_undefined():
    assert metrics.cv(np.array([np.nan, np.nan])) is None
    assert metrics.cv(np.array([])) is None
    assert metrics.cv(np.array([0.0, 0.0])) is None


def test_ratio_is_undefined_over_zero_and_nothing():
    assert metrics.ratio(1.0, 2.0) == 0.5 and metrics.ratio(0.0, 2.0) == 0.0
    assert metrics.ratio(1.0, 0.0) is metrics.ratio(None, 1.0) is metrics.ratio(1.0, None) is None


def test_means_by_leaves_empty_groups_undefined():
    means, count = metrics.means_by(np.array([1.0, 3.0]), np.array([2, 2]), 4)
    np.testing.assert_array_equal(count, [0, 0, 2, 0])
    np.testing.assert_array_equal(means, [np.nan, np.nan, 2.0, np.nan])
