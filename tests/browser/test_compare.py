"""Five runs of two presets compared in a real browser; the copied link shows another browser the same view."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.compared_runs import five

pytestmark = pytest.mark.browser
SLOW = 60_000


def view(page: Page) -> dict[str, Any]:
    """What can be seen of the comparison: baseline, switch, section, and the drawn table as its accessible text."""
    expect(page.locator("[data-testid=stDataFrame]").first).to_be_visible(timeout=SLOW)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=SLOW)
    return {
        "runs": page.get_by_test_id("stMultiSelect").first.inner_text(),
        "baseline": page.get_by_role("combobox", name="Baseline").input_value(),
        "only": page.get_by_role("switch").is_checked(),
        "table": page.locator("[data-testid=stDataFrame] table").first.inner_text(),
    }


def test_a_copied_link_shows_another_browser_the_same_view(
    page: Page, browser: Browser, dashboard: Callable[..., Any], tmp_path: Any
) -> None:
    store = tmp_path / "gainakt.duckdb"
    runs = five(store)
    served = dashboard(store=store)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{served.url}/Compare?runs={','.join(runs)}")
    expect(page.get_by_text("What was set")).to_be_visible(timeout=SLOW)
    page.get_by_role("radio", name="Settings").click()
    expect(page.get_by_text("Only what differs")).to_be_visible()
    few = view(page)
    assert few["only"] and "Width" in few["table"] and "Sequence window" not in few["table"]
    page.get_by_role("combobox", name="Baseline").click()
    page.get_by_role("option", name="v3").first.click()
    page.wait_for_url(lambda url: f"baseline={runs[3]}" in url or f"baseline={runs[4]}" in url)
    page.get_by_text("Only what differs").click()
    page.wait_for_url(lambda url: "only=no" in url)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    here = view(page)
    assert not here["only"] and here["baseline"].startswith("v3")
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    other = context.new_page()
    other.goto(link)
    assert view(other) == here
    expect(other.get_by_test_id("stException")).to_have_count(0)
    context.close()


def test_a_click_on_a_point_opens_its_run(page: Page, dashboard: Callable[..., Any], tmp_path: Any) -> None:
    store = tmp_path / "gainakt.duckdb"
    runs = five(store)
    served = dashboard(store=store)
    page.goto(f"{served.url}/Compare?runs={','.join(runs)}&show=explore&view=scatter")
    point = page.locator(".gainakt-plot .scatterlayer .points path").first
    box = point.bounding_box(timeout=SLOW)
    assert box
    page.wait_for_timeout(1000)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(lambda url: "/Run?run=" in url, timeout=SLOW)
    assert page.url.split("run=")[1] in runs
