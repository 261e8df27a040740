"""Make the README's pictures from a dashboard with a store of its own: python -m tests.browser.screenshots [FOLDER].

It trains on the simulated class for a minute or two; look at both pictures before you keep them.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1366, 900
MOST_BYTES = 300_000
FLAGS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
TRAIN = [sys.executable, "-m", "gainakt", "train", "--set", "training.max_epochs=6"]


@contextmanager
def dashboard(store: Path, script: str | Path = "app.py"):  # type: ignore[no-untyped-def]
    """A dashboard on this store; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.headless=true"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "GAINAKT_STORE": str(store), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def train_live(page: Page, url: str, picture: Path) -> None:
    """A running corrected run whose variance weight was moved, with the change marked."""
    page.goto(f"{url}/Train?new=1")
    page.get_by_role("textbox", name="Name").fill("corrected, steered")
    page.get_by_role("spinbutton", name="Max epochs").fill("15")
    page.get_by_role("button", name="Start training").click()
    after_step(page, 60)
    drag_variance(page)
    after_step(page, 140)
    no_hover(page)
    page.wait_for_timeout(1500)
    page.screenshot(path=picture)
    page.get_by_role("button", name="Stop").click()
    page.get_by_test_id("stMetricValue").filter(has_text="stopped").wait_for(timeout=120_000)


def drag_variance(page: Page) -> None:
    """Drag the variance slider's thumb to about two thirds of its way, near 50, in one movement."""
    thumb = page.get_by_role("slider", name="Variance weight")
    thumb.scroll_into_view_if_needed()
    track = page.get_by_test_id("stSlider").filter(has_text="Variance weight").bounding_box()
    handle = thumb.locator("xpath=..").bounding_box()
    assert track and handle
    y = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(track["x"] + 0.65 * track["width"], y, steps=8)
    page.mouse.up()


def no_hover(page: Page) -> None:
    """Take focus and pointer off whatever has them."""
    page.locator("h1").click()
    page.mouse.move(2, 400)


def after_step(page: Page, step: int) -> None:
    """Return when the run's progress has passed this step."""
    for _ in range(600):
        found = re.search(r"step ([\d,]+) of", page.locator("[data-testid=stMain]").inner_text())
        if found and int(found[1].replace(",", "")) >= step:
            return
        page.wait_for_timeout(500)
    raise TimeoutError(f"the run did not reach step {step}")


def compare(page: Page, url: str, runs: list[str], picture: Path) -> None:
    """Two finished runs side by side."""
    page.goto(f"{url}/Compare?runs={','.join(runs)}")
    page.get_by_text("What was set").wait_for(timeout=120_000)
    page.wait_for_function("document.querySelectorAll('.gainakt-plot .legendtext').length >= 4")
    no_hover(page)
    page.wait_for_timeout(2000)
    page.screenshot(path=picture)


def main(folder: Path) -> None:
    """Train two runs, start the dashboard, take the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium on the PATH (apt-get install chromium)")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "runs.duckdb"
        runs = []
        for preset, size in (("corrected", "64"), ("v3-phase1", "128")):
            command = [*TRAIN, "--preset", preset, "--set", f"model.width={size}", "--store", str(store)]
            done = subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
            runs.append(re.findall(rb"run (\d{8}-\d{6}-[0-9a-f]{4})", done.stderr)[0].decode())
        with dashboard(store) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            compare(page, url, runs, folder / "compare.png")
            train_live(page, url, folder / "train-live.png")
            browser.close()
    for picture in ("compare.png", "train-live.png"):
        size_bytes = (folder / picture).stat().st_size
        print(f"{folder / picture}: {size_bytes:,} bytes{'' if size_bytes < MOST_BYTES else ', TOO LARGE'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
