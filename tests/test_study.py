"""A study: its cells, that nothing finished is repeated, what its tables say, and its page."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gainakt.datasets.load import load, named
from gainakt.errors import InputError, RunFailed
from gainakt.jobs import study
from gainakt.jobs.turns import Cancelled
from gainakt.store import RunFolder, Store, runs_root
from gainakt.ui import resources
from gainakt.ui.study import view as study_view
from gainakt.verdict import with_curve_model as standin

ROOT = Path(__file__).resolve().parents[1]
PLAN = study.Plan(students=(40,), cvs=(0.0, 0.44), seeds=2, tests=False, scenario="demo")


def quiet(done: float, says: str) -> None:
    assert 0 <= done < 1 and "of" in says


def test_a_scenario_is_named_with_its_changes() -> None:
    assert named("demo students=40  rate_cv=0") == ("demo", {"students": "40", "rate_cv": "0"})
    config = PLAN.cells()[0].config
    data = load(config.data)
    assert len(data.students) == 40 and data.truth["rate"].std() == pytest.approx(0)
    with pytest.raises(InputError, match="'students' is no field=value"):
        named("demo students")
    with pytest.raises(InputError, match="unknown scenario field 'pupils'"):
        load(config.data.model_copy(update={"simulate": "demo pupils=3"}))


def test_every_combination_is_a_cell_of_its_own() -> None:
    cells = study.Plan((50, 20), (0.0, 0.3), ("blocked", "adaptive"), ("parametric", "corrected"), 3).cells()
    assert len(cells) == len({cell.name for cell in cells}) == 2 * 2 * 2 * 2 * 3
    assert cells[0].students == 20
    with pytest.raises(InputError, match="known: blocked"):
        study.Plan(sequencings=("sideways",)).cells()
    with pytest.raises(InputError, match="'many' is no number"):
        list(study.numbers("3, many"))


@pytest.mark.parametrize("text", ["inf", "nan", "500, -inf", "500.7", "many", "1e999"])
def test_students_are_whole_numbers(text: str) -> None:
    with pytest.raises(InputError, match=r"is no (whole )?number"):
        list(study.whole_numbers(text))
    assert list(study.whole_numbers(" 500, 1e3,")) == [500, 1000]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"students": (10**300,)}, "students"), ({"students": (9,)}, "10 students"), ({"cvs": (-1.0,)}, "rate_cv"),
        ({"cvs": (float("nan"),)}, "rate_cv"), ({"presets": ("odd",)}, "odd"), ({"scenario": "odd"}, "odd"),
    ],
)  # fmt: skip
def test_a_plan_out_of_bounds_is_refused_before_anything_runs(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        study.Plan(**changes).cells()


def test_a_cancelled_study_ends_with_its_training_saved_and_can_go_on(tmp_path: Path) -> None:
    asked: list[str] = []

    def cancelled_in_second_training(done: float, says: str) -> None:
        asked.append(says)
        if len(set(asked)) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        study.carry_out(PLAN, tmp_path, cancelled_in_second_training)
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        assert store.runs()["status"].tolist() == ["finished"]
    asked.clear()

    def cancelled_while_training(done: float, says: str) -> None:
        asked.append(says)
        if asked.count(says) > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        study.carry_out(PLAN, tmp_path, cancelled_while_training)
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        stopped = store.run(store.runs()["run_id"][0])
        assert (stopped.status, stopped.reason) == ("stopped", "stopped by user")
    assert len(study.carry_out(PLAN, tmp_path, quiet)) == 4


def test_a_study_whose_run_is_paused_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = study.execute

    def paused(folder: RunFolder, *rest: Any) -> dict[str, Any]:
        folder.request_pause("tests")
        return whole(folder, *rest)

    monkeypatch.setattr(study, "execute", paused)
    plan = study.Plan((40,), (0.44,), presets=("corrected",), seeds=1)
    with pytest.raises(RunFailed, match=r"was paused; start it again"):
        study.carry_out(plan, tmp_path, quiet)


def test_what_has_finished_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = study.carry_out(PLAN, tmp_path, quiet)
    assert len(rows) == 4 and (rows["data_skills"] == "untested").all()
    assert rows.loc[rows["true_cv"] == 0, "spearman"].isna().all() and rows["auc_below_oracle"].abs().max() < 0.2
    monkeypatch.setattr(study, "execute", lambda *_: pytest.fail("a finished cell was trained again"))
    again = study.carry_out(PLAN, tmp_path, quiet)
    assert again["run_id"].tolist() == rows["run_id"].tolist()
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        assert sorted(study.table(store)["run_id"]) == sorted(rows["run_id"])  # all studies in the store


def test_a_tested_cell_is_not_tested_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "REPLICATES", 1)
    plan = study.Plan((40,), (0.44,), seeds=1, scenario="demo")
    rows = study.carry_out(plan, tmp_path, quiet)
    assert rows["data_skills"].tolist() == ["noise"] and rows["skills"].tolist() == ["noise"]
    monkeypatch.setattr(study, "run_tests", lambda *_: pytest.fail("it was tested again"))
    assert study.carry_out(plan, tmp_path, quiet)["skills"].tolist() == ["noise"]


def test_a_run_that_is_stopped_ends_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = study.queue_run

    def queued_and_stopped(*given: object, **named: object) -> RunFolder:
        folder: RunFolder = queue(*given, **named)
        folder.request_stop("me")
        return folder

    monkeypatch.setattr(study, "queue_run", queued_and_stopped)
    with pytest.raises(RunFailed, match="stopped by me"):
        study.carry_out(PLAN, tmp_path, quiet)


def test_shares_count_what_was_tested() -> None:
    row = {"run_id": "x", "preset": "p", "sequencing": "blocked", "true_cv": 0.0, "students": 40}
    rows = pd.DataFrame(
        [
            {**row, "seed": seed, "spearman": None, "rate_cv": 0.1, "data_skills": status, "skills": "untested"}
            for seed, status in enumerate(["pass", "noise", "noise", "untested"])
        ],
        columns=study.table.__globals__["_COLUMNS"],
    )
    (found,) = study.summary(rows).to_dict("records")
    assert found["skills_in_data"] == pytest.approx(1 / 3) and pd.isna(found["skills_by_run"])
    figures = study_view.recovery_figure(study.summary(rows)), study_view.alarm_figure(study.summary(rows))
    assert not figures[0]["data"] and len(figures[1]["data"]) == 2
    drawn = [trace[axis] for trace in figures[1]["data"] for axis in "xy"]
    assert {values.dtype for values in drawn} == {np.dtype("float32")}, "the plot library draws no 8-byte integers"


def test_the_page_draws_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    path = tmp_path / "x.duckdb"
    monkeypatch.setenv("GAINAKT_STORE", str(path))
    study.carry_out(PLAN, runs_root(path), quiet)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).switch_page("pages/7_Study.py").run()
    try:
        assert not app.exception and "none of them finished" in str([one.value for one in app.caption])
        resources._open_store().take_in()  # on a busy machine its own thread may be late
        next(one for one in app.selectbox if one.label == "Simulated class").set_value("demo")
        for label, text in (("Students", "40"), ("True CV of the rates", "0, 0.44")):
            next(one for one in app.text_input if one.label == label).set_value(text)
        next(one for one in app.number_input if one.label == "Seeds").set_value(2)
        app.run()
        assert not app.exception and "4 runs, 4 of them finished" in str([one.value for one in app.caption])
        assert len(app.dataframe[1].value) == 4
        for text, why in (
            ("few", "'few' is no number"),
            ("inf", "'inf' is no number"),
            ("500.7", "500.7 is no whole number"),
        ):
            next(one for one in app.text_input if one.label == "Students").set_value(text).run()
            assert not app.exception and why in app.error[0].value.replace("\\", "")
    finally:
        resources._open_store().close()
        st.cache_resource.clear()
