"""On ASSIST2015: the variance weight moved from 0 to 50 in mid-run, seen on the page beside a run left alone."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gainakt.store import open_for_reading

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
EPOCHS, STEER_AT = 3, 200
GAINS = ".gainakt-plot[aria-label^='Gain std']"
LAST_STEP = f"""(run) => (document.querySelector("{GAINS}")?._fullData ?? [])
  .find((trace) => trace.uid.startsWith(run) && trace.uid.endsWith("gain_std"))?.x.at(-1) ?? 0"""
APART = f"""(run) => {{
  const traces = document.querySelector("{GAINS}")._fullData.filter((trace) => trace.uid.endsWith("gain_std"));
  const here = traces.find((trace) => trace.uid.startsWith(run)), there = traces.find((trace) => trace !== here);
  const alone = new Map([...there.x].map((step, place) => [step, there.y[place]]));
  return [...here.x].some((step, place) => Math.abs(here.y[place] - alone.get(step)) > 0.005);
}}"""


@pytest.mark.timeout(900)
def test_gain_std_answers_the_variance_weight(page: Page, dashboard, real_data: Path, tmp_path: Path, capsys) -> None:
    store = tmp_path / "gainakt.duckdb"
    alone = subprocess.run(
        [sys.executable, "-m", "gainakt", "train", "--data", str(real_data), "--name", "left alone",
         "--set", f"training.max_epochs={EPOCHS}", "--store", str(store)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    alone_id = re.search(r"run (\S+)", alone.stderr)[1]
    page.goto(f"{dashboard(store).url}/Train?new=1")
    page.get_by_text("File on this machine", exact=True).click()
    page.get_by_label("Path", exact=True).fill(str(real_data))
    page.get_by_label("Path", exact=True).press("Enter")
    page.get_by_label("Max epochs", exact=True).fill(str(EPOCHS))
    page.get_by_label("Max epochs", exact=True).press("Enter")
    expect(page.get_by_text(re.compile("Differs from the preset"))).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"run=\d{8}-\d{6}-[0-9a-f]{4}"))
    run_id = page.url.split("run=")[1].split("&")[0]
    overlay = page.get_by_role("combobox", name="Overlay another run")
    overlay.fill("left alone")
    overlay.press("Enter")
    page.wait_for_function(f"(run) => ({LAST_STEP})(run) >= {STEER_AT}", arg=run_id, timeout=600_000)
    thumb = page.get_by_role("slider", name="Variance weight")
    thumb.focus()
    stops = 0
    while thumb.get_attribute("aria-valuetext") != "50" and stops < 60:
        thumb.press("ArrowRight")
        stops += 1
    released = time.time()
    page.wait_for_function(APART, arg=run_id, polling=100, timeout=60_000)
    seen = time.time() - released
    with open_for_reading(store) as reading:
        changes = reading.events(run_id).query("kind == 'changed'")
    last = int(changes["step"].iloc[-1])
    page.wait_for_function(f"(run) => ({LAST_STEP})(run) >= {last + 60}", arg=run_id, timeout=120_000)
    page.screenshot(path=tmp_path / "steered.png", full_page=True)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("stopped", exact=True).first).to_be_visible(timeout=120_000)
    with open_for_reading(store) as reading:
        series = reading.series([run_id, alone_id], ["gain_std"]).pivot(index="step", columns="run_id", values="value")
    gap = (series[run_id] - series[alone_id]).abs()
    at = gap[gap.index >= last + 50].index[0]
    with capsys.disabled():
        print(
            f"\n0 -> 50 took effect from step {last} ({len(changes)} changes recorded); apart on the page {seen:.1f} s"
            f" after; at step {at} gain std {series[run_id][at]:.3f}, left alone {series[alone_id][at]:.3f}"
        )
    assert (gap[gap.index < int(changes["step"].iloc[0])] == 0).all(), "until the change the runs are the same"
    assert gap[at] > 0.05
    assert seen < 3
