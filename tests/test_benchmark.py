"""Yardsticks: what they learn, what they may not see, what a benchmark records and does not repeat."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gainakt.analysis import benchmark as tables
from gainakt.analysis.benchmark import YARDSTICKS
from gainakt.benchmark import neural
from gainakt.benchmark.part import Part, parts_of
from gainakt.config import Config, DataConfig, changed
from gainakt.data.sequences import split_students
from gainakt.datasets.load import load
from gainakt.errors import InputError
from gainakt.jobs import benchmark, freedoms
from gainakt.jobs.lineage import replay
from gainakt.jobs.turns import Cancelled
from gainakt.measures import metrics
from gainakt.simulate import simulate
from gainakt.store import Run, Store

OWN = [name for name, one in YARDSTICKS.items() if one.package != "pykt"]
QUICK = ("skill-mean", "pfa", "bkt")


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    data = simulate("demo", students=60)
    return parts_of(data, split_students(data, 0, 0), 50, 0)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that train for a moment."""
    for name in ("dkt", "deep-irt", "bkt-forgetting"):
        found = importlib.import_module(f"gainakt.benchmark.{name.replace('-', '_')}")
        small = {"epochs": 4, "learning_rate": 0.02, "width": 16, "slots": 4, "batch_size": 32, "iterations": 30}
        monkeypatch.setattr(found, "SETTINGS", found.SETTINGS | {k: v for k, v in small.items() if k in found.SETTINGS})


def needs(name: str) -> None:
    if YARDSTICKS[name].package:
        pytest.importorskip(YARDSTICKS[name].package)


@pytest.mark.parametrize("name", OWN)
def test_a_yardstick_predicts_better_than_the_skills_means_and_sees_nothing_of_the_future(
    name: str, settings: None
) -> None:
    needs(name)
    data = simulate("demo", students=200)
    split = split_students(data, 0, 0)
    parts = parts_of(data, split, 50, 0)
    predict = importlib.import_module(f"gainakt.benchmark.{name.replace('-', '_')}").fit(
        parts["train"], parts["validation"]
    )
    test = parts["test"]
    before = predict(test)
    scored = test.scored(before)
    mean = metrics.auc(scored.response, test.usual[scored.skill])
    found = metrics.auc(scored.response, scored.probability)
    assert found is not None and mean is not None
    assert found == mean if name == "skill-mean" else found > mean + 0.005
    last = np.append(test.practice.start[1:], len(test.practice)) - 1  # of each window
    turned = data.response.copy()
    turned[test.practice.place[last]] ^= 1
    after = predict(parts_of(replace(data, response=turned), split, 50, 0)["test"])
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_parts_columns_and_batches_are_in_the_same_order(parts: dict[str, Part]) -> None:
    part = parts["train"]
    rows = [batch.skill[batch.valid].numpy() for _, batch in part.windows.in_order()]
    assert np.array_equal(np.concatenate(rows), part.practice.skill)
    earlier = part.earlier(1)
    assert (earlier[part.practice.start] == -1).all() and (np.delete(earlier, part.practice.start) >= 0).all()


def test_rows_of_one_question_are_scored_once_and_do_not_see_each_other(settings: None) -> None:
    data = simulate("demo", students=60)
    group = np.arange(len(data)) // 2
    group = np.unique(np.stack([data.student, group]), axis=1, return_inverse=True)[1].astype(np.int64)
    answer = data.response[np.unique(group, return_index=True)[1]][group]
    data = replace(data, group=group, response=answer)
    split = split_students(data, 0, 0)
    parts = parts_of(data, split, 50, 0)
    test = parts["test"]
    for name in ("dkt", "deep-irt"):
        predict = importlib.import_module(f"gainakt.benchmark.{name.replace('-', '_')}").fit(
            parts["train"], parts["validation"]
        )
        before = predict(test)
        scored = test.scored(before)
        assert len(scored.response) == len(np.unique(test.question[test.practice.scored]))  # type: ignore[index]
        final = test.question[np.append(test.practice.start[1:], len(test.practice)) - 1]  # type: ignore[index]
        turned = data.response.copy()
        turned[np.isin(group, final)] ^= 1
        after = predict(parts_of(replace(data, response=turned), split, 50, 0)["test"])
        np.testing.assert_allclose(after[test.practice.scored], before[test.practice.scored], atol=1e-6)


@pytest.mark.parametrize("name", ["afm", "pfa", "best-lr"])
def test_a_regression_on_many_skills_is_fitted_to_its_end(name: str) -> None:
    needs(name)
    data = simulate("demo", students=400, skills=600)
    parts = parts_of(data, split_students(data, 0, 0), 200, 0)
    fit = importlib.import_module(f"gainakt.benchmark.{name.replace('-', '_')}").fit
    train = parts["train"]
    own = train.scored(fit(train, parts["validation"])(train))
    loss = metrics.log_losses(own.response, own.probability).mean()
    mean = metrics.log_losses(own.response, train.usual[own.skill]).mean()
    assert loss < mean, "on the students it was fitted to, it knows each skill's share and more"


def quiet(done: float, says: str) -> None:
    pass


def runs(root: Path, ids: list[str]) -> list[Run]:
    with Store.open(":memory:", runs=root) as store:
        store.take_in()
        return [store.run(run_id) for run_id in ids]


def test_a_benchmark_is_made_of_runs_and_goes_on_where_it_ended(
    class_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = benchmark.Plan(DataConfig(path=str(class_file)), models=QUICK, folds=(0, 1))
    asked: list[str] = []

    def cancelled(done: float, says: str) -> None:
        asked.append(says)
        if len(asked) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        benchmark.carry_out(plan, tmp_path, cancelled)
    begun = {folder.name for folder in tmp_path.iterdir()}
    assert len(begun) == 2
    ids = benchmark.carry_out(plan, tmp_path, quiet)
    assert len(ids) == len(set(ids)) == 6 and begun < set(ids)
    monkeypatch.setattr(benchmark._One, "run", lambda self: pytest.fail("a finished yardstick was run again"))
    assert benchmark.carry_out(plan, tmp_path, quiet) == ids
    first = runs(tmp_path, ids)[0]
    assert (first.status, first.yardstick) == ("finished", "skill-mean")
    assert first.data["split_rule"] == "given folds, fold 0 validates, given test students"
    with pytest.raises(pytest.fail.Exception):  # another window is another yardstick
        benchmark.carry_out(replace(plan, data=DataConfig(path=str(class_file), window=10)), tmp_path, quiet)


def test_what_breaks_is_recorded_and_the_others_go_on(
    class_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = importlib.import_module("gainakt.benchmark.pfa")
    monkeypatch.setattr(broken, "fit", lambda *_: 1 / 0)
    plan = benchmark.Plan(DataConfig(path=str(class_file)), models=QUICK)
    found = runs(tmp_path, benchmark.carry_out(plan, tmp_path, quiet))
    assert [run.status for run in found] == ["finished", "failed", "finished"]
    assert "ZeroDivisionError" in str(found[1].error)


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"models": ("odd",)}, "odd"), ({"models": ()}, "at least one"), ({"folds": (-1,)}, "fold"),
     ({"protocol": "odd"}, "pykt, students80")],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        benchmark.Plan(DataConfig(), **changes)


def test_a_fold_that_the_data_do_not_have_is_said_before_anything_runs(class_file: Path, tmp_path: Path) -> None:
    plan = benchmark.Plan(DataConfig(path=str(class_file)), models=QUICK, folds=(0, 7))
    with pytest.raises(InputError, match="7 is not in the data"):
        benchmark.carry_out(plan, tmp_path, quiet)
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_missing_is_left_out_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark.util, "find_spec", lambda name: None)
    missing = benchmark.Plan(DataConfig()).missing
    assert missing.keys() == {name for name, one in YARDSTICKS.items() if one.package}
    assert "pip install" in missing["lightgbm"]


def test_students80_ignores_the_folds_and_the_test_students(class_file: Path) -> None:
    given = load(DataConfig(path=str(class_file)))
    drawn = load(DataConfig(path=str(class_file), split="students"))
    assert split_students(drawn, 0, 3).rule == "70/10/20 by student (seed 3)"
    assert len(split_students(drawn, 0, 3).test) == round(0.2 * len(given.students))
    assert drawn.fingerprint != given.fingerprint
    assert np.array_equal(drawn.response, given.response)


def test_a_yardstick_cannot_be_trained_on(class_file: Path, tmp_path: Path) -> None:
    plan = benchmark.Plan(DataConfig(path=str(class_file)), models=("skill-mean",))
    (run,) = runs(tmp_path, benchmark.carry_out(plan, tmp_path, quiet))
    with pytest.raises(InputError, match="yardstick"):
        replay(tmp_path, run)


def test_the_table_puts_trainings_of_the_same_split_beside_yardsticks(
    class_file: Path, tmp_path: Path, tiny: Callable[..., Config]
) -> None:
    from gainakt.jobs.service import execute, queue_run

    data = DataConfig(path=str(class_file), window=20)
    benchmark.carry_out(benchmark.Plan(data, models=QUICK, folds=(0, 1)), tmp_path, quiet)
    for fold in (0, 1):
        config = changed(tiny(), {"data.path": str(class_file), "training.fold": fold, "training.seed": fold})
        execute(queue_run(tmp_path, config, name="mine", preset="corrected"), config)
    other = changed(tiny(), {"data.path": str(class_file), "data.split": "students"})
    execute(queue_run(tmp_path, other, name="another split", preset="corrected"), other)
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        (some,) = tables.benchmarks(tables.yardsticks(store)).values()
        trainings = tables.comparable(store, some)
        assert [run.name for run in trainings] == ["mine", "mine"]
        named = tables.configurations(trainings)
        assert list(named) == ["mine"]
        rows = tables.by_fold(store, some, named)
    assert tables.rests_on(rows) == (
        "Measured on 10 test students. With fewer than 30, most differences between models are chance: read the"
        " intervals.",
        True,
    )
    assert tables.rests_on(rows.assign(students=[30.0] * (len(rows) - 1) + [1234.0])) == (
        "Measured on 30 to 1,234 test students a fold.",
        False,
    )
    means = tables.summary(rows).set_index("model")
    assert len(rows) == 6 + 4 and (means["folds"] == 2).all()
    best = means[means["kind"] == "yardstick"]["auc"].max()
    assert means["to_best"].to_numpy() == pytest.approx(means["auc"].to_numpy() - best)
    assert means.index[0] == means["auc"].idxmax()
    assert (means["lower"] < means["auc"]).all() and means[["rmse", "ece"]].notna().all(axis=None)


def test_the_curve_trains_each_freedom_once_and_ends_at_encoder_1(
    class_file: Path, tmp_path: Path, tiny: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freedoms, "preset", lambda name: tiny({"model.encoder1": "recurrent"}))
    monkeypatch.setattr(freedoms, "SIMULATED", "demo students=40")
    data = Config(data=DataConfig(path=str(class_file), window=20))
    points = freedoms.carry_out(data, tmp_path, quiet)
    assert points["point"].tolist() == [*freedoms.FREEDOMS, "Encoder 1"]
    assert points["auc"].notna().all() and points["ratio"].notna().sum() == len(freedoms.FREEDOMS)
    assert points["added"][1:].tolist() == pytest.approx(np.diff(points["auc"]).tolist())
    parameters = [run.parameters for run in runs(tmp_path, points["run_id"].tolist()[:-1])]
    assert parameters == sorted(parameters, key=lambda n: n or 0)
    monkeypatch.setattr(freedoms, "trained", lambda *_: pytest.fail("a finished point was trained again"))
    assert len(freedoms.carry_out(data, tmp_path, quiet)) == len(points)


def test_a_networks_best_epoch_is_kept(parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch) -> None:
    from gainakt.benchmark import dkt

    seen: list[float] = []
    monkeypatch.setitem(dkt.SETTINGS, "width", 16)
    network = dkt._Network(parts["train"].skills)
    settings = dkt.SETTINGS | {"epochs": 4, "patience": 9, "width": 16}
    inner = neural._predicted

    def watched(network: Any, part: Part) -> Any:
        found = inner(network, part)
        scored = part.scored(found)
        seen.append(metrics.auc(scored.response, scored.probability) or 0.0)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(neural, "_predicted", watched)
        predict = neural.trained(network, settings, parts["train"], parts["validation"])
    scored = parts["validation"].scored(predict(parts["validation"]))
    assert metrics.auc(scored.response, scored.probability) == pytest.approx(max(seen))
