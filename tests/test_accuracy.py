"""Accuracy of predictions: calibration, groups, intervals over students; and the pages that show yardsticks."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gainakt.analysis.accuracy import LATER, computed, of_run
from gainakt.config import DataConfig
from gainakt.errors import InputError
from gainakt.jobs import benchmark
from gainakt.measures import accuracy
from gainakt.store import Store, runs_root
from tests.pages import draw, text_of


def test_calibrated_probabilities_have_no_ece_and_shifted_ones_that_of_the_shift() -> None:
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.05, 0.75, 200_000)
    target = (rng.random(len(chance)) < chance).astype(np.int64)
    assert (accuracy.ece(target, chance) or 0) < 0.005
    assert accuracy.ece(target, chance + 0.2) == pytest.approx(0.2, abs=0.005)
    assert accuracy.rmse(target, target.astype(float)) == 0.0
    bins = accuracy.reliability(target, chance)
    assert bins.count.sum() == len(target) and len(bins.count) == 8
    assert accuracy.ece(target[:0], chance[:0]) is None


def test_earlier_entries_of_the_same_keys_are_counted_in_their_order() -> None:
    student, skill = np.array([1, 0, 1, 1, 0, 1]), np.array([2, 2, 2, 1, 2, 2])
    assert accuracy.earlier((student, skill)).tolist() == [0, 0, 1, 0, 1, 2]


def test_the_interval_is_that_of_resampled_students() -> None:
    rng = np.random.default_rng(1)
    student, level = np.repeat(np.arange(100), 30), np.repeat(rng.normal(size=100), 30)
    chance = np.round(1 / (1 + np.exp(-level - rng.normal(size=len(level)))), 2)  # with ties
    target = (rng.random(len(student)) < 1 / (1 + np.exp(-2 * level))).astype(np.int64)
    low, high = accuracy.auc_interval(target, chance, student)
    assert low is not None and high is not None
    drawn = []
    for _ in range(400):
        place = np.concatenate([30 * number + np.arange(30) for number in rng.integers(0, 100, 100)])
        drawn.append(roc_auc_score(target[place], chance[place]))
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.1 * (high - low))
    copies = [np.tile(values, 9) for values in (target, chance, student)]
    again = accuracy.auc_interval(*copies)  # nine times the interactions of the same students say no more
    assert again == pytest.approx((low, high))
    assert accuracy.auc_interval(target, chance, np.zeros_like(student)) == (None, None)


def test_groups_hold_the_predictions_that_they_name() -> None:
    rng, students, each = np.random.default_rng(2), 400, 15
    student, position = np.repeat(np.arange(students), each), np.arange(students * each) * 2
    skill = rng.integers(0, 2, len(student))
    response = rng.integers(0, 2, len(student))
    early = np.tile(np.arange(each), students) < 5  # known by heart early on, a coin later
    chance = np.where(early, 0.1 + 0.8 * response, rng.random(len(student)))
    columns = {"student": student, "skill": skill, "position": np.tile(np.arange(each), students) + student * 50,
               "response": response, "encoder1": chance}  # fmt: skip
    assert position.size
    found = computed(columns, np.array([50, 5000]))
    groups = found.groups.set_index(["what", "group"])["auc"]
    assert groups["interaction", "2"] == groups["interaction", "6"] == 1.0
    assert abs(groups["interaction", str(LATER)] - 0.5) < 0.1
    counts = found.groups.set_index(["what", "group"])["predictions"]
    assert counts["skill", "0 on"] == (skill == 0).sum() and counts["skill", "3,000 on"] == (skill == 1).sum()
    assert counts["opportunity"].sum() == len(student)


@pytest.fixture
def yardstick(class_file: Path, page_store: Path) -> str:
    """A finished yardstick in the pages' store."""
    plan = benchmark.Plan(DataConfig(path=str(class_file)), models=("skill-mean", "pfa"))
    return benchmark.carry_out(plan, runs_root(page_store), lambda done, says: None)[1]


def test_the_benchmark_page_shows_yardsticks_and_a_run_page_says_what_one_is(yardstick: str) -> None:
    app = draw("pages/9_Benchmark.py")
    assert sorted(app.dataframe[0].value["Model"]) == ["PFA", "Skill mean"]
    assert "The best yardstick is" in text_of(app)
    app = draw("pages/3_Run.py", run=yardstick)
    assert "PFA" in text_of(app) and [tab.label for tab in app.tabs] == ["Predictions", "Numbers", "Configuration"]
    for page in ("pages/6_Diagnosis.py", "pages/8_Student.py"):
        assert "yardstick" in text_of(draw(page, run=yardstick))
    for page in ("pages/1_Train.py", "pages/2_Runs.py", "pages/4_Compare.py"):
        draw(page, run=yardstick)


def test_an_empty_benchmark_page_says_how_to_begin(page_store: Path) -> None:
    assert "No yardstick has finished yet" in text_of(draw("pages/9_Benchmark.py"))


def test_damaged_predictions_are_said(yardstick: str) -> None:
    with Store.open(":memory:", runs=runs_root(Path(os.environ["GAINAKT_STORE"]))) as store:
        store.take_in()
        folder = store.folder(yardstick).folder
    assert of_run(folder, ()) is not None
    (file,) = folder.glob("predictions-*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    about = folder / "predictions.json"
    about.write_text(about.read_text().replace('"predictions"', '"number"'))
    with pytest.raises(InputError, match="damaged"):
        of_run(folder, (1,))
