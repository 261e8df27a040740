"""Statistics of a comparison against scipy, brute force and a null where nothing differs."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from gainakt.analysis.compare import statistics
from gainakt.measures import metrics


def two_models(seed: int, students: int = 40, each: int = 12, worse: float = 0.0) -> tuple[np.ndarray, ...]:
    """Responses of students who differ, and two models' probabilities; `worse` is how much noise B has beside A."""
    rng = np.random.default_rng(seed)
    student = np.repeat(np.arange(students), each)
    logit = rng.normal(size=students)[student] + rng.normal(size=len(student))
    target = (rng.random(len(student)) < 1 / (1 + np.exp(-logit))).astype(np.uint8)
    a, b = (1 / (1 + np.exp(-(logit + noise * rng.normal(size=len(logit))))) for noise in (1.0, 1.0 + worse))
    return target, a.astype(np.float32), b.astype(np.float32), student


def test_the_auc_is_scikit_learn_s_with_ties() -> None:
    target, a, _, _ = two_models(1)
    for probability in (a, np.round(a, 1)):
        assert statistics.auc(target, probability) == pytest.approx(roc_auc_score(target, probability), abs=1e-12)


@pytest.mark.parametrize("decimals", [8, 1])
def test_resampled_aucs_are_those_of_the_resampled_interactions(decimals: int) -> None:
    target, a, _, student = two_models(2)
    a = np.round(a, decimals)
    times = statistics._drawn(40, 20, seed=3)
    found = statistics._resampled_auc(target, a, student, times)
    for counts, auc in zip(times.astype(int), found, strict=True):
        rows = np.repeat(np.arange(len(student)), counts[student])
        assert auc == pytest.approx(roc_auc_score(target[rows], a[rows]), abs=1e-6)


def test_classes_of_probabilities_hardly_move_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    target, a, b, student = two_models(3, students=150, each=30, worse=0.3)
    classed = statistics.bootstrap(target, a, b, student, resamples=200)["auc"]
    monkeypatch.setattr(statistics, "CLASSES", 10**9)
    exact = statistics.bootstrap(target, a, b, student, resamples=200)["auc"]
    assert classed is not None and exact is not None
    assert (classed.value, classed.low, classed.high) == pytest.approx((exact.value, exact.low, exact.high), abs=1e-4)


def test_the_bootstrap_agrees_with_scipy_s_over_students() -> None:
    target, a, b, student = two_models(4, worse=0.5)
    loss = np.bincount(student, metrics.log_losses(target, b) - metrics.log_losses(target, a)) / np.bincount(student)
    peer = stats.bootstrap(
        (loss,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    found = statistics.bootstrap(target, a, b, student, resamples=4000)["log_loss"]
    assert found is not None and found.value == pytest.approx(loss.mean())
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=0.1 * (peer.high - peer.low))


def test_delong_is_what_its_definition_says() -> None:
    """Placement values by brute force, as in DeLong et al. (1988)."""
    target, a, b, _ = two_models(5, worse=0.5)
    a, b = np.round(a, 2), np.round(b, 2)  # with ties
    positive, above, below = target > 0, [], []
    for p in (a, b):
        wins = (p[positive][:, None] > p[~positive]) + 0.5 * (p[positive][:, None] == p[~positive])
        above.append(wins.mean(1))
        below.append(wins.mean(0))
    weights = np.array([-1, 1])
    variance = weights @ (np.cov(above) / positive.sum() + np.cov(below) / (~positive).sum()) @ weights
    found = statistics.delong(target, a, b)
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(target, b) - roc_auc_score(target, a))
    assert (found.high - found.low) / (2 * 1.959964) == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_the_interval_holds_0_in_about_95_of_100_classes_where_nothing_differs() -> None:
    clear = {"auc": 0, "log_loss": 0}
    for seed in range(120):
        for measure, found in statistics.bootstrap(*two_models(100 + seed, each=8), resamples=150).items():
            clear[measure] += found is not None and found.is_clear
    assert [1 <= count <= 15 for count in clear.values()] == [True, True], clear  # 6 of 120, three standard errors


def test_a_real_difference_is_found_and_identical_runs_differ_by_nothing() -> None:
    target, a, b, student = two_models(6, students=200, worse=3.0)
    found = statistics.bootstrap(target, a, b, student)["auc"]
    assert found is not None and found.high < 0 and found.p < 0.001
    same = statistics.bootstrap(target, a, a, student)
    assert same["auc"] == statistics.Difference(0.0, 0.0, 0.0, 1.0)
    assert statistics.delong(target, a, a) == statistics.Difference(0.0, 0.0, 0.0, 1.0)


def test_what_is_not_defined_is_none() -> None:
    target, a, b, student = two_models(7)
    assert statistics.bootstrap(np.ones_like(target), a, b, student)["auc"] is None
    assert statistics.delong(np.ones_like(target), a, b) is None
    assert statistics.bootstrap(target, a, b, np.zeros_like(student)) == {"auc": None, "log_loss": None}
    assert statistics.welch([1.0], [1.0, 2.0]) is None


def test_welch_and_holm_on_published_numbers() -> None:
    # The yields of Student's example in the R documentation, ?sleep, as two independent groups.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = statistics.welch(first, second)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1.58, -0.2054832, 3.3654832), abs=1e-6)
    assert found.p == pytest.approx(0.07939, abs=1e-5)
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []
