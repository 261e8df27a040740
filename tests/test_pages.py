"""Every page, drawn by Streamlit's AppTest over stores that the tests write: no training, no browser."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gainakt.config.presets import preset
from gainakt.jobs.service import Service
from gainakt.store import RunFolder, runs_root
from gainakt.ui.text import number
from tests.pages import ABOUT_RUNS, PAGES, ROOT, draw, queue, text_of, write_run

HOSTILE = "<script>alert(1)</script> [click](http://x.invalid) $x$ :material/home: " + "long " * 30


@pytest.fixture(autouse=True)
def store(page_store: Path) -> Path:
    """Every test here has pages with a store of their own."""
    return page_store


NOTHING_YET = {  # what each page says, or the control that it offers, before there is any run
    "app.py": "No runs yet. Start one above",
    "pages/1_Train.py": "Name",
    "pages/2_Runs.py": "No runs yet",
    "pages/3_Run.py": "No runs yet",
    "pages/4_Compare.py": "Comparing needs two runs",
    "pages/5_Data.py": "Any file of responses",
    "pages/5_Skills.py": "choose the data above",
    "pages/6_Diagnosis.py": "No runs yet",
    "pages/8_Student.py": "No runs yet",
    "pages/7_Study.py": "None of its runs has finished",
    "pages/9_Benchmark.py": "No yardstick has finished yet",
    "pages/9_Sweep.py": "Not started yet",
}


def test_every_page_is_in_the_navigation_and_in_these_tests() -> None:
    assert sorted(PAGES) == sorted(["app.py", *(f"pages/{file.name}" for file in ROOT.glob("pages/*.py"))])
    assert set(NOTHING_YET) == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_store(page: str) -> None:
    app = draw(page)
    assert "GAINAKT WORKBENCH" in text_of(app).upper()
    labels = [widget.label for widget in (*app.text_input, *app.selectbox, *app.button)]
    assert any(NOTHING_YET[page] in text for text in (text_of(app), *labels))
    if page == "pages/1_Train.py":
        start = next(button for button in app.button if button.label == "Start training")
        assert not start.disabled


@pytest.mark.parametrize("end", ["running", "finished", "stopped", "failed", "interrupted"])
@pytest.mark.parametrize("page", ABOUT_RUNS)
def test_a_run_in_every_state(page: str, end: str, store: Path) -> None:
    run_id = write_run(store, "first", end)
    write_run(store, "second", "finished", **{"weights.variance": 7.0})
    app = draw(page, **({"runs": "", "run": run_id}))
    if page in ("pages/1_Train.py", "pages/3_Run.py"):
        tiles = {tile.label: tile.value for tile in app.metric}
        if page == "pages/1_Train.py" and end == "running":  # its place is taken by the steering controls
            assert "running · steered, 1 change" in text_of(app) and "Epoch 2 of 4" in "".join(_progress(app))
            return
        assert tiles["Status"] == end
        assert tiles["Epoch"] == "2 of 4"
        assert tiles["Encoder 2 AUC, validation"] == "0.650"
        assert tiles["Gain std, training"] == "0.200"
    plain = text_of(app).replace("\\", "")
    assert ("Failed at step 20: Encoder 2's loss is not finite" in plain) == (
        end == "failed" and page in ("pages/1_Train.py", "pages/3_Run.py")
    )


def test_a_slider_that_a_browser_builds_anew_stands_where_its_setting_does(store: Path) -> None:
    """It begins at its default and sends that: at any other one, a slow browser would steer the run by itself."""
    app = draw("pages/1_Train.py", run=write_run(store, "first", "running"))
    desk = [one for one in (*app.slider, *app.select_slider) if str(one.key).startswith("steer/")]
    default = {one.label: one.proto.options[int(at)] if one.proto.options else at
               for one in desk for at in one.proto.default}  # fmt: skip
    assert default == {one.label: number(one.value) if one.proto.options else one.value for one in desk}
    assert len(desk) > 6 and default["Variance weight"] != "0"


@pytest.mark.parametrize("page", ["pages/1_Train.py", "pages/3_Run.py"])
def test_a_queued_run_says_what_it_waits_for(page: str, store: Path) -> None:
    write_run(store, "the *first* one")
    with queue(store, "next") as waiting:
        app = draw(page, run=waiting.run_id)
    assert r"behind the \*first\* one (epoch 2 of 4)" in "\n".join(_progress(app))


def test_a_queued_run_with_nothing_before_it(store: Path) -> None:
    with queue(store, "alone") as waiting:
        app = draw("pages/3_Run.py", run=waiting.run_id)
    assert "Starting the training process" in "\n".join(_progress(app))


def _progress(app: AppTest) -> list[str]:
    return [str(bar.proto.text) for bar in app.get("progress")]


def test_home_says_what_is_in_the_store(store: Path) -> None:
    write_run(store, "one", "finished")
    write_run(store, "two", "interrupted")
    said = text_of(draw("app.py"))
    assert "2 runs: " in said and "1 finished" in said and "1 interrupted" in said


def test_home_starts_what_the_button_says(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    asked = []
    monkeypatch.setattr(
        Service, "submit", lambda self, config, **names: asked.append((config, names)) or write_run(store)
    )
    for key, name in (("start-corrected", "corrected"), ("start-v3-phase1", "v3-phase1")):
        draw("app.py").button(key=key).click().run()
        assert asked[-1][1]["preset"] == name
    assert asked[0][0] == preset("corrected")
    assert asked[1][0].model.width == 128


def test_a_setting_that_is_not_allowed_is_said_and_cannot_start() -> None:
    app = draw("pages/1_Train.py")
    app.number_input(key="new.corrected.model.heads").set_value(7).run()
    assert "does not divide" in app.error[0].value
    start = next(button for button in app.button if button.label == "Start training")
    assert start.disabled


def test_the_form_starts_what_it_shows(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    asked = []
    monkeypatch.setattr(
        Service, "submit", lambda self, config, **names: asked.append((config, names)) or write_run(store)
    )
    app = draw("pages/1_Train.py")
    app.select_slider(key="new.corrected.weights.variance").set_value(50.0).run()
    app.text_input(key="run-name").set_value("my run").run()
    assert any("Variance weight: 0.0 → **50.0**" in caption.value.replace("\\", "") for caption in app.caption)
    next(button for button in app.button if button.label == "Start training").click().run()
    config, names = asked[0]
    assert (config.weights.variance, names["name"]) == (50.0, "my run")
    assert "play_circle: running" in text_of(app)


def test_a_moved_slider_asks_the_run_and_stop_stops_it(store: Path) -> None:
    run_id = write_run(store)
    app = draw("pages/1_Train.py", run=run_id)
    slider = next(slider for slider in app.select_slider if "weights.variance" in slider.key)
    assert slider.value == 50.0, "the slider stands where the run's last change left it"
    slider.set_value(200.0).run()
    app.run()
    next(button for button in app.button if button.label == "Stop").click().run()
    asked, _ = RunFolder(runs_root(store), run_id).requests(0)
    assert [(row["kind"], row.get("field"), row.get("value")) for row in asked] == [
        ("set", "weights.variance", 200.0), ("stop", None, None),
    ]  # fmt: skip


def test_an_ended_run_has_nothing_to_steer(store: Path) -> None:
    app = draw("pages/1_Train.py", run=write_run(store, end="stopped"))
    assert not app.select_slider
    assert not any(button.label == "Stop" for button in app.button)


NAMED = {"app.py", "pages/1_Train.py"}
"""Pages that show a run's name in text; the others only in lists, tables and charts."""


@pytest.mark.parametrize("end", ["running", "finished", "failed"])
@pytest.mark.parametrize("page", ABOUT_RUNS)
def test_a_hostile_name_is_shown_as_text(page: str, end: str, store: Path) -> None:
    run_id = write_run(store, HOSTILE[:200], end)
    write_run(store, HOSTILE[:200], end)
    app = draw(page, run=run_id)
    texts = [str(element.value) for element in (*app.markdown, *app.caption, *app.title, *app.error, *app.info)]
    texts += [*_progress(app), *(str(link.proto.label) for link in app.get("page_link"))]
    named = [text for text in texts if "script" in text]
    assert named or page not in NAMED
    for text in named:
        assert "<" not in re.sub(r"\\<", "", text) and ":material/home:" not in text.replace("\\", "")
        assert not re.search(r"(?<!\\)\[click|(?<!\\)\$x", text)
    assert not any(getattr(element, "allow_html", False) for element in app.markdown)


@pytest.mark.parametrize("page", [page for page in ABOUT_RUNS if page not in ("app.py", "pages/2_Runs.py")])
@pytest.mark.parametrize("unknown", ["20200101-000000-0000", "../../etc/passwd", "' OR 1=1 --"])
def test_a_link_to_an_unknown_run_offers_the_others_and_shows_none(page: str, unknown: str, store: Path) -> None:
    runs = [write_run(store, end=end) for end in ("finished", "running")]
    app = draw(page, **{"runs" if "Compare" in page else "run": unknown})
    assert ["there is no run" in warning.value for warning in app.warning] == [True]
    assert not app.metric and not app.tabs and not app.get("bidi_component")
    if "Compare" in page:
        assert app.multiselect[0].value == []
        app.multiselect[0].set_value(runs).run()
        assert "runs" in app.query_params and not app.exception
        return
    assert app.selectbox[0].value is None and len(app.selectbox[0].options) >= 2
    if "Student" not in page:  # these runs have no saved models
        app.selectbox[0].set_value(runs[0]).run()
        assert not app.exception and app.query_params["run"] in (runs[0], [runs[0]])
        assert not app.warning


def test_a_store_held_by_another_process_is_said_with_its_pid(store: Path) -> None:
    script = "import sys\nfrom gainakt.store import Store\nheld = Store.open(sys.argv[1])\nprint('held', flush=True)\n"
    script += "sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(store)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            for page in PAGES:
                app = draw(page)
                assert len(app.error) == 1
                assert f"held by process {holder.pid}" in app.error[0].value
                assert "Traceback" not in text_of(app)
        finally:
            holder.stdin.close()


def test_pages_do_not_import_torch(store: Path) -> None:
    write_run(store, end="finished")
    write_run(store, end="finished")
    script = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        "for page in sys.argv[1:]:\n"
        "    app = AppTest.from_file('app.py', default_timeout=30)\n"
        "    app = (app if page == 'app.py' else app.switch_page(page)).run()\n"
        "    assert not app.exception, app.exception\n"
        "    assert 'torch' not in sys.modules, page\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *PAGES],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_an_idea_shows_what_was_expected_and_can_be_put_on_the_origins_formulas(
    monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    asked = []
    monkeypatch.setattr(
        Service, "submit", lambda self, config, **names: asked.append((config, names)) or write_run(store)
    )
    app = draw("pages/1_Train.py")
    app.selectbox(key="preset").set_value("triplet").run()
    assert "Expected by the original study: no figure of its own" in text_of(app)
    app.toggle(key="preset-on-origin").set_value(True).run()
    next(button for button in app.button if button.label == "Start training").click().run()
    assert asked[0][0] == preset("v3-phase1+triplet") and asked[0][1]["preset"] == "v3-phase1+triplet"


def test_what_differs_is_marked_and_priority_says_what_it_acts_on() -> None:
    app = draw("pages/1_Train.py", preset="without-level")
    assert "the encoders share no parameters, and Adam" in text_of(app) and ":orange[" not in text_of(app)
    app.selectbox(key="new.without-level.model.sharing").set_value("embeddings").run()
    said = text_of(app)
    assert "Decides whose gradient shapes the shared embeddings" in said
    assert ":orange[preset: apart]" in said and said.count(":orange[") == 1
