"""The Diagnosis page and the verdict lights, drawn by AppTest over stores that the tests write."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gainakt.config import Config
from gainakt.jobs import background as jobs
from gainakt.jobs.service import Service, execute, queue_run
from gainakt.store import Store, runs_root
from gainakt.verdict.criteria import Targets

ROOT = Path(__file__).resolve().parents[1]
NAME = "<b>x</b> [click](http://x.invalid) :material/home:"


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Config], class_file: Path
) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("diagnosis") / "x.duckdb"
    config = tiny({"data.path": str(class_file)}, "v3-phase1")
    folder = queue_run(runs_root(path), config, name=NAME, preset="v3-phase1")
    assert execute(folder, config)["kind"] == "finished"
    return path, folder.run_id


@pytest.fixture(autouse=True)
def store(trained: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    from gainakt.ui import resources

    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GAINAKT_STORE", str(trained[0]))
    opened: list[Store] = []

    def open_without_thread() -> Store:
        opened[:] = opened or [Store.open(trained[0], wait=0.2)]
        opened[0].take_in()
        return opened[0]

    monkeypatch.setattr(resources, "_open_store", open_without_thread)
    yield trained[0]
    for one in opened:
        one.close()
    st.cache_resource.clear()


def draw(page: str, run_id: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).switch_page(page)
    app.query_params["run"] = run_id
    app.run()
    assert not app.exception
    return app


def button(app: AppTest, label: str) -> Any:
    return next(one for one in app.button if one.label == label)


@pytest.mark.parametrize("page", ["pages/3_Run.py", "pages/6_Diagnosis.py"])
def test_the_lights_say_what_is_tested_and_what_not(page: str, trained: tuple[Path, str]) -> None:
    badges = "\n".join(str(element.value) for element in draw(page, trained[1]).markdown)
    assert "Not tested for differentiation" in badges and "Skills differ: not tested" in badges
    assert "Gain std: " in badges


def test_targets_on_the_page_change_the_verdict(trained: tuple[Path, str]) -> None:
    app = draw("pages/6_Diagnosis.py", trained[1])
    app.number_input(key="target.gain_std").set_value(0.0).run()
    row = next(table.value for table in app.table).loc["Gain std"]
    assert row["Target"] == "above 0" and "pass" in row["Status"]


def test_targets_have_the_bounds_of_their_field(trained: tuple[Path, str]) -> None:
    app = draw("pages/6_Diagnosis.py", trained[1])
    bounds = {box.key: (box.min, box.max) for box in app.number_input if box.key.startswith("target.")}
    assert len(bounds) == len(Targets.model_fields)
    assert bounds["target.mastery_correlation"] == (-1, 1) and bounds["target.encoder2_auc"] == (0, 1)
    app.number_input(key="target.mastery_correlation").set_value(-0.5).run()
    assert next(table.value for table in app.table).loc["Mastery correlation"]["Target"] == "above -0.5"


@pytest.mark.parametrize("value", [2.0, -2.0])
def test_a_target_that_is_not_allowed_crashes_no_page(value: float, trained: tuple[Path, str]) -> None:
    app = draw("pages/6_Diagnosis.py", trained[1])
    app.number_input(key="target.encoder2_auc").set_value(value).run()
    assert not app.exception
    assert next(table.value for table in app.table).loc["Encoder 2 AUC"]["Target"] == "above 0.62"


@pytest.mark.parametrize("value", [2.0, -2.0, float("nan"), "high", None])
def test_a_target_that_is_not_allowed_is_said(value: Any, trained: tuple[Path, str]) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).switch_page("pages/3_Run.py")
    app.query_params["run"] = trained[1]
    app.session_state["target.encoder2_auc"] = value
    app.run()
    assert not app.exception
    sentence = app.error[0].value.replace("\\", "")
    assert "encoder2_auc: " in sentence and "The original study's targets are used" in sentence


def test_targets_hold_on_the_run_page_too(trained: tuple[Path, str]) -> None:
    app = draw("pages/6_Diagnosis.py", trained[1])
    app.number_input(key="target.gain_std").set_value(0.0).run()
    app.switch_page("pages/3_Run.py").run()
    badges = "\n".join(str(element.value) for element in app.markdown)
    assert "green-badge[:material/check_circle: Gain std" in badges


@pytest.mark.parametrize("page", ["pages/6_Diagnosis.py"])
def test_a_test_that_waits_says_for_what(page: str, trained: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.Jobs, "of", lambda self, run_id: jobs.Job("A test"))
    app = draw(page, trained[1])
    bars = [str(bar.proto.text) for bar in app.get("progress")]
    assert "A test: queued" in bars[0]


def test_the_next_step_starts_with_one_click(trained: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(Service, "submit", lambda self, config, **names: asked.append((config, names)) or trained[1])
    app = draw("pages/6_Diagnosis.py", trained[1])
    app.button(key="start-next").click().run()
    config, names = asked[0]
    assert names["preset"] == "v3-phase1+variance-x100" and config.weights.variance == 200.0
    assert config.data.path, "the data stay the run's own"


def test_the_report_is_written_and_offered(trained: tuple[Path, str]) -> None:
    app = draw("pages/6_Diagnosis.py", trained[1])
    button(app, "Write the report").click().run()
    assert not app.exception
    assert "The run meets" in "\n".join(str(element.value) for element in app.markdown)


def test_a_job_that_breaks_says_why_and_the_next_goes_on(tmp_path: Path) -> None:
    service = Service(tmp_path)
    work = jobs.Jobs(service)

    def broken(report: jobs.Progress) -> None:
        report(0.5, "half way")
        raise ValueError("no such thing")

    work.start("a", "Test", broken)
    work.start("b", "Test", lambda report: report(0.2, "going"))
    service.wait()
    a, b = work.of("a"), work.of("b")
    assert a is not None and b is not None
    assert (a.ended, a.done, a.error) == (True, 0.5, "ValueError: no such thing") and "Traceback" in a.traceback
    assert (b.ended, b.done, b.error) == (True, 1.0, "")
    assert work.of("c") is None
