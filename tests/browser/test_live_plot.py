"""The live plot in a real browser: what the user has set survives the ticks."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.browser

SCRIPT = """
import numpy as np, pandas as pd, streamlit as st
from gainakt.ui.plots.charts import Axes, lines
from gainakt.ui.plots.live import live_plot

st.set_page_config(layout="wide")
above = st.container()
if st.toggle("above"):
    above.write("something above the plot")

@st.fragment(run_every=0.5)
def tick():
    n = st.session_state["n"] = st.session_state.get("n", 200) + 5
    steps = np.arange(n)
    rows = [pd.DataFrame({"run_id": "r", "name": name, "step": steps, "epoch": 0, "time": 0.0,
                          "value": np.sin(steps / k)}) for k, name in enumerate(("total", "bce", "im"), 9)]
    live_plot("plot", lines(pd.concat(rows), {"total": "total", "bce": "BCE", "im": "IM"}, axes=Axes(title="Losses")))
    st.caption(f"points {n}")

tick()
st.markdown("<br>" * 60, unsafe_allow_html=True)
"""

PLOT = ".gainakt-plot"
STATE = """(plot) => ({
  x: [...plot._fullLayout.xaxis.range], hidden: plot._fullData.map((t) => t.visible),
  points: plot._fullData[0].x.length, mark: plot.dataset.mark,
  plots: document.querySelectorAll(".gainakt-plot").length, scroll: window.kept?.scrollTop,
  text: plot._fullLayout.font.color, blank: window.blank ?? 0,
})"""
WATCH = """(plot) => {
  plot.dataset.mark = "kept";
  window.kept = document.querySelector("[data-testid=stMain]");
  window.blank = 0;
  const look = () => {
    if (!plot.isConnected || !plot.querySelector(".trace path")) window.blank++;
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.fixture
def ticking(page: Page, dashboard: Callable[..., Any], tmp_path: Path) -> Callable[..., Page]:
    """A function that opens a page with one plot that ticks twice a second."""
    script = tmp_path / "ticks.py"
    script.write_text(SCRIPT, encoding="utf-8")

    def start() -> Page:
        page.goto(dashboard(script=script).url)
        page.wait_for_selector(f"{PLOT} .legend", timeout=60_000)
        return page

    return start


def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.eval_on_selector(PLOT, STATE)
    return found


def wait_for_ticks(page: Page, count: int) -> None:
    target = state(page)["points"] + 5 * count
    page.wait_for_function("n => document.querySelector('.gainakt-plot')._fullData[0].x.length >= n", arg=target)


def zoom_and_hide(page: Page) -> None:
    box = page.locator(f"{PLOT} .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=8)
    page.mouse.up()
    page.locator(f"{PLOT} .legendtoggle").nth(1).click()
    page.wait_for_function("document.querySelector('.gainakt-plot')._fullData[1].visible === 'legendonly'")


def test_zoom_legend_scroll_and_node_survive_ticks(ticking: Callable[..., Page]) -> None:
    page = ticking()
    before = state(page)
    zoom_and_hide(page)
    page.eval_on_selector(PLOT, WATCH)
    page.evaluate("window.kept.scrollTop = 90")
    zoomed = state(page)
    assert zoomed["x"] != before["x"]
    wait_for_ticks(page, 5)
    after = state(page)
    assert after["x"] == zoomed["x"]
    assert after["hidden"] == [True, "legendonly", True]
    assert (after["mark"], after["plots"], after["scroll"], after["blank"]) == ("kept", 1, 90, 0)


def test_an_element_that_appears_above_does_not_reset_the_plot(ticking: Callable[..., Page]) -> None:
    page = ticking()
    zoom_and_hide(page)
    zoomed = state(page)["x"]
    page.eval_on_selector(PLOT, "plot => { plot.dataset.mark = 'kept' }")
    page.get_by_text("above", exact=True).click()
    expect(page.get_by_text("something above the plot")).to_be_visible()
    wait_for_ticks(page, 2)
    after = state(page)
    assert (after["x"], after["hidden"][1], after["mark"]) == (zoomed, "legendonly", "kept")


def test_the_colours_follow_the_theme_without_losing_the_zoom(ticking: Callable[..., Page]) -> None:
    page = ticking()
    zoom_and_hide(page)
    light = state(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "old => document.querySelector('.gainakt-plot')._fullLayout.font.color !== old", arg=light["text"]
    )
    assert state(page)["x"] == light["x"]


def test_works_under_a_base_path(page: Page, tmp_path: Path) -> None:
    script = tmp_path / "ticks.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [f"--server.port={port}", "--server.baseUrlPath=some/base"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for _ in range(150):
            with contextlib.suppress(Error):
                page.goto(f"http://127.0.0.1:{port}/some/base/")
                break
            time.sleep(0.2)
        page.wait_for_selector(f"{PLOT} .legend", timeout=60_000)
        wait_for_ticks(page, 1)
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_a_library_that_does_not_load_is_said(page: Page, dashboard: Callable[..., Any], tmp_path: Path) -> None:
    script = tmp_path / "ticks.py"
    script.write_text(SCRIPT, encoding="utf-8")
    page.route("**/plotly-*.min.js", lambda route: route.abort())
    page.goto(dashboard(script=script).url)
    expect(page.get_by_text("The chart cannot be drawn")).to_be_visible(timeout=20_000)
