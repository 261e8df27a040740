"""Train every preset from the Train page for one epoch: python -m tests.browser.every_preset DATA [STORE [PRESET ...]].

A table of what came of it: status, seconds, both test AUCs, as the store has them.
"""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from playwright.sync_api import Page, sync_playwright

from gainakt.config.presets import PRESETS
from gainakt.store import Run, open_for_reading
from tests.browser.screenshots import FLAGS, HEIGHT, WIDTH, dashboard

MEASURES = ("encoder1_auc", "encoder2_auc", "gain_std", "response_gain_ratio")


def started(page: Page, url: str, preset: str, data: str) -> str:
    """Start a run of this preset as a user does, and close the page; its id."""
    page.goto(f"{url}/Train?new=1&preset={preset}")
    page.get_by_text("File on this machine", exact=True).click()
    for label, value in (("Path", data), ("Max epochs", "1")):
        page.get_by_label(label, exact=True).fill(value)
        page.get_by_label(label, exact=True).press("Enter")
    page.get_by_text(re.compile(r"Differs from the preset:.*Max epochs")).wait_for()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"run=\d{8}-\d{6}-[0-9a-f]{4}"))
    run_id = page.url.split("run=")[1].split("&")[0]
    page.goto("about:blank")
    return run_id


def ended(place: Path, run_id: str) -> tuple[Run, "pd.Series[float]"]:
    """The run once it has ended, and its measures of the test students."""
    while True:
        time.sleep(2)
        with open_for_reading(place) as store:
            run, metrics = store.run(run_id), store.metrics([run_id])
        if not run.active:
            return run, metrics[metrics["split"] == "test"].set_index("name")["value"]


def main(data: str, place: Path, wanted: list[str]) -> None:
    """Every wanted preset, one after the other, on one dashboard."""
    print("|", " | ".join(["preset", "status", "seconds", *MEASURES]), "|\n|", "--- | " * (3 + len(MEASURES)))
    with dashboard(place) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for preset in wanted:
            run, test = ended(place, started(page, url, preset, data))
            page.goto(f"{url}/Run?run={run.run_id}")
            page.get_by_test_id("stMetricValue").filter(has_text=run.status).first.wait_for()
            if page.get_by_test_id("stException").count():
                raise SystemExit(f"{preset}: the page of run {run.run_id} shows an error")
            told = [f"{test.get(name, float('nan')):.4f}" for name in MEASURES]
            print("|", " | ".join([preset, run.status, f"{run.seconds or 0:.0f}", *told]), "|", flush=True)
        browser.close()


if __name__ == "__main__":
    path, *more = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        store = Path(more[0]) if more else Path(place) / "runs.duckdb"
        main(str(Path(path).resolve()), store, more[1:] or list(PRESETS))
