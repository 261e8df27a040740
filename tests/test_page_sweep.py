"""The Sweep page: a ready sweep, a plan that cannot be, start and stop, and what has come of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gainakt.jobs.sweep.folder import SweepFolder
from gainakt.jobs.sweep.space import read
from gainakt.ui.sweep import figures, view
from tests.pages import draw, queue, text_of

PLAN = "weights.variance = [0.1, 10]\nmodel.gain_head = ['additive', 'linear']"


@pytest.fixture(autouse=True)
def store(page_store: Path) -> Path:
    """Every test here has pages with a store of their own."""
    return page_store


def button(app: AppTest, *labels: str) -> Any:
    return next(one for one in app.button if one.label in labels)


def test_the_recommended_experiment_is_one_click_away(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[str] = []
    monkeypatch.setattr(view, "launch", lambda folder, processes: launched.append(folder.name))
    app = draw("pages/9_Sweep.py")
    assert "**30 trials**" in text_of(app) and button(app, "Stop").disabled
    monkeypatch.setattr(view, "_starting", lambda folder: False)
    button(app, "Start").click().run()
    assert not app.exception and launched == ["variance"]
    assert SweepFolder(store, "variance").space().total == 30


def test_a_plan_that_cannot_be_is_said_and_cannot_start() -> None:
    app = draw("pages/9_Sweep.py")
    app.text_area[0].set_value("weights.varience = [1, 2]").run()
    assert not app.exception and "did you mean" in app.error[0].value and button(app, "Start").disabled


def test_a_link_to_a_name_that_could_leave_the_folder_shows_why(store: Path) -> None:
    app = draw("pages/9_Sweep.py", sweep="../../etc")
    assert "cannot name a sweep" in app.error[0].value and not app.text_area


def test_a_live_sweep_can_be_stopped_and_not_started_twice(store: Path) -> None:
    folder = SweepFolder(store, "mine")
    folder.save(PLAN)
    with folder.owned("local", 2):
        app = draw("pages/9_Sweep.py", sweep="mine")
        assert button(app, "Go on").disabled and app.text_area[0].disabled
        button(app, "Stop").click().run()
        assert not app.exception and folder.asked_to_stop() and button(app, "Stopping …").disabled


def test_trials_show_with_and_without_results(store: Path) -> None:
    SweepFolder(store, "mine").save(PLAN)
    app = draw("pages/9_Sweep.py", sweep="mine")
    (trials,) = app.dataframe
    assert (
        trials.value["status"].tolist() == ["planned"] * 4
        and "0 of 4 trials have ended" in app.get("progress")[0].proto.text
    )
    queue(store)  # an ordinary run is none of its trials
    assert (draw("pages/9_Sweep.py", sweep="mine").dataframe[0].value["status"] == "planned").all()


def test_figures_draw_lists_ranges_and_words() -> None:
    space = read(
        "search = 'random'\ntrials = 3\nweights.variance = { low = 0.1, high = 1000, log = true }\n"
        "model.gain_head = ['additive', 'linear']\ntraining.max_epochs = [1, 2]"
    )
    rows = pd.DataFrame(
        {
            "weights.variance": [0.2, 5.0, 800.0], "model.gain_head": ["linear", "additive", "linear"],
            "training.max_epochs": [1, 2, 2], "seed": 0, "run_id": ["a", "b", "c"],
            "gain_std": [0.1, np.nan, 0.3], "differentiated": ["differentiated", "untested", "noise"],
        }
    )  # fmt: skip
    effects = figures.effects(rows, space, "gain_std", "model.gain_head")
    assert {trace["name"] for trace in effects["data"]} == {"Gain head additive", "Gain head linear"}
    assert effects["layout"]["xaxis"]["type"] == "log" and effects["layout"]["xaxis2"]["type"] == "linear"
    symbols = [symbol for trace in effects["data"] for symbol in trace.get("marker", {}).get("symbol", [])]
    assert set(symbols) == {"circle", "circle-open"}
    (lines,) = figures.parallel(rows, space, "gain_std")["data"]
    variance, heads, epochs, measure = lines["dimensions"]
    assert variance["values"].tolist() == pytest.approx([np.log10(0.2), np.log10(800)])
    assert heads["ticktext"] == ["additive", "linear"] and heads["values"].tolist() == [1, 1]
    assert epochs["tickvals"] == [1, 2] and measure["values"].tolist() == pytest.approx([0.1, 0.3])
    nothing = figures.effects(rows[:0], space, "gain_std", "preset")
    assert nothing["layout"]["annotations"][0]["text"] == "No trial has ended yet"
