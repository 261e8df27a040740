"""Make the pictures of docs/tutorial.md: python -m tests.browser.tutorial_pictures [--only run].

All but the Train page's, which tests.browser.record makes. Does what the tutorial tells its reader to do, in a store of
its own, and photographs each page at 1366 x 768. It takes some minutes; look at every picture before you keep it.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from gainakt.store import open_for_reading
from tests.browser.screenshots import FLAGS, MOST_BYTES, ROOT, dashboard

COMMAND = [sys.executable, "-m", "gainakt"]
SIZE = {"width": 1366, "height": 768}
FIRST = ["train", "--name", "first", "--preset", "without-level", "--set", "training.max_epochs=5"]
SPREAD = ["train", "--name", "variance 2000", "--preset", "variance-x1000", "--set", "training.max_epochs=5"]
STEPS = {"data": "/Data", "runs": "/Runs", "run": "/Run?run={first}", "compare": "/Compare?runs={first},{spread}",
         "diagnosis": "/Diagnosis?run={first}", "study": "/Study"}  # fmt: skip


def trained(words: list[str], store: Path) -> str:
    """Train to the end; the run's id."""
    done = subprocess.run(
        [*COMMAND, *words, "--store", str(store)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return re.findall(r"run (\d{8}-\d{6}-[0-9a-f]{4})", done.stderr + done.stdout)[0]


def prepared(store: Path) -> dict[str, str]:
    """The runs of the tutorial by name, trained and judged unless the store has them."""
    if store.exists():
        with open_for_reading(store) as reader:
            known = {row.name: row.run_id for row in reader.runs().itertuples()}
        return {"first": known["first"], "spread": known["variance 2000"]}
    ids = {"first": trained(FIRST, store), "spread": trained(SPREAD, store)}
    verdict = [*COMMAND, "verdict", ids["first"], "--with", "curve-model", "--store", str(store)]
    subprocess.run(verdict, cwd=ROOT, check=True, capture_output=True)
    return ids


def settled(page: Page, wait: int = 2500) -> None:
    """Return when the page has stopped running and nothing hovers."""
    page.locator("h1").first.wait_for(timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=120_000)
    page.wait_for_function("!document.body.innerText.includes('Loading the chart')", timeout=120_000)
    page.mouse.move(2, 400)
    page.wait_for_timeout(wait)


def main() -> None:
    """Train, judge, start the dashboard, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--store", type=Path, help="keep the runs in this store, for the next time")
    parser.add_argument("--only", default="", help="one picture: a page's name in lower case")
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium on the PATH (apt-get install chromium)")
    with tempfile.TemporaryDirectory() as place:
        store = options.store or Path(place) / "runs.duckdb"
        ids = prepared(store)
        with dashboard(store) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            page.set_default_timeout(60_000)
            for name, address in STEPS.items():
                if options.only in ("", name):
                    page.goto(url + address.format(**ids))
                    if name == "data":
                        settled(page, 500)
                        page.get_by_text("Simulated students").first.click()
                        page.wait_for_timeout(3000)
                    settled(page, 4000)
                    page.screenshot(path=options.folder / f"tutorial-{name}.png")
            browser.close()
    for picture in sorted(options.folder.glob("tutorial-*.png")):
        size = picture.stat().st_size
        print(f"{picture}: {size:,} bytes{'' if size < MOST_BYTES else ', TOO LARGE'}")


if __name__ == "__main__":
    main()
