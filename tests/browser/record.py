"""Record docs/images/steering.gif and retake train-live.png: python -m tests.browser.record [FOLDER].

A run on the simulated class; the variance weight slides up while gain std answers. Look at both before you keep them.
"""

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.screenshots import FLAGS, ROOT, dashboard

SIZE = {"width": 1366, "height": 768}
SHOWN = (800, 450)
MOST_BYTES = 3_000_000
FRAMES, SLIDE_AT, PRESSES = 46, 8, 26
GAINS = ".gainakt-plot[aria-label^='Gain std']"
POINTS = f'(count) => (document.querySelector("{GAINS}")?._fullData?.[0]?.x?.length ?? 0) >= count'


def frames(page: Page) -> list[Image.Image]:
    """Pictures of the page, half a second apart, while the variance weight slides up."""
    thumb = page.get_by_role("slider", name="Variance weight")
    thumb.focus()
    taken = []
    for frame in range(FRAMES):
        if SLIDE_AT <= frame < SLIDE_AT + PRESSES // 2:
            thumb.press("ArrowRight")
            thumb.press("ArrowRight")
        picture = Image.open(io.BytesIO(page.screenshot()))
        taken.append(picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS))
        page.wait_for_timeout(400)
    return taken


def main(folder: Path) -> None:
    """Start a run on the page, record it, take the picture."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium on the PATH (apt-get install chromium)")
    with (
        tempfile.TemporaryDirectory() as place,
        dashboard(Path(place) / "runs.duckdb") as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(60_000)
        page.goto(url)
        page.locator(".st-key-start-corrected button").click()
        page.get_by_text("Steer this run").wait_for()
        page.wait_for_function(POINTS, arg=8, timeout=120_000)
        taken = frames(page)
        page.mouse.move(2, 500)
        page.wait_for_timeout(1500)
        page.screenshot(path=folder / "train-live.png")
        browser.close()
    palette = [picture.quantize(64, dither=Image.Dither.NONE) for picture in taken]
    target = folder / "steering.gif"
    palette[0].save(target, save_all=True, append_images=palette[1:], duration=220, loop=0, optimize=True)
    print(f"{target}: {target.stat().st_size:,} bytes{'' if target.stat().st_size < MOST_BYTES else ', TOO LARGE'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
