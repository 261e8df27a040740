"""The Study page: what it asks for, what it says to numbers that cannot be, and what its job waits for."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gainakt.jobs.background import Job, Jobs
from tests.pages import draw, text_of, write_run


@pytest.fixture(autouse=True)
def store(page_store: Path) -> Path:
    """Every test here has pages with a store of their own."""
    return page_store


def box(app: AppTest, label: str) -> Any:
    return next(one for one in app.text_input if one.label == label)


def start(app: AppTest) -> Any:
    return next(one for one in app.button if one.label == "Start the study")


def test_the_usual_study_can_start_and_says_how_many_runs_it_is() -> None:
    app = draw("pages/7_Study.py")
    assert not app.error and not start(app).disabled
    assert "60 runs, none of them finished" in text_of(app)


@pytest.mark.parametrize("label", ["Students", "True CV of the rates"])
@pytest.mark.parametrize("text", ["inf", "nan", "-inf", "1e999", "many", "500; 1000"])
def test_what_is_no_number_is_said_and_cannot_start(label: str, text: str) -> None:
    app = draw("pages/7_Study.py")
    box(app, label).set_value(text).run()
    assert not app.exception
    assert label in app.error[0].value
    assert start(app).disabled


@pytest.mark.parametrize("text", ["500.7", "1000, 1500.5", "9", "-500", "1e12", ""])
def test_students_are_whole_numbers_that_can_be_simulated(text: str) -> None:
    app = draw("pages/7_Study.py")
    box(app, "Students").set_value(text).run()
    assert not app.exception
    assert app.error and start(app).disabled


@pytest.mark.parametrize("text", ["-0.2", "1e9", ""])
def test_a_spread_of_rates_that_cannot_be_simulated_is_said(text: str) -> None:
    app = draw("pages/7_Study.py")
    box(app, "True CV of the rates").set_value(text).run()
    assert not app.exception
    assert app.error and start(app).disabled


@pytest.mark.parametrize("label", ["Stopping rules", "Presets"])
def test_nothing_chosen_is_said(label: str) -> None:
    app = draw("pages/7_Study.py")
    next(one for one in app.multiselect if one.label == label).set_value([]).run()
    assert not app.exception
    assert label in app.error[0].value and start(app).disabled


def test_a_study_that_waits_says_for_what(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(store, "first")
    monkeypatch.setattr(Jobs, "of", lambda self, about: Job("study"))
    app = draw("pages/7_Study.py")
    bars = [str(bar.proto.text) for bar in app.get("progress")]
    assert "behind first (epoch 2 of 4)" in bars[0]
    assert start(app).disabled
