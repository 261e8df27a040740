"""What is said of runs beside each other: settings, measures, seeds, skills, curves, sentences, kept predictions."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gainakt import reference
from gainakt.analysis.compare import Compared, chance, compare, fields, measures, predictions, skills, why
from gainakt.analysis.compare.content import as_json
from gainakt.analysis.compare.curves import aligned, parting
from gainakt.analysis.compare.gains import distances
from gainakt.analysis.compare.settings import settings, surroundings
from gainakt.cli.main import app
from gainakt.config import Config
from gainakt.data.interactions import Interactions
from gainakt.errors import InputError
from gainakt.store import RunFolder, Store, runs_root
from gainakt.training import events
from gainakt.training.loop import train
from tests.compared_runs import EACH, SKILLS, STUDENTS, Made, five, keep, write

PUBLISHED = "00000000-970206-0206"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store with five runs of two presets, one steered, one without kept predictions, and the published records."""
    path = tmp_path_factory.mktemp("compared") / "runs.duckdb"
    reference.place(runs_root(path))
    runs = five(path)
    runs.append(write(path, "steered", "without-level", Made(0.3, 0.2, steered=True), **{"weights.variance": 10.0}))
    runs.append(write(path, "older", "without-level", Made(0.3, 0.2, predictions=False)))
    return path, runs


@pytest.fixture
def compared(made: tuple[Path, list[str]]) -> Callable[..., Compared]:
    """A function that compares some of these runs, by place or id."""
    path, runs = made
    store = Store.open(path)
    store.take_in()
    yield lambda *which: compare(store, [runs[one] if isinstance(one, int) else one for one in which])
    store.close()


def said(comparison: Compared) -> str:
    return "\n".join(line for part in why.answer(comparison, comparison.others[0]) for line in part.sentences)


def test_what_a_run_does_not_state_is_blank_and_no_difference(compared: Callable[..., Compared]) -> None:
    comparison = compared(0, PUBLISHED)
    table = settings(comparison.runs)
    assert set(table) == {"weights.variance", "weights.contrastive"}
    everything = settings(comparison.runs, only_differing=False)
    assert list(everything["model.width"]) == [comparison.baseline]
    assert "B does not state" in said(comparison) and "cannot be said what made the difference" in said(comparison)
    assert set(settings(compared(0, 1).runs)) == {"training.seed"}
    assert surroundings(compared(0, 1).runs) == {}
    assert "Data fingerprint" in surroundings(compared(0, 1).runs, only_differing=False)


def test_differences_have_the_sign_of_the_numbers_and_the_colour_of_good(compared: Callable[..., Compared]) -> None:
    comparison = compared(0, 3)
    table = measures.values(comparison)
    change = measures.differences(table, comparison.baseline)
    other = comparison.others[0]
    assert change.loc["im", other] == pytest.approx(table.loc["im", other] - table.loc["im", comparison.baseline])
    noise = pd.DataFrame({"a": [0.3], "b": [0.1 + 0.2]}, index=["gain_std"])
    assert measures.differences(noise, "a").iloc[0, 0] == 0
    ways = measures.directions(change)[other]
    for name, good in (("encoder2_auc", 1), ("im", -1), ("gain_std", 0)):
        assert ways[name] == np.sign(change.loc[name, other]) * good
    course = measures.courses(comparison).set_index(["run_id", "name"]).loc[(other, "encoder1_auc")]
    curve = comparison.epochs[(comparison.epochs["run_id"] == other) & (comparison.epochs["name"] == "encoder1_auc")]
    assert course["best"] == curve["value"].max() and course["last"] == curve.sort_values("epoch")["value"].iloc[-1]


def test_runs_that_differ_in_the_seed_only_are_a_group(compared: Callable[..., Compared]) -> None:
    comparison = compared(0, 1, 2, 3, 4, 5)
    assert [len(members) for members in comparison.groups.values()] == [3, 2, 1]
    table = chance.seeds(comparison, "encoder2_auc").set_index("run_id")
    wide = measures.values(comparison).loc["encoder2_auc"]
    peer = pd.DataFrame({"group": [0, 0, 0, 1, 1, 2], "value": wide.to_numpy()}).groupby("group")["value"]
    assert table["mean"].tolist() == pytest.approx(peer.mean().tolist())
    assert table["std"].tolist()[:2] == pytest.approx(peer.std().tolist()[:2])
    assert table["low"].iloc[1] < table["difference"].iloc[1] < table["high"].iloc[1]
    assert table["low"].isna().tolist() == [True, False, True]  # the baseline's own, and a single run
    assert list(chance.group_names(comparison).values()) == [
        "without-level, Variance weight 0",
        "v3-phase1",
        "without-level, Variance weight 10",
    ]


def test_pairs_are_tested_on_the_same_interactions_and_many_are_adjusted(compared: Callable[..., Compared]) -> None:
    table, missing = chance.pairs(compared(0, 1, 3, 5, 6), "encoder2")
    assert len(table) == 3 and set(table["predictions"]) == {STUDENTS * EACH} and set(table["students"]) == {STUDENTS}
    assert (table["auc_holm"] >= table["auc_p"]).all() and table["auc_holm"].min() >= 3 * table["auc_p"].min() - 1e-12
    ((run_id, text),) = missing.items()
    assert f"python -m gainakt evaluate {run_id}" in text
    assert "no predictions of single responses" in compared(0, PUBLISHED).pair(PUBLISHED).missing


def test_only_what_both_runs_predict_is_paired_and_damage_is_said(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    path, runs = made
    one, other = (predictions.read(RunFolder(runs_root(path), run_id).folder) for run_id in (runs[0], runs[3]))
    half = {name: column[300:] for name, column in other.items()}
    shuffled = {name: column[::-1] for name, column in half.items()}
    pair = predictions.compared(one, half)
    assert (pair.predictions, pair.only_one) == (900, 300)
    assert predictions.compared(one, shuffled) == pair
    assert "fewer than two test students" in predictions.compared(one, {n: c[:5] for n, c in other.items()}).missing
    keep(tmp_path, one)
    (file,) = tmp_path.glob("predictions-*.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(InputError, match="damaged"):
        predictions.read(tmp_path)


def test_distances_are_scipy_s_and_0_to_itself() -> None:
    shares = {
        "a": np.array([1.0, 0, 0, 0]),
        "b": np.array([0, 0, 0, 1.0]),
        "c": np.array([1.0, 0, 0, 0]),
        "d": np.zeros(4),
    }
    assert distances(shares, "a") == pytest.approx({"b": 0.75, "c": 0.0})
    assert distances(shares, "d") == {}


def test_skills_are_matched_by_their_label(compared: Callable[..., Compared]) -> None:
    found = skills.rates(compared(0, 5), compared(0, 5).others[0])
    assert len(found.table) == len(SKILLS) and found.one_only == 0
    assert found.table["difference"].abs().is_monotonic_decreasing
    assert found.correlation == pytest.approx(found.table["a"].corr(found.table["b"], method="spearman"))
    assert skills.rank_correlation(pd.Series([1.0, 1, 1]), pd.Series([1.0, 2, 3])) is None


def test_curves_part_where_they_stay_apart() -> None:
    epochs = range(1, 6)
    a = pd.Series([0.5, 0.6, 0.7, 0.7, 0.7], epochs)
    for b, since in (([0.5, 0.65, 0.7, 0.71, 0.72], 4), ([0.65] * 5, 1), ([0.5, 0.6, 0.9, 0.7, 0.7], None)):
        found = parting(a, pd.Series(b, epochs), 0.001)
        assert found is not None and found.since == since and found.end == pytest.approx(b[-1] - 0.7)
    assert parting(a, pd.Series([1.0], [9]), 0.001) is None


def test_curves_are_aligned_by_step_epoch_and_minutes(compared: Callable[..., Compared]) -> None:
    comparison = compared(0, 3)
    rows = comparison.store.series(list(comparison.runs), ["gain_std", "validation.encoder1_auc"])
    by_epoch = aligned(rows, comparison.runs, "epoch")
    of_epochs = by_epoch[by_epoch["name"] == "validation.encoder1_auc"]
    assert (of_epochs["epoch"] == of_epochs["step"] / 30).all() and by_epoch["epoch"].is_unique is False
    minutes = aligned(rows, comparison.runs, "minutes")["minutes"]
    assert (minutes >= 0).all() and minutes.max() < 60


def test_the_sentences_say_what_was_set_moved_and_steered(compared: Callable[..., Compared]) -> None:
    text = said(compared(0, 5))
    assert "1 setting differs: Variance weight (0 in A, 10 in B)." in text
    assert "B was steered: Variance weight 0 → 50 from step 35 on." in text
    assert "95 % interval" in text and "60 students" in text and "Moved most: skill" in text
    assert "Only the seed differs: what is apart is chance." in said(compared(0, 1))
    assert "python -m gainakt evaluate" in said(compared(0, 6))


def test_the_front_is_of_the_runs_that_no_other_beats() -> None:
    table = pd.DataFrame(
        {
            "encoder1_auc": [0.7, 0.8, 0.7, 0.6, None],
            "encoder2_auc": [0.7, 0.7, 0.7, 0.9, 1.0],
            "rate_cv": [0.1, 0.1, 0.1, 0.1, 1.0],
        },
        index=list("abcde"),
    )
    assert fields.front(table) == ["b", "d"]
    assert fields.front(table.loc[["a", "c"]]) == ["a", "c"]  # equal ones do not beat each other
    assert fields.on_log_axis(pd.Series([0.0, 1.0, 100.0]))[1] == pytest.approx(0.1)


def test_fewer_than_two_runs_and_a_foreign_baseline_are_said(made: tuple[Path, list[str]]) -> None:
    path, runs = made
    with Store.open(path) as store:
        for ids, baseline, text in ((runs[:1], "", "needs two runs"), (runs[:2], runs[3], "not among the runs")):
            with pytest.raises(InputError, match=text):
                compare(store, ids, baseline)


def test_the_command_gives_the_same_content_as_json(made: tuple[Path, list[str]]) -> None:
    path, runs = made
    done = CliRunner().invoke(app, ["compare", *runs[:2], "--baseline", runs[1], "--json", "--store", str(path)])
    assert done.exit_code == 0, done.output
    content = json.loads(done.output.splitlines()[-1])
    assert content["baseline"] == runs[1] and list(content["why"]) == [runs[0]]
    with Store.open(path) as store:
        expected = as_json(compare(store, runs[:2], runs[1]))
    assert content["why"] == expected["why"] and list(content["tables"]) == list(expected["tables"])
    text = CliRunner().invoke(app, ["compare", *runs[:2], "--store", str(path)]).output
    assert "What moved" in text and "Settings that differ" in text


@pytest.mark.parametrize("kind", ["corrected", "parametric"])
def test_a_training_keeps_the_predictions_that_its_measures_come_from(
    kind: str, tiny: Callable[..., Config], small_class: Callable[..., Interactions], tmp_path: Path
) -> None:
    data = small_class(students=40)
    config = tiny({"data.window": 8}, kind)
    end = list(train(config, data, folder=tmp_path))[-1]
    assert isinstance(end, events.Finished)
    kept = predictions.read(tmp_path)
    assert (np.diff(kept["position"]) > 0).all()
    at = kept["position"]
    for name, column in (("student", data.student), ("skill", data.skill), ("response", data.response)):
        assert (kept[name] == column[at]).all()
    from gainakt.analysis.compare.statistics import auc

    assert auc(kept["response"], kept["encoder2"]) == pytest.approx(end.results["test"]["encoder2_auc"], abs=1e-6)
    assert ("encoder1" in kept) == (kind == "corrected")
