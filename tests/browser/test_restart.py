"""A server killed in mid-run in a real browser: the next one shows and resumes the run; links as first requests."""

import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_main_path import DRAWN, SLOW, tile
from tests.browser.test_screen import small_run

pytestmark = pytest.mark.browser
EPOCHS = 5
CHOSEN = """(end) => { const box = document.querySelector("[data-testid=stSelectbox]");
  return box && (box.innerText + box.querySelector("input")?.value).includes(end); }"""


@pytest.mark.timeout(400)  # four servers in turn; a shared machine may be many times slower than an idle one
def test_a_killed_server_and_links_as_the_first_request(page: Page, dashboard: Callable[..., Any]) -> None:
    served = dashboard()
    run_id = small_run(page, served.url, EPOCHS)
    expect(page.get_by_text(re.compile(rf"Epoch [2-5] of {EPOCHS}"))).to_be_visible(timeout=SLOW)
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.wait()

    served = dashboard(served.store)
    page.goto(f"{served.url}/Train?run={run_id}")
    expect(page.get_by_text("Interrupted: its process ended")).to_be_visible(timeout=SLOW)
    assert "corrected" in page.locator("h1").first.inner_text()
    page.wait_for_function(DRAWN, arg=3, timeout=SLOW)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Steer this run")).to_be_visible(timeout=SLOW)
    expect(tile(page, "Status")).to_have_text("finished", timeout=2 * SLOW)
    expect(tile(page, "Epoch")).to_have_text(f"{EPOCHS} of {EPOCHS}")

    for address, shown in (("Run", "Configuration"), ("Student", "Find a student")):
        served.stop()
        served = dashboard(served.store)
        page.goto(f"{served.url}/{address}?run={run_id}")
        expect(page.get_by_text(shown).first).to_be_visible(timeout=SLOW)
        page.wait_for_function(CHOSEN, arg=run_id[-4:], timeout=SLOW)
        assert page.url.split("run=")[1].startswith(run_id)
        expect(page.get_by_test_id("stException")).to_have_count(0)
