"""What the diagnosis reads off recorded numbers: loss balance, course, causes, the decision tree."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gainakt.analysis import diagnosis
from gainakt.analysis.decision import Attempt, next_step
from gainakt.analysis.diagnosis import RECENT_STEPS, Readout
from gainakt.analysis.insight import attempts, examine
from gainakt.config.presets import find
from gainakt.store import Store, runs_root
from tests.pages import write_run


def series(**values: list[float]) -> pd.DataFrame:
    """Series with one value per epoch from 0 on; __ stands for a dot."""
    rows = [
        ("r", name.replace("__", "."), 10 * epoch, epoch, 0.0, value)
        for name, numbers in values.items()
        for epoch, value in enumerate(numbers)
    ]
    return pd.DataFrame(rows, columns=["run_id", "name", "step", "epoch", "time", "value"])


def losses_of(**values: float) -> dict[str, list[float]]:
    """Raw, weighted and share of terms over steps: the first many times 9, then the given weighted value."""
    early = [9.0] * RECENT_STEPS
    return {
        f"{kind}__{term}": [*early, *([value] * RECENT_STEPS)]
        for term, value in values.items()
        for kind in ("loss", "weighted", "share")
    }


def test_losses_are_medians_of_the_last_recorded_steps_and_their_balance_is_a_ratio() -> None:
    table = diagnosis.losses(series(**losses_of(bce=0.25, im=0.2, variance=-0.009)))
    assert table["term"].tolist() == ["bce", "im", "variance"] and table["weighted"].tolist() == [0.25, 0.2, -0.009]
    assert diagnosis.differentiation_share(table) == pytest.approx(0.02)
    assert diagnosis.losses(series()).empty and diagnosis.differentiation_share(diagnosis.losses(series())) is None


@pytest.mark.parametrize("evaluated", [0, 7], ids=["no later epoch", "later epochs without a recorded step"])
def test_losses_are_told_whatever_the_last_epoch_recorded(evaluated: int) -> None:
    """A short last epoch, or fewer steps in an epoch than lie between two records, must not empty the table."""
    recorded = series(**losses_of(bce=0.25, variance=-0.01), validation__im=[0.5] * (2 * RECENT_STEPS + evaluated))
    table = diagnosis.losses(recorded)
    assert table["term"].tolist() == ["bce", "variance"] and table["weighted"].tolist() == [0.25, -0.01]
    ratio = diagnosis.differentiation_share(table)
    assert "0.04" in next_step(ratio, [attempt()], "untested").branches[1].value


@pytest.mark.parametrize(
    ("validation", "training", "best", "overfits"),
    [
        ([0, 0.60, 0.65, 0.63, 0.62], [0, 0.60, 0.66, 0.70, 0.75], 2, 3),
        ([0, 0.60, 0.65, 0.63, 0.62], [0, 0.60, 0.66, 0.65, 0.64], 2, None),
        ([0, 0.60, 0.65, 0.6495], [0, 0.60, 0.66, 0.70], 2, None),
        ([0, 0.60, 0.65], [0, 0.60, 0.66], 2, None),
    ],
)
def test_overfitting_is_a_falling_validation_beside_a_rising_training_auc(
    validation: list[float], training: list[float], best: int, overfits: int | None
) -> None:
    recorded = series(validation__encoder2_auc=validation, train_running__encoder2_auc=training)
    course = diagnosis.course(recorded, "encoder2")
    assert course is not None and (course.best_epoch, course.overfits_from) == (best, overfits)
    assert diagnosis.course(recorded, "encoder1") is None


def test_encoders_diverge_by_the_difference_of_their_aucs() -> None:
    apart = diagnosis.divergence(
        series(validation__encoder1_auc=[0, 0.6, 0.7], validation__encoder2_auc=[0, 0.59, 0.6])
    )
    assert apart.index.tolist() == [1, 2] and apart.tolist() == pytest.approx([0.01, 0.1])


def test_gradients_are_the_first_and_the_last_probe() -> None:
    recorded = series(
        gradient__gains__share__im=[0.9, 0.7], gradient__gains__cosine__im__variance=[0.1, -0.5],
        gradient__seconds=[1, 1],
    )  # fmt: skip
    table = diagnosis.gradients(recorded)
    assert sorted(table["last"]) == [-0.5, 0.7]
    assert set(table["term"]) == {"im"} and set(table["other"]) == {"", "variance"}
    assert diagnosis.gradients(series()).empty


V3: dict[str, Any] = {
    "origin.reported_gain": "aggregate", "origin.target": "concurrent", "origin.masked": False,
    "origin.variance_added": True, "weights.variance": 2.0, "losses.variance_form": "minus_variance",
    "model.sharing": "apart",
}  # fmt: skip
WELL: dict[str, Any] = {
    "origin.reported_gain": "practised", "origin.target": "next", "origin.masked": True, "origin.variance_added": True,
    "weights.variance": 0.0, "losses.variance_form": "minus_variance", "model.sharing": "embeddings",
}  # fmt: skip


def test_every_cause_is_judged_by_the_runs_own_numbers() -> None:
    test = {"aggregate_gain_std": 0.0018}
    saturated = {"curve_past": 0.8, "curve_slope": 0.01, "practised_gain_std": 0.2}
    held = diagnosis.causes(V3, test, saturated, {"curve_past": 0.9}, Readout(0.49, 0.71, 0.73))
    assert len(held) == 7 and all(cause.present for cause in held)
    free = diagnosis.causes(WELL, test, {"curve_past": 0.1}, {"curve_past": 0.0}, Readout(0.95, 0.5, 0.73))
    assert not any(cause.present for cause in free) and all(cause.present is not None for cause in free)
    unknown = diagnosis.causes({}, {}, {}, {}, Readout(None, None, None))
    assert all(cause.present is None for cause in unknown)


def attempt(standing: str = "noise", variance: float = 2.0, head: str = "linear", preset: str = "v3-phase1") -> Attempt:
    return Attempt("run", preset, variance, head, standing)


@pytest.mark.parametrize(
    ("ratio", "attempts", "learnable", "ends"),
    [
        (0.005, [attempt()], "untested", "v3-phase1+variance-x100"),
        (0.5, [attempt()], "untested", "v3-phase1+variance-x100"),
        (0.5, [attempt(), attempt(variance=200)], "untested", "v3-phase1+per-skill-heads"),
        (0.005, [attempt(variance=200)], "untested", "v3-phase1+per-skill-heads"),
        (0.5, [attempt(), attempt(variance=200), attempt(head="per_skill")], "pass", "corrected"),
        (0.5, [attempt(), attempt(variance=200), attempt(head="per_skill")], "noise", "parametric"),
        (0.5, [attempt(), attempt(variance=200), attempt(head="per_skill")], "untested", "parametric"),
        (0.5, [attempt(), attempt("differentiated", 200, preset="won")], "untested", "won"),
        (None, [attempt()], "untested", "v3-phase1+variance-x100"),
        (0.005, [attempt("differentiated", preset="mine")], "pass", "mine"),
    ],
)  # fmt: skip
def test_the_decision_tree_ends_in_a_preset_by_the_values_it_names(
    ratio: float | None, attempts: list[Attempt], learnable: str, ends: str
) -> None:
    path = next_step(ratio, attempts, learnable, "v3-phase1")
    assert path.preset == ends and path.end
    assert all(branch.value for branch in path.branches)
    if ends.startswith("v3-phase1"):
        find(ends)


def test_what_was_tried_and_not_tested_has_not_failed() -> None:
    path = next_step(0.5, [attempt(), attempt("untested", variance=200)], "untested")
    branch = next(branch for branch in path.branches if "variance weight" in branch.question)
    assert branch.answer == "unknown" and "1 not tested" in branch.value


def test_a_steered_run_is_diagnosed_by_the_settings_it_was_kept_with(tmp_path: Path) -> None:
    """The variance weight of this run was moved from 0 to 50 in its second epoch."""
    store = tmp_path / "store" / "gainakt.duckdb"
    steered = write_run(store, "steered", "finished")
    with Store.open(":memory:", runs=runs_root(store)) as opened:
        opened.take_in()
        insight = examine(opened, steered)
        assert insight.facts.steered == {"weights.variance": 50.0}
        assert attempts(insight.facts, [])[0].variance_weight == 50
        assert not any("variance loss is off" in cause.evidence for cause in insight.causes)
