"""The main path in a real browser: start, watch, steer, stop, find again, compare; and a training in a terminal."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from gainakt.store import open_for_reading

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.browser

SLOW = 60_000
"""Milliseconds for what trains or evaluates: a shared machine may be many times slower than an idle one."""
GAINS = ".gainakt-plot[aria-label^='Gain std']"
DRAWN = f'(count) => (document.querySelector("{GAINS}")?._fullData?.[0]?.x?.length ?? 0) >= count'
MARKED = """() => [...document.querySelectorAll(".gainakt-plot")].filter((plot) =>
  (plot._fullData ?? []).some((trace) => trace.uid === "marks")
  && plot.layout.annotations.some((note) => note.text === "Variance weight 0 → 5,000")).length >= 2"""
ZOOM = "(plot) => [...plot._fullLayout.xaxis.range, ...plot._fullLayout.yaxis.range]"
POINTS = "(plot) => plot._fullData[0].x.length"


def tile(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue").first


def grid(page: Page, place: int = 0) -> Locator:
    """A table's cells, as the grid tells them to screen readers."""
    return page.get_by_test_id("stDataFrame").nth(place).locator("canvas table")


def run_id_of(page: Page) -> str:
    page.wait_for_url(re.compile(r"run=\d{8}-\d{6}-[0-9a-f]{4}"))
    return page.url.split("run=")[1].split("&")[0]


def zoom_in(page: Page) -> list[float]:
    plot = page.locator(f"{GAINS} .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    page.mouse.up()
    zoomed: list[float] = page.eval_on_selector(GAINS, ZOOM)
    return zoomed


def start_and_steer(page: Page, url: str, store: Path) -> str:
    """Home's start, a zoom that lasts, a moved slider; the run's id."""
    page.goto(url)
    page.locator(".st-key-start-corrected button").click()
    run_id = run_id_of(page)
    expect(page.get_by_text("Steer this run")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 15, step \d+ of \d+, about .+ left"))).to_be_visible(timeout=SLOW)
    page.wait_for_function(DRAWN, arg=2, timeout=SLOW)
    zoomed = zoom_in(page)
    count = page.eval_on_selector(GAINS, POINTS)
    page.wait_for_function(DRAWN, arg=count + 2, timeout=SLOW)
    assert page.eval_on_selector(GAINS, ZOOM) == zoomed

    thumb = page.get_by_role("slider", name="Variance weight")
    thumb.focus()
    thumb.press("End")
    page.wait_for_function(MARKED, timeout=SLOW)
    with open_for_reading(store) as reading:
        events = reading.events(run_id)
    changed = events[events["kind"] == "changed"]
    assert changed[["field", "old", "new"]].to_numpy().tolist() == [["weights.variance", "0.0", "5000.0"]]
    assert page.eval_on_selector(GAINS, ZOOM) == zoomed
    return run_id


def test_start_steer_stop_find_compare(page: Page, browser: Browser, dashboard: Callable[..., Any]) -> None:
    served = dashboard()
    first = start_and_steer(page, served.url, served.store)
    page.get_by_role("button", name="Stop").click()
    expect(tile(page, "Status")).to_have_text("stopped", timeout=SLOW)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)

    page.goto(f"{served.url}/Runs")
    expect(grid(page)).to_contain_text("corrected on demo")
    expect(grid(page)).to_contain_text("stopped")

    fresh = browser.new_context(viewport={"width": 1366, "height": 768})
    try:
        other = fresh.new_page()
        other.goto(f"{served.url}/Run?run={first}")
        expect(tile(other, "Status")).to_have_text("stopped")
        other.wait_for_function(DRAWN, arg=2)
        other.wait_for_function(MARKED)
    finally:
        fresh.close()

    page.goto(f"{served.url}/Train?new=1")
    preset = page.get_by_role("combobox", name="Preset")
    preset.fill("gain-dropout")
    preset.press("Enter")
    expect(page.get_by_text("Expected by the original study")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill("second")
    epochs = page.get_by_role("spinbutton", name="Max epochs")
    epochs.fill("1")
    epochs.press("Enter")
    expect(page.get_by_text("Differs from the preset: Max epochs: 15 → 1")).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    second = run_id_of(page)
    expect(tile(page, "Status")).to_have_text("finished", timeout=SLOW)

    page.goto(f"{served.url}/Compare?runs={first},{second}&show=settings")
    for name in ("corrected on demo", "second"):
        expect(page.get_by_test_id("stMultiSelect")).to_contain_text(name)
        expect(grid(page)).to_contain_text(name)
    expect(grid(page)).to_contain_text("Max epochs")
    page.get_by_role("radio", name="Curves").click()
    page.wait_for_function("document.querySelectorAll('.gainakt-plot .legendtext').length >= 8", timeout=SLOW)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_training_in_a_terminal(page: Page, dashboard: Callable[..., Any]) -> None:
    served = dashboard()
    page.goto(f"{served.url}/Runs")
    expect(page.get_by_text("No runs yet")).to_be_visible(timeout=SLOW)
    environment = {**os.environ, "GAINAKT_STORE": str(served.store)}
    command = [sys.executable, "-m", "gainakt"]
    train = [*command, "train", "--set", "training.max_epochs=200", "--name", "in a terminal"]
    with subprocess.Popen(train, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            run_id = process.stderr.readline().split()[-1]
            expect(page.get_by_text("in a terminal · ")).to_be_visible(timeout=SLOW)
            moving = page.get_by_text(re.compile(r"in a terminal · Epoch \d+ of 200, step [1-9]\d* of "))
            expect(moving).to_be_visible(timeout=SLOW)
            before = moving.inner_text()
            listed = subprocess.run(
                [*command, "runs", "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
            )
            runs = json.loads(listed.stdout.splitlines()[-1])["runs"]
            assert [(run["run_id"], run["status"]) for run in runs] == [(run_id, "running")]
            expect(moving).not_to_have_text(before, timeout=SLOW)
        finally:
            process.kill()
    expect(grid(page)).to_contain_text("interrupted", timeout=SLOW)
    expect(page.get_by_text("in a terminal · ")).to_have_count(0)
