"""Steering on the Train page: every tab ends at the run's value, whatever was requested, refused or still waits."""

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gainakt.config import changed, fields
from gainakt.config.presets import preset
from gainakt.jobs import service
from gainakt.store import RunFolder, runs_root
from gainakt.ui.train import controls, pace
from gainakt.ui.train.controls import IN_SIGHT, desk_stops, layout, nearest
from gainakt.ui.train.values import live_values

ROOT = Path(__file__).resolve().parents[1]
VARIANCE = "weights.variance"


@pytest.fixture
def run(page_store: Path) -> RunFolder:
    """A run of this process, queued."""
    return RunFolder.create(runs_root(page_store), name="a run", preset="corrected",
                            config=preset("without-level").model_dump())  # fmt: skip


def start(run: RunFolder) -> None:
    data = {"name": "demo", "fingerprint": "f", "students": 30, "split": {"train": {"students": 20}}, "warnings": []}
    run.append({"kind": "started", "device": "cpu", "versions": {"gainakt": "0"}, "data": data, "skills": ["adding"],
                "steps_per_epoch": 10, "max_epochs": 4, "parameters": 99})  # fmt: skip


def tab(run: RunFolder) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).switch_page("pages/1_Train.py")
    app.query_params["run"] = run.run_id
    app.run()
    assert not app.exception
    return app


def slider(app: AppTest) -> Any:
    return next(slider for slider in app.select_slider if slider.label == "Variance weight")


def number(app: AppTest) -> Any:
    return next(box for box in app.number_input if box.label == "Variance weight, exact value")


def note(app: AppTest) -> str:
    """What the page says of the last request or change."""
    known = ("Requested: ", "Last change: ", "A change acts")
    return next(text.value for text in app.caption if text.value.startswith(known)).replace("\\", "")


def apply(run: RunFolder, old: float, new: float, step: int) -> None:
    run.append({"kind": "changed", "step": step, "epoch": 1, "field": VARIANCE, "old": old, "new": new, "who": "x"})


def test_two_tabs_on_one_slider_end_at_the_runs_value(run: RunFolder) -> None:
    start(run)
    first, second = tab(run), tab(run)
    slider(first).set_value(20.0).run()
    slider(second).set_value(50.0).run()
    apply(run, 0.0, 20.0, 3)
    apply(run, 20.0, 50.0, 3)  # before the first tab looked again
    for app in (first, second):
        app.run()
        app.run()
        assert slider(app).value == 50.0, "the run is at 50"
    assert note(first) == "Last change: Variance weight 0 → 50, from step 3."


def test_a_value_that_was_overtaken_between_two_looks_is_given_up(run: RunFolder) -> None:
    start(run)
    first, second = tab(run), tab(run)
    slider(second).set_value(20.0).run()
    apply(run, 0.0, 20.0, 2)
    slider(first).set_value(20.0).run()  # the run is there already: no event will say so
    slider(second).set_value(50.0).run()
    apply(run, 20.0, 50.0, 4)
    assert [slider(app.run()).value for app in (first, second, first)] == [50.0] * 3


def test_a_refused_request_gives_way_to_the_runs_value(run: RunFolder) -> None:
    start(run)
    app = tab(run)
    slider(app).set_value(20.0).run()
    assert note(app) == "Requested: Variance weight 20. Acts from the next step."
    run.append(
        {"kind": "refused", "step": 3, "field": VARIANCE, "value": 20.0, "reason": "not now", "who": "dashboard"}
    )
    app.run()
    app.run()
    assert (slider(app).value, number(app).value) == (0.0, 0.0)


def test_a_queued_run_shows_what_waits(run: RunFolder) -> None:
    first, second = tab(run), tab(run)
    slider(first).set_value(50.0).run()
    assert note(first) == "Requested: Variance weight 50. Acts from its first step; it is still queued."
    assert slider(second.run()).value == 50.0
    assert run.requests(0)[0][0]["value"] == 50.0
    start(run)
    apply(run, 0.0, 50.0, 1)
    assert slider(first.run()).value == 50.0
    assert note(first.run()) == "Last change: Variance weight 0 → 50, from step 1."


def test_a_number_between_the_stops_is_kept_exact(run: RunFolder) -> None:
    start(run)
    app = tab(run)
    stops = slider(app).options
    number(app).set_value(174.0).run()
    assert run.requests(0)[0][0]["value"] == 174.0
    assert (number(app).value, slider(app).value) == (174.0, 180.0)
    assert slider(app).options == stops, "stops that follow the value would build the slider anew"
    number(app).set_value(180.0).run()
    assert run.requests(0)[0][-1]["value"] == 180.0, "the slider stood there, the run did not"
    slider(app).set_value(200.0).run()
    assert number(app).value == 200.0


@pytest.mark.parametrize("value", [0.0, 0.0004, 0.003, 0.0037, 2.0])
def test_a_slider_shows_where_its_run_began_and_0_for_0_alone(value: float) -> None:
    stops = desk_stops(fields()[VARIANCE], value) or []
    assert nearest(stops, value) == value
    assert bool(nearest(desk_stops(fields()[VARIANCE], 0.0) or [], value)) == bool(value)


def test_what_a_browser_sends_before_it_hears_of_a_move_is_no_request(run: RunFolder) -> None:
    start(run)
    app = tab(run)
    service.steer(run.folder.parent, run.run_id, VARIANCE, 50.0, "another tab")
    assert slider(app.run()).value == 50.0
    slider(app).set_value(0.0).run()
    assert [row["value"] for row in run.requests(0)[0]] == [50.0]
    assert slider(app.run()).value == 50.0
    slider(app).set_value(7.0).run()
    assert [row["value"] for row in run.requests(0)[0]] == [50.0, 7.0]


def test_an_old_value_stays_an_echo_until_a_tick_of_the_browser_has_the_new_one(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(run)
    app = tab(run)
    key = slider(app).key
    monkeypatch.setattr(controls, "_ECHO", 0.0)
    service.steer(run.folder.parent, run.run_id, VARIANCE, 50.0, "another tab")
    slider(app.run()).set_value(0.0).run()
    assert [row["value"] for row in run.requests(0)[0]] == [50.0], "however late it comes"
    stands = app.session_state[f"steer.stands.{run.run_id}"]
    with monkeypatch.context() as browser:
        for sent in (0.0, 50.0):  # right after the page was drawn, then at the next tick
            assert (key, 0.0) in stands.left
            browser.setattr(st, "session_state", {f"steer.stands.{run.run_id}": stands, key: sent})
            controls.heard(run.run_id)
    slider(app).set_value(0.0).run()
    assert [row["value"] for row in run.requests(0)[0]] == [50.0, 0.0], "a person moved it back"


def test_a_value_that_is_not_allowed_is_said_and_not_sent(run: RunFolder) -> None:
    start(run)
    app = tab(run)
    target = next(box for box in app.number_input if box.label == "Target std, exact value")
    target.set_value(0.0).run()
    assert "greater than 0" in app.error[0].value
    assert run.requests(0)[0] == []
    assert next(box for box in app.number_input if box.label == target.label).value == 0.2


def test_other_runs_are_linked_behind_one_button(run: RunFolder, page_store: Path) -> None:
    app = tab(run)
    before = [element.type for element in app.main.children.values()]
    RunFolder.create(
        runs_root(page_store), name="another", preset="corrected", config=preset("without-level").model_dump()
    )
    app.run()
    assert [link.proto.label for link in app.get("page_link") if link.proto.label.endswith("queued")] == [
        "another, queued"
    ]
    assert [element.type for element in app.main.children.values()] == before


def test_what_is_offered_follows_from_the_start_alone() -> None:
    first, rest = layout(preset("without-level"))
    assert len(first) <= IN_SIGHT and VARIANCE in first
    assert sorted([*first, *rest]) == sorted(name for name, spec in fields().items() if spec.live)


SET = {"kind": "set", "field": VARIANCE, "who": "x"}


@pytest.mark.parametrize(
    ("requests", "refusals", "waiting"),
    [
        ([], [], {}),
        ([SET | {"value": 20.0}, SET | {"value": 50}], [], {VARIANCE: 50.0}),
        ([SET | {"value": 20.0}, SET | {"value": 7.0}], [], {}),  # 7 is in effect
        ([SET | {"value": 20.0}], [SET | {"value": 20.0}], {}),
        ([SET | {"value": -1.0}, {"kind": "stop", "who": "x"}, {"kind": "damaged", "line": "{"}], [], {}),
        ([SET, {"kind": "set", "value": 1.0}, SET | {"field": ["a"], "value": 1.0}], [], {}),
        ([SET | {"field": "model.width", "value": 32}, SET | {"field": "no.such", "value": 1}], [], {}),
        ([SET | {"value": float("nan")}, SET | {"field": "weights.triplet", "value": 1}], [], {"weights.triplet": 1.0}),
    ],
)
def test_what_waits(requests: list[dict[str, Any]], refusals: list[dict[str, Any]], waiting: dict[str, float]) -> None:
    now = changed(preset("without-level"), {VARIANCE: 7.0})
    values = live_values(now, requests, refusals)
    assert values.waiting == waiting
    assert values.shown()[VARIANCE] == waiting.get(VARIANCE, 7.0)


def test_tabs_look_less_often_the_more_they_are_and_do_not_waver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_seen", {})
    assert [pace.settled(1.0, tabs) for tabs in (1, 4, 5, 30, 1000)] == [1.0, 1.0, 2.0, 8.0, pace.LONGEST]
    assert [pace.settled(8.0, tabs) for tabs in (32, 16, 15, 1)] == [8.0, 8.0, 4.0, 1.0]
    assert [pace.watching(tab, at) for tab, at in (("a", 1e9), ("b", 1e9 + 1), ("a", 1e9 + 2), ("c", 2e9))] == [
        1, 2, 2, 1,
    ]  # fmt: skip
