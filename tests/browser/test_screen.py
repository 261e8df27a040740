"""The Train page in a real browser at 1366 x 768: all in sight, charts hold still, pause, resume, branch, failure."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from gainakt.store import RunFolder, open_for_reading
from gainakt.ui.text import number
from tests.browser.test_steering import begin, training, variance

pytestmark = pytest.mark.browser
SLOW = 60_000
GAINS = ".gainakt-plot[aria-label^='Gain std']"
CHARTS = (GAINS, ".gainakt-plot[aria-label^='Practised gains']", ".gainakt-plot[aria-label^='AUC']")
LOSSES = ".gainakt-plot[aria-label^='Losses']"
HIDDEN = "(plot) => plot._fullData.map((trace) => trace.visible)"
SEEN = """(plot) => ({x: [...plot._fullLayout.xaxis.range], points: plot._fullData[0].x.length,
  hidden: plot._fullData.map((trace) => trace.visible)})"""
POINTS = f'(count) => (document.querySelector("{GAINS}")?._fullData?.[0]?.x?.length ?? 0) >= count'


def seen(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.eval_on_selector(GAINS, SEEN)
    return found


def in_sight(place: Locator) -> bool:
    box = place.bounding_box()
    return bool(box and box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= 1366
                and box["y"] + box["height"] <= 768)  # fmt: skip


def small_run(page: Page, url: str, epochs: int = 400) -> str:
    """Start a small training on the page; its id."""
    page.goto(f"{url}/Train?new=1")
    page.get_by_role("spinbutton", name="Max epochs").fill(str(epochs))
    page.get_by_role("spinbutton", name="Max epochs").press("Enter")
    page.get_by_text("All settings").click()
    page.get_by_role("tab", name="Model", exact=True).click()
    page.get_by_role("spinbutton", name="Width", exact=True).fill("8")
    page.get_by_role("spinbutton", name="Width", exact=True).press("Enter")
    expect(page.get_by_text(re.compile("Width: 64 → 8"))).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"run=\d{8}-\d{6}-[0-9a-f]{4}"), timeout=SLOW)
    return page.url.split("run=")[1].split("&")[0]


def test_all_is_in_sight_and_a_run_pauses_resumes_and_branches(page: Page, dashboard: Callable[..., Any]) -> None:
    served = dashboard()
    first = small_run(page, served.url)
    page.wait_for_function(POINTS, arg=4, timeout=SLOW)
    page.wait_for_function(f'document.querySelector("{CHARTS[2]}")?._fullData?.length > 0', timeout=SLOW)
    wanted = [page.locator(chart) for chart in CHARTS]
    wanted += [page.get_by_role("slider", name=name) for name in ("Variance weight", "Encoder priority", "Dropout")]
    wanted += [page.get_by_role("button", name=name) for name in ("Stop", "Pause", "Branch")]
    wanted += [page.get_by_test_id("stProgress"), page.get_by_text(re.compile("about .+ left"))]
    assert [place for place in wanted if not in_sight(place.first)] == []
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0

    page.get_by_role("button", name="Pause", exact=True).click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Paused after step")).to_be_visible()
    points = seen(page)["points"]
    resume.click()
    expect(page.get_by_text("Steer this run")).to_be_visible(timeout=SLOW)
    page.wait_for_function(POINTS, arg=points + 2, timeout=SLOW)

    page.get_by_role("button", name="Branch").first.click()
    page.get_by_role("button", name="Start the branch").click(timeout=SLOW)
    page.wait_for_url(lambda url: "run=" in url and first not in url, timeout=SLOW)
    expect(page.get_by_text("Queued behind")).to_be_visible(timeout=SLOW)
    second = page.url.split("run=")[1].split("&")[0]
    with open_for_reading(served.store) as store:
        assert store.run(second).lineage["parent"] == first


def a_drag_is_one_change(page: Page, run: RunFolder, store: Path) -> None:
    """Drag the variance slider with a pause on the way: changes at resting places, no jump back, one mark."""
    thumb = variance(page)
    thumb.scroll_into_view_if_needed()
    box = thumb.locator("xpath=..").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for part in range(1, 21):
        page.mouse.move(x + 4 * part, y)
        page.wait_for_timeout(400 if part == 10 else 30)
    page.mouse.up()
    rest = thumb.get_attribute("aria-valuetext")
    assert rest not in (None, "0")
    stood = set()
    for _ in range(15):  # three seconds and more, in which ticks come and what was sent comes back
        stood.add(thumb.get_attribute("aria-valuetext"))
        page.wait_for_timeout(200)
    assert stood == {rest}, "the thumb jumped"
    expect(page.get_by_text(f"Variance weight 0 → {rest}, from step")).to_be_visible()
    rows, _ = run.requests(0)
    assert number(rows[-1]["value"]) == rest and len(rows) <= 3, rows
    with open_for_reading(store) as reading:
        assert reading.runs()["changes"].tolist() == [1]


def test_zoom_legend_and_a_paused_view_stand_while_it_ticks(page: Page, dashboard: Callable[..., Any]) -> None:
    served = dashboard()
    run = begin(served.store, "ticking")
    with training(run):
        page.goto(f"{served.url}/Train?run={run.run_id}")
        page.wait_for_function(POINTS, arg=20, timeout=SLOW)
        box = page.locator(f"{GAINS} .nsewdrag").first.bounding_box()
        assert box
        page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
        page.mouse.up()
        zoomed = seen(page)
        page.locator(f"{LOSSES} .legendtoggle").nth(1).click()
        page.wait_for_function(f'document.querySelector("{LOSSES}")._fullData[1].visible === "legendonly"')
        page.wait_for_function(POINTS, arg=zoomed["points"] + 50, timeout=SLOW)  # five ticks of ten steps
        assert seen(page)["x"] == zoomed["x"]
        assert page.eval_on_selector(LOSSES, HIDDEN) == [True, "legendonly"]
        a_drag_is_one_change(page, run, served.store)

        page.get_by_text("Pause the view").click()
        expect(page.get_by_text("View paused").first).to_be_visible()
        page.wait_for_timeout(500)
        still = seen(page)["points"]
        page.wait_for_timeout(2500)
        assert seen(page)["points"] == still
        page.get_by_text("Pause the view").click()
        page.wait_for_function(POINTS, arg=still + 10, timeout=SLOW)
        assert seen(page)["x"] == zoomed["x"]

        url = page.url
        page.close()
        page = page.context.new_page()
        page.goto(url)
        page.wait_for_function(POINTS, arg=still + 10, timeout=SLOW)
        expect(page.get_by_role("slider", name="Variance weight")).to_be_visible()

    run.append({"kind": "failed", "step": 90, "error": "Encoder 2's loss is not finite", "traceback": "Traceback"})
    expect(page.get_by_text("Failed at step 90: Encoder 2's loss is not finite")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Steer this run")).to_have_count(0)
    run.close()
