"""The Student page over a trained run: a student found, an interaction chosen, why it was predicted so."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from gainakt.config import Config
from gainakt.errors import InputError
from gainakt.jobs import students as jobs
from gainakt.jobs.service import execute, queue_run
from gainakt.store import Run, RunFolder, Store, runs_root
from gainakt.ui.student import choice, figures, words
from gainakt.ui.student.explanation import explanation_figure
from tests.pages import draw, queue, text_of, write_run

PAGE = "pages/8_Student.py"
SLOW = 60_000
"""Milliseconds for what computes: a shared machine may be many times slower than an idle one."""


@pytest.fixture
def trained(tiny: Callable[..., Config], class_file: Path) -> Callable[..., str]:
    """A function that trains a run below a store; its id."""

    def train(store: Path, **changes: Any) -> str:
        changed = {"data.path": str(class_file), "training.max_epochs": 2, **changes}
        config = tiny(changed)
        folder = queue_run(runs_root(store), config, name="a run", preset="corrected")
        assert execute(folder, config)["kind"] == "finished"
        return folder.run_id

    return train


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Every test loads its own models."""
    jobs._kept.clear()


def plain(app: AppTest) -> str:
    """What the page says, without the escapes of Markdown."""
    return text_of(app).replace("\\", "").replace("\u2060", "")


def opened(store: Path, run_id: str) -> Run:
    with Store.open(store) as held:
        held.take_in()
        return held.run(run_id)


def test_the_link_restores_student_and_interaction(page_store: Path, trained: Callable[..., str]) -> None:
    run_id = trained(page_store)
    first = draw(PAGE, run=run_id)
    chosen = first.query_params["student"]
    assert first.dataframe[0].value["student"].iloc[0] in chosen and first.number_input[0].value >= 2
    again = draw(PAGE, run=run_id, student="s001", step="3")
    assert again.number_input[0].value == 3 and "Student s001" in text_of(again)
    assert "At interaction 3, student s001 gave" in text_of(again).replace("*", "")
    again.number_input[0].set_value(2).run()
    assert "At interaction 2, student s001" in text_of(again) and again.query_params["step"] in ("2", ["2"])


def test_the_exact_numbers_are_those_of_the_command_line(page_store: Path, trained: Callable[..., str]) -> None:
    run_id = trained(page_store)
    app = draw(PAGE, run=run_id, student="s001", step="3")
    shown = "\n".join(block.value for block in app.code)
    explained = jobs.students(app_run(run_id), runs_root(page_store)).explain("s001", 3).as_json()
    for name in ("practice", "slope", "velocity", "offset", "z", "ceiling", "mastery", "threshold", "temperature",
                 "probability", "model_probability", "encoder1_probability"):  # fmt: skip
        assert json.dumps(explained[name]) in shown, name
    assert f"explain {run_id} --student s001 --step 3 --json" in shown
    assert app.dataframe[-1].value["added"].tolist() == [one["added"] for one in explained["contributions"]]


def app_run(run_id: str) -> Run:
    from gainakt.ui import resources

    return resources.store().run(run_id)


def test_students_are_found_by_id_by_surprise_and_by_rise(page_store: Path, trained: Callable[..., str]) -> None:
    run_id = trained(page_store)
    app = draw(PAGE, run=run_id)
    table = app.dataframe[0].value
    assert table["surprise"].dropna().is_monotonic_decreasing and set(table["split"]) == {"test"}
    app.selectbox(key="student-order").set_value("Not learning").run()
    assert app.dataframe[0].value["mastery_rise"].dropna().is_monotonic_increasing
    app.selectbox(key="student-split").set_value("train").run()
    assert set(app.dataframe[0].value["split"]) == {"train"}
    app.text_input(key="find-student").set_value("S00").run()
    assert sorted(app.dataframe[0].value["student"]) == [f"s00{i}" for i in range(10)]
    app.text_input(key="find-student").set_value("s007").run()
    assert "Student s007" in text_of(app)
    app.text_input(key="find-student").set_value("zz").run()
    assert not app.exception and "No student's id contains zz" in text_of(app) and "Student s007" in text_of(app)


def test_a_link_to_nobody_or_to_no_interaction(page_store: Path, trained: Callable[..., str]) -> None:
    run_id = trained(page_store)
    app = draw(PAGE, run=run_id, student="<b>no</b>", step="x")
    assert "This run's data have no student" in text_of(app) and "Why Encoder 2" in text_of(app)
    app = draw(PAGE, run=run_id, student="s001", step="999")
    assert app.number_input[0].value == app.number_input[0].max
    app = draw(PAGE, run=run_id, student="s001", step="1")
    assert "nothing precedes it, so it is not predicted" in text_of(app)


def test_runs_with_nothing_to_look_into_say_why(page_store: Path, trained: Callable[..., str], tmp_path: Path) -> None:
    with queue(page_store, "waits") as waiting:
        assert "is queued and has saved no checkpoint" in text_of(draw(PAGE, run=waiting.run_id))
    assert "has saved no checkpoint" in text_of(draw(PAGE, run=write_run(page_store, "broken", "failed")))
    curve = write_run(page_store, "curve", "finished", **{"model.kind": "parametric"})
    assert "is a learning-curve model: it has no encoders" in plain(draw(PAGE, run=curve))
    from gainakt import reference

    reference.place(runs_root(page_store))
    published = draw(PAGE, run=reference_id(page_store))
    assert "is a published record: it has no checkpoint" in plain(published)
    data = tmp_path / "class.csv"
    data.write_text("student,skill,response\n" + "".join(f"p{i % 9},a{i % 2},{i % 3 % 2}\n" for i in range(90)))
    run_id = trained(page_store, **{"data.path": str(data)})
    data.unlink()
    app = draw(PAGE, run=run_id)
    assert "class" in text_of(app) and not app.dataframe
    data.write_text("student,skill,response\n" + "".join(f"q{i % 9},a{i % 2},{i % 3 % 2}\n" for i in range(90)))
    assert "the data have changed" in plain(draw(PAGE, run=run_id))


def reference_id(store: Path) -> str:
    from gainakt.ui import resources

    return str(resources.store().runs(published=True)["run_id"].iloc[0])


def test_seven_students_are_enough(page_store: Path, trained: Callable[..., str], tmp_path: Path) -> None:
    data = tmp_path / "seven.csv"
    data.write_text("student,skill,response\n" + "".join(f"p{i % 7},a{i % 2},{i % 3 % 2}\n" for i in range(70)))
    app = draw(PAGE, run=trained(page_store, **{"data.path": str(data)}))
    assert len(app.dataframe[0].value) == 1 and "Why Encoder 2" in text_of(app)


def test_long_lists_are_cut_and_the_page_says_so(
    page_store: Path, trained: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(page_store)
    for module in (jobs, choice):
        monkeypatch.setattr(module, "LISTED", 3)
        monkeypatch.setattr(module, "RANKED", 6)
    monkeypatch.setattr(figures, "SKILLS_SHOWN", 2)
    monkeypatch.setattr(figures, "INTERACTIONS_SHOWN", 10)
    app = draw(PAGE, run=run_id)
    assert len(app.dataframe[0].value) == 3 and "3 of the first 6 of 10 students" in text_of(app)
    app.text_input(key="find-student").set_value("s0").run()
    assert "The first 3 of 40 students whose id contains this text" in text_of(app)
    longest = max(range(40), key=lambda i: len(course(run_id, page_store, f"s{i:03d}").interaction))
    app = draw(PAGE, run=run_id, student=f"s{longest:03d}", step="12")
    assert "Drawn: interactions 11 to 20" in text_of(app) and "the 2 most practised skills" in text_of(app)


def course(run_id: str, store: Path, label: str) -> Any:
    return jobs.students(app_run(run_id), runs_root(store)).view(label)


def test_a_training_run_shows_its_best_epoch_so_far_and_offers_the_next(
    page_store: Path, trained: Callable[..., str]
) -> None:
    source, run_id = trained(page_store), write_run(page_store, "at work", "running")
    root = runs_root(page_store)
    app = draw(PAGE, run=run_id)
    assert "is running and has saved no checkpoint" in text_of(app) and "The first comes with" in text_of(app)
    finished = app_run(source)
    queued, started, *rest = RunFolder(root, run_id).rows(0)[0]
    started["data"]["fingerprint"] = finished.data_fingerprint
    again = write_like(root, queued | {"config": finished.config}, [started, *rest])
    for encoder in ("encoder1", "encoder2"):
        for file in (root / source).glob(f"{encoder}[.-]*"):
            os.link(file, root / again / file.name)
    app = draw(PAGE, run=again)
    assert "The run is running. Shown:" in text_of(app) and "the best so far" in text_of(app)
    about = json.loads((root / again / "encoder2.json").read_text())
    (root / again / "encoder2.json").unlink()
    (root / again / "encoder2.json").write_text(json.dumps(about | {"epoch": 7}))
    assert jobs.students(app_run(again), root).checkpoint.encoder2 == 7


def write_like(root: Path, queued: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """A run's folder with these journal rows, under an id of its own."""
    folder = RunFolder.create(root, name="again", preset="corrected", config=queued["config"])
    for row in rows:
        if row["kind"] != "checkpointed":
            folder.append(row)
    folder.close()
    return folder.run_id


def test_a_checkpoint_replaced_while_it_is_read_is_read_again(
    page_store: Path, trained: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, root = trained(page_store), runs_root(page_store)
    run, about = opened(page_store, run_id), root / run_id / "encoder2.json"
    whole = json.loads(about.read_text())
    about.write_text(json.dumps(whole | {"sha256": "0" * 64}))
    monkeypatch.setattr(jobs.time, "sleep", lambda _: about.write_text(json.dumps(whole)))
    assert jobs.students(run, root).checkpoint.digest.endswith(whole["sha256"])
    about.write_text(json.dumps(whole | {"sha256": "0" * 64}))
    monkeypatch.setattr(jobs.time, "sleep", lambda _: None)
    with pytest.raises(InputError, match="damaged"):
        jobs.students(run, root)


def test_two_models_are_kept_and_a_model_is_loaded_once(page_store: Path, trained: Callable[..., str]) -> None:
    runs = [opened(page_store, trained(page_store)) for _ in range(3)]
    root = runs_root(page_store)
    first = jobs.students(runs[0], root)
    assert jobs.students(runs[0], root) is first
    jobs.students(runs[1], root)
    jobs.students(runs[2], root)
    assert len(jobs._kept) == 2 and jobs.students(runs[0], root) is not first


def test_hostile_labels_stay_text(page_store: Path, trained: Callable[..., str]) -> None:
    run_id = trained(page_store)
    students = jobs.students(app_run(run_id), runs_root(page_store))
    explanation, view = students.explain("s001", 3), students.view("s001")
    bad = "<img src=x onerror=alert(1)> [x](http://y.invalid) $z$"
    spoken = words.paragraph(replace(explanation, student=bad, skill=bad).as_json())
    assert "[x]" not in spoken and "<img" not in spoken.replace("\\<", "")
    drawn = figures.course(replace(view, skills=[bad] * len(view.skills)), 3)
    assert "<img" not in json.dumps(drawn, default=lambda value: "")
    assert "<img" not in json.dumps(explanation_figure(replace(explanation, skill=bad)), default=lambda value: "")


def test_the_words_of_a_prediction_agree_with_its_numbers(page_store: Path, trained: Callable[..., str]) -> None:
    run_id = trained(page_store)
    students = jobs.students(app_run(run_id), runs_root(page_store))
    explained = students.explain("s001", 3).as_json()
    spoken = words.paragraph(explained).replace("*", "")
    for name in ("probability", "practice", "mastery", "threshold", "encoder1_probability", "temperature"):
        assert f"{explained[name]:.4g}" in spoken, name
    none = words.paragraph({**explained, "contributions": [], "practice": 0.0})
    assert "None of the 0 earlier interactions" in none
    levelled = [one | {"level": 0.25} for one in explained["contributions"][:1]]
    level = words.paragraph({**explained, "level": 0.25, "contributions": levelled})
    assert "above what is usual: level **+0.25**, most of it +0.25 from interaction 1." in level


@pytest.mark.browser
def test_find_a_student_and_have_a_prediction_explained(
    page: Page, dashboard: Callable[..., Any], tmp_path: Path, trained: Callable[..., str]
) -> None:
    store = tmp_path / "runs.duckdb"
    run_id = trained(store)
    served = dashboard(store=store)
    page.goto(f"{served.url}/Student?run={run_id}")
    heading = page.get_by_role("heading", name="Student s")
    expect(heading).to_be_visible(timeout=SLOW)
    before = heading.inner_text()
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    assert box
    page.mouse.click(box["x"] + 16, box["y"] + 36 + 35 * 2.5)  # the check box of the third row
    expect(heading).not_to_have_text(before, timeout=SLOW)
    find = page.get_by_role("textbox", name="Find a student")
    find.fill("s001")
    find.press("Enter")
    expect(page.get_by_role("heading", name="Student s001")).to_be_visible(timeout=SLOW)
    step = page.get_by_role("spinbutton", name="Interaction")
    step.fill("3")
    step.press("Enter")
    expect(page.get_by_text("At interaction 3, student s001 gave")).to_be_visible(timeout=SLOW)
    page.wait_for_function(
        """[...document.querySelectorAll(".gainakt-plot")].some((plot) => plot.data?.some((t) => t.type === "heatmap"
           && t.z) && plot.querySelector(".hm image")) && document.querySelectorAll(".gainakt-plot .points").length"""
    )
    assert f"run={run_id}&student=s001&step=3" in page.url
    expect(page.get_by_test_id("stException")).to_have_count(0)
