"""The Runs page in a real browser: ticks that last, from the table to Compare; tags; the trash."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages import write_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SLOW = 120_000
"""Milliseconds for the first page of a fresh server: a shared machine may be many times slower than an idle one."""


def cells(page: Page) -> Locator:
    """The table, as the grid tells it to screen readers."""
    return page.get_by_test_id("stDataFrame").first.locator("canvas table")


def tick(page: Page, row: int, shift: bool = False) -> None:
    """Click the box at the left of a row, counted from 0."""
    grid = page.get_by_test_id("stDataFrame").first
    expect(cells(page)).to_be_attached()
    box = grid.bounding_box()
    assert box
    if shift:
        page.keyboard.down("Shift")
    page.mouse.click(box["x"] + 18, box["y"] + 35 * (row + 1.5))
    if shift:
        page.keyboard.up("Shift")


def narrow(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Filter")
    box.fill(text)
    box.press("Enter")


def test_ticks_last_and_compare_opens_with_them(page: Page, tmp_path: Path, dashboard: Callable[..., Any]) -> None:
    store = tmp_path / "runs.duckdb"
    ids = [write_run(store, f"run {name}", "finished") for name in "abcd"]  # listed d, c, b, a
    served = dashboard(store=store)
    page.goto(f"{served.url}/Runs", timeout=SLOW)
    expect(cells(page)).to_contain_text("run a", timeout=SLOW)
    tick(page, 0)
    expect(page.get_by_text("1 run ticked")).to_be_visible()
    tick(page, 2, shift=True)
    expect(page.get_by_text("3 runs ticked")).to_be_visible()
    tick(page, 1)
    expect(page.get_by_text("2 runs ticked")).to_be_visible()
    two = rf"runs={ids[3]}(,|%2C){ids[1]}"
    page.wait_for_url(re.compile(two))

    page.wait_for_timeout(4500)  # two refreshes
    expect(page.get_by_text("2 runs ticked")).to_be_visible()
    page.reload()
    expect(page.get_by_text("2 runs ticked")).to_be_visible()
    narrow(page, "name ~ c")
    expect(cells(page)).not_to_contain_text("run a")
    expect(page.get_by_text("2 runs ticked")).to_be_visible()
    narrow(page, "")
    expect(cells(page)).to_contain_text("run a")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(re.compile(f"Compare.*{two}"))
    for name in ("run d", "run b"):
        expect(page.get_by_test_id("stMain")).to_contain_text(name)


def test_tag_filter_delete_restore(page: Page, tmp_path: Path, dashboard: Callable[..., Any]) -> None:
    store = tmp_path / "runs.duckdb"
    ids = [write_run(store, f"run {name}", "finished") for name in "ab"]
    served = dashboard(store=store)
    page.goto(f"{served.url}/Runs?runs={ids[1]}", timeout=SLOW)
    expect(cells(page)).to_contain_text("run b", timeout=SLOW)
    page.get_by_role("button", name="Tag").click()
    tags = page.get_by_role("combobox", name="Tags")
    tags.press_sequentially("paper")
    page.get_by_role("option", name=re.compile("paper")).click()
    tags.press("Tab")  # closes the list of tags, which lies over the buttons
    page.get_by_role("button", name="Add", exact=True).click()
    expect(cells(page)).to_contain_text("paper")
    page.keyboard.press("Escape")
    narrow(page, "tags = paper")
    expect(cells(page)).not_to_contain_text("run a")
    expect(cells(page)).to_contain_text("run b")

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("No run matches the filter")).to_be_visible()
    page.get_by_text("Trash", exact=True).click()
    expect(cells(page)).to_contain_text("run b")
    tick(page, 0)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The trash is empty")).to_be_visible()
    page.goto(f"{served.url}/Runs?where=tags+%3D+paper")
    expect(cells(page)).to_contain_text("run b")
    expect(page.get_by_test_id("stException")).to_have_count(0)
