"""Steering in a real browser while other runs start and end: the control under the hand stays where it is."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from gainakt.config import fields
from gainakt.config.presets import preset
from gainakt.store import RunFolder, runs_root
from gainakt.ui.forms.fields import log_stops
from gainakt.ui.text import number

pytestmark = pytest.mark.browser
CONFIG = preset("without-level").model_dump()
STEPS = 2000
PRESSES = 20
VARIANCE = "weights.variance"


def begin(store: Path, name: str) -> RunFolder:
    """A run's folder that this process owns, with its first rows."""
    run = RunFolder.create(runs_root(store), name=name, preset="corrected", config=CONFIG)
    data = {"name": "demo", "fingerprint": "f", "students": 30, "split": {"train": {"students": 20}}, "warnings": []}
    run.append({"kind": "started", "device": "cpu", "versions": {"gainakt": "0"}, "data": data, "skills": ["adding"],
                "steps_per_epoch": STEPS, "max_epochs": 1, "parameters": 99})  # fmt: skip
    return run


def end(run: RunFolder) -> None:
    run.append({"kind": "finished", "status": "finished", "reason": "all epochs done", "step": STEPS, "epochs": 1,
                "best_epoch": {}, "seconds": 1.0, "train_interactions_per_second": 1.0, "results": {},
                "skills": []})  # fmt: skip
    run.close()


@contextlib.contextmanager
def training(run: RunFolder) -> Iterator[None]:
    """A run that takes ten steps a second and does what is requested of it, as a training does."""
    over = threading.Event()

    def train() -> None:
        offset, value, step = 0, 0.0, 0
        while not over.wait(0.1):
            step += 1
            rows, offset = run.requests(offset)
            for row in rows:
                if row["value"] != value:
                    run.append({"kind": "changed", "step": step, "epoch": 1, "field": row["field"], "old": value,
                                "new": row["value"], "who": row["who"]})  # fmt: skip
                value = row["value"]
            run.append(
                {
                    "kind": "step",
                    "step": step,
                    "epoch": 1,
                    "values": {"loss.total": 1.0, "loss.bce": 0.6, "gain_std": 0.1},
                }
            )

    thread = threading.Thread(target=train)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def variance(page: Page) -> Locator:
    return page.get_by_role("slider", name="Variance weight")


def exact(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name="Variance weight, exact value")


def stops() -> list[str]:
    return [number(stop) for stop in log_stops(fields()[VARIANCE])]


def test_presses_move_a_stop_each_while_other_runs_come_and_go(
    page: Page, dashboard: Callable[..., Any], tmp_path: Path
) -> None:
    served = dashboard()
    run = begin(served.store, "steered")
    with training(run):
        page.goto(f"{served.url}/Train?run={run.run_id}")
        thumb = variance(page)
        expect(thumb).to_be_visible(timeout=60_000)
        expect(page.get_by_text("of 2,000")).to_be_visible()
        thumb.focus()
        page.evaluate("document.activeElement.dataset.mark = 'kept'")
        at = thumb.bounding_box()
        others: list[RunFolder] = []
        for press in range(PRESSES):
            if press in (3, 9):
                others.append(begin(served.store, f"other {press}"))
            if press in (12, 16):
                end(others.pop())
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(250)
        assert thumb.get_attribute("aria-valuetext") == stops()[PRESSES]
        assert page.evaluate("document.activeElement.dataset.mark") == "kept"
        after = thumb.bounding_box()
        assert at and after and at["y"] == after["y"], "what comes and goes must not move the control"
        expect(page.get_by_text(f"→ {stops()[PRESSES]}, from step")).to_be_visible()
        expect(exact(page)).to_have_value(stops()[PRESSES])
    assert number(run.requests(0)[0][-1]["value"]) == stops()[PRESSES]
    end(run)


def test_two_tabs_end_at_the_runs_value(page: Page, dashboard: Callable[..., Any]) -> None:
    served = dashboard()
    run = begin(served.store, "steered")
    other = page.context.new_page()
    with training(run):
        for tab in (page, other):
            tab.goto(f"{served.url}/Train?run={run.run_id}")
            expect(variance(tab)).to_be_visible(timeout=60_000)
        for tab, key in ((page, "End"), (other, "Home"), (page, "End"), (other, "End"), (other, "ArrowLeft")):
            variance(tab).focus()
            tab.keyboard.press(key)
            tab.wait_for_timeout(400)  # a loaded machine may take in what two tabs ask for in another order
        for tab in (page, other):
            expect(variance(tab)).to_have_attribute("aria-valuetext", stops()[-2], timeout=60_000)
            expect(exact(tab)).to_have_value(stops()[-2].replace(",", ""), timeout=60_000)
        exact(page).fill("174.5")
        exact(page).press("Enter")
        for tab in (page, other):
            expect(exact(tab)).to_have_value("174.5", timeout=60_000)
            expect(variance(tab)).to_have_attribute("aria-valuetext", "180", timeout=60_000)
    end(run)
