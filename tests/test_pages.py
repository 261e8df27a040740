"""Every page, drawn by Streamlit's AppTest over stores that the tests write: no training, no browser."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gainakt.config import changed
from gainakt.config.presets import preset
from gainakt.jobs.service import Service
from gainakt.store import RunFolder, runs_root
from gainakt.ui import tables

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("app.py", "pages/1_Train.py", "pages/2_Runs.py", "pages/3_Run.py", "pages/4_Compare.py")
HOSTILE = "<script>alert(1)</script> [click](http://x.invalid) $x$ :material/home: " + "long " * 30
QUANTILES = [round(0.1 + i / 200, 3) for i in range(101)]
GONE = {"pid": 2**22 + 1, "pid_started": 1.0, "host": os.uname().nodename}  # no process has this PID


@pytest.fixture(autouse=True)
def store(page_store: Path) -> Path:
    """Every test here has pages with a store of their own."""
    return page_store


def draw(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    if page != "app.py":
        app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    """All that the page says in its elements of text."""
    said = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.info, *app.warning, *app.error]
    return "\n".join(str(element.value) for element in said)


def write_run(store: Path, name: str = "a run", end: str = "running", **changes: Any) -> str:
    """A run of three skills with everything that a page shows, ended as asked; its id."""
    config = changed(preset("corrected"), changes)
    folder = RunFolder.create(runs_root(store), name=name, preset="corrected", config=config.model_dump())
    data = {"name": "demo", "fingerprint": "f", "students": 30, "split": {"train": {"students": 20}}, "warnings": []}
    folder.append({"kind": "started", "device": "cpu", "versions": {"gainakt": "0"}, "data": data,
                   "skills": ["adding", "<b>bold</b>", "last"], "steps_per_epoch": 10, "max_epochs": 4,
                   "parameters": 99})  # fmt: skip
    parameters = {name: {"mean": 1.0, "std": 0.1, "quantiles": QUANTILES}
                  for name in ("beta", "threshold", "gamma", "saturation")}  # fmt: skip
    metrics = {"encoder1_auc": 0.7, "encoder2_auc": 0.65, "gain_std": 0.12}
    for epoch in (1, 2):
        for step in range(10 * epoch - 9, 10 * epoch + 1):
            folder.append({"kind": "step", "step": step, "epoch": epoch, "values": {
                "loss.total": 1 / step, "loss.bce": 0.6, "loss.im": 0.7, "gain_std": 0.01 * step,
                "interactions_per_second": 1000.0}})  # fmt: skip
        for split in ("train", "validation"):
            folder.append({"kind": "gains", "step": 10 * epoch, "epoch": epoch, "split": split,
                           "counts": [5] * 50, "skills": {"0": [2] * 20, "1": [3] * 20}})  # fmt: skip
        values = {
            f"{split}.{name}": value for split in ("validation", "train_running") for name, value in metrics.items()
        }
        folder.append({"kind": "evaluated", "step": 10 * epoch, "epoch": epoch, "values": values,
                       "parameters": parameters})  # fmt: skip
    folder.append({"kind": "checkpointed", "step": 20, "epoch": 2, "encoder": "encoder2", "auc": 0.65, "file": "e2",
                   "sha256": "0"})  # fmt: skip
    folder.append({"kind": "changed", "step": 12, "epoch": 2, "field": "weights.variance", "old": 0.0, "new": 50.0,
                   "who": "tests"})  # fmt: skip
    if end in ("finished", "stopped"):
        skill = {"interactions": 9, "effective_rate": 0.3, "mean_gain": 0.1, "m_sat": 0.8, "beta": 4.0,
                 "threshold": 0.2, "offset": None}  # fmt: skip
        folder.append({"kind": "finished", "status": end, "reason": "all epochs done", "step": 20, "epochs": 2,
                       "best_epoch": {"encoder1": 2, "encoder2": 2}, "seconds": 3.0,
                       "train_interactions_per_second": 1000.0, "results": {"test": metrics, "validation": metrics},
                       "skills": [{"skill": "adding", **skill}]})  # fmt: skip
    elif end == "failed":
        folder.append(
            {"kind": "failed", "step": 20, "error": "Encoder 2's loss is not finite", "traceback": "Traceback"}
        )
    elif end == "interrupted":
        folder.append({"kind": "claimed", **GONE})
    folder.close()
    return folder.run_id


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_store(page: str) -> None:
    said = text_of(draw(page))
    assert "GainAKT workbench" in said
    assert page == "pages/1_Train.py" or "No runs yet" in said or "Two saved runs are needed" in said


@pytest.mark.parametrize("end", ["running", "finished", "stopped", "failed", "interrupted"])
@pytest.mark.parametrize("page", PAGES)
def test_a_run_in_every_state(page: str, end: str, store: Path) -> None:
    run_id = write_run(store, "first", end)
    write_run(store, "second", "finished", **{"weights.variance": 7.0})
    app = draw(page, **({"runs": "", "run": run_id}))
    if page in ("pages/1_Train.py", "pages/3_Run.py"):
        tiles = {tile.label: tile.value for tile in app.metric}
        assert tiles["Status"] == end
        assert tiles["Epoch"] == "2 of 4"
        assert tiles["Encoder 2 AUC"] == "0.650"
        assert tiles["Gain std"] == "0.200"
    said = text_of(app)
    assert ("Failed at step 20: Encoder 2's loss is not finite" in said.replace("\\", "")) == (
        end == "failed" and page in ("pages/1_Train.py", "pages/3_Run.py")
    )


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
    assert {tile.label: tile.value for tile in app.metric}["Status"] == "running"


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


@pytest.mark.parametrize("end", ["running", "finished", "failed"])
@pytest.mark.parametrize("page", PAGES)
def test_a_hostile_name_is_shown_as_text(page: str, end: str, store: Path) -> None:
    run_id = write_run(store, HOSTILE[:200], end)
    write_run(store, HOSTILE[:200], end)
    app = draw(page, run=run_id)
    for element in (*app.markdown, *app.caption, *app.subheader, *app.error, *app.info):
        if "script" in element.value:
            assert r"\<script\>" in element.value and r"\[click\]\(http" in element.value
            assert ":material/home:" not in element.value.replace("\\", "") and r"\$x\$" in element.value
        assert not getattr(element, "allow_html", False)


@pytest.mark.parametrize("page", ["pages/1_Train.py", "pages/3_Run.py", "pages/4_Compare.py"])
@pytest.mark.parametrize("unknown", ["20200101-000000-0000", "../../etc/passwd", "' OR 1=1 --"])
def test_a_link_to_an_unknown_run(page: str, unknown: str, store: Path) -> None:
    write_run(store, end="finished")
    write_run(store, end="finished")
    app = draw(page, **{"runs" if "Compare" in page else "run": unknown})
    if "Compare" not in page:
        assert "there is no run" in app.warning[0].value


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


def test_the_run_page_shows_the_saved_numbers(store: Path) -> None:
    app = draw("pages/3_Run.py", run=write_run(store, end="finished"))
    tables = {tuple(frame.value.columns): frame.value for frame in app.dataframe}
    numbers = tables[("Measure", "Validation", "Test", "What it is")]
    assert numbers["Test"].tolist() == [0.7, 0.65, 0.12]
    events = tables[("Time", "Step", "Epoch", "What", "Detail", "By")]
    assert "Variance weight: 0 → 50" in events["Detail"].tolist()
    settings = tables[("Setting", "Value", "Name in --set")].set_index("Name in --set")["Value"]
    assert settings["training.max_epochs"] == "15"


def test_compare_shows_only_what_differs(store: Path) -> None:
    runs = [
        write_run(store, name, "finished", **{"weights.variance": value}) for name, value in (("a", 1.0), ("b", 2.0))
    ]
    app = draw("pages/4_Compare.py", runs=",".join(runs))
    differs, numbers = (frame.value for frame in app.dataframe)
    assert differs["Setting"].tolist() == ["Variance weight"]
    assert differs.iloc[0, 1:].tolist() == ["1.0", "2.0"]
    assert [column.split()[0] for column in numbers.columns] == ["Measure", "a", "b"]
    assert app.multiselect[0].value == runs


def test_runs_are_searched(store: Path) -> None:
    write_run(store, "needle", "finished")
    write_run(store, "hay", "finished")
    app = draw("pages/2_Runs.py")
    assert len(app.dataframe[0].value) == 2
    app.text_input(key="search").set_value("needle").run()
    assert app.dataframe[0].value["name"].tolist() == ["needle"]
    app.text_input(key="search").set_value("nothing such").run()
    assert "No run matches" in app.info[0].value


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
    assert "Expected by the original analysis: no figure of its own" in text_of(app)
    app.toggle(key="preset-on-origin").set_value(True).run()
    next(button for button in app.button if button.label == "Start training").click().run()
    assert asked[0][0] == preset("v3-phase1+triplet") and asked[0][1]["preset"] == "v3-phase1+triplet"


def test_what_differs_is_marked_and_priority_says_what_it_acts_on() -> None:
    app = draw("pages/1_Train.py")
    assert "the encoders share no parameters, and Adam" in text_of(app) and ":orange[" not in text_of(app)
    app.selectbox(key="new.corrected.model.sharing").set_value("embeddings").run()
    said = text_of(app)
    assert (
        "Decides whose gradient shapes the shared embeddings" in said
        and ":orange[preset: apart]" in said
        and said.count(":orange[") == 1
    )


def test_published_records_are_listed_apart_and_compared_like_any_run(store: Path) -> None:
    from gainakt import reference

    reference.place(runs_root(store))
    run_id = write_run(store, "mine", "finished")
    assert "1 run: 1 finished" in text_of(draw("app.py"))
    app = draw("pages/2_Runs.py")
    assert [len(table.value) for table in app.dataframe] == [1, 3]
    app = draw("pages/4_Compare.py", runs=f"{run_id},00000000-970206-0206")
    numbers = app.dataframe[1].value.set_index("Measure")
    assert numbers.loc["Gain std"].tolist() == [0.12, 0.00182]
    assert numbers.loc["Mastery correlation, original form"].isna().tolist() == [True, False]
    differs = app.dataframe[0].value.set_index("Setting")
    assert differs.loc["Variance weight"].tolist() == ["0.0", "2.0"] and differs.loc["Width"].tolist() == ["64", "–"]
    for page in ("pages/1_Train.py", "pages/3_Run.py"):
        draw(page, run="00000000-970206-0206")


def test_the_onset_of_uniformity_is_told_in_words() -> None:
    rows = [("run", "uniform_since", None), ("run", "spread_since", 2.0), ("run", "aggregate_uniform_since", 1.0)]
    told = tables.onsets(pd.DataFrame(rows, columns=["split", "name", "value"]))
    assert told == (
        "On validation students, from epoch 2 on gain std stayed at 0.10 or more; from epoch 1 on the std of the"
        " original's aggregate gain stayed below 0.01."
    )
    assert tables.onsets(pd.DataFrame(rows[:1], columns=["split", "name", "value"])) == ""
