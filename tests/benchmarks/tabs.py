"""What open tabs cost, in a real Chromium: python -m tests.benchmarks.tabs [speed|memory].

speed: a training with 0 and with 5 tabs on its Train page, in turn: steps per second, how long a recorded step waits
until another process can read it, and the server's processor time. The browser runs at the lowest priority, because
on a user's own machine it would not share the training's processors.
memory: one page that gets the ticks of half an hour or more as fast as they come; its heap after garbage collection.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from gainakt.store import RunFolder, open_for_reading, runs_root
from tests.browser.screenshots import FLAGS, dashboard
from tests.browser.test_screen import GAINS, POINTS, small_run
from tests.browser.test_steering import begin, end

TABS, REPEATS, SETTLE, WINDOW = 5, 4, 3.0, 10.0
TICKS, SAMPLES, TICK = 1800, 9, 0.1
COUNT = f"""() => {{ const react = Plotly.react; window.ticks = 0; Plotly.react = (host, ...rest) => {{
  if (host === document.querySelector("{GAINS}")) window.ticks++;
  return react(host, ...rest); }}; }}"""
FAST_PAGE = f"""
import streamlit as st
from gainakt.ui import frame, resources
from gainakt.ui.train import watch
watch._TICK = {TICK}
frame.page("Train", heading=False)
resources.store().take_in()
watch.watch(resources.store(), resources.store().run(st.query_params["run"]))
"""


def speed(browser: Browser, folder: Path) -> None:
    """Print steps per second, reading delay and the server's processor time, with 0 and with TABS tabs in turn."""
    store = folder / "tabs.duckdb"
    with dashboard(store) as url:
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        page = context.new_page()
        page.set_default_timeout(60_000)
        run_id = small_run(page, url, epochs=1000)
        page.wait_for_function(POINTS, arg=5)
        page.close()
        measured: dict[int, list[tuple[float, float, float]]] = {0: [], TABS: []}
        for _ in range(REPEATS):
            for count in measured:
                pages = [context.new_page() for _ in range(count)]
                for one in pages:
                    one.goto(f"{url}/Train?run={run_id}")
                for one in pages:
                    one.wait_for_function(POINTS, arg=5, timeout=120_000)
                measured[count].append(window(RunFolder(runs_root(store), run_id), store, pages))
                shown = ", ".join(f"{value:.3g}" for value in measured[count][-1])
                print(f"  {count} tabs: {shown}; load {os.getloadavg()[0]:.1f}", flush=True)
                for one in pages:
                    one.close()
        RunFolder(runs_root(store), run_id).request_stop("tests")
    for place, what in enumerate(("steps per second", "seconds until readable", "server's processors in use")):
        without, with_tabs = ([row[place] for row in measured[count]] for count in measured)
        ratios = sorted(b / a for a, b in zip(without, with_tabs, strict=True))
        print(
            f"{what}: {statistics.median(without):.3g} with no tab, {statistics.median(with_tabs):.3g} with {TABS};"
            f" ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}, {REPEATS} pairs)"
        )


def window(run: RunFolder, store: Path, pages: list[Page]) -> tuple[float, float, float]:
    """Steps per second, median seconds until a step can be read, processors in use, over WINDOW seconds."""
    rest(SETTLE, pages)
    server = json.loads(run.journal.open().readline())["pid"]
    steps, began, used, delays = lines(run), time.perf_counter(), processor_seconds(server), []
    while time.perf_counter() < began + WINDOW:
        asked = time.perf_counter()
        open_for_reading(store, wait=60).close()
        delays.append(time.perf_counter() - asked)
        rest(0.5, pages)
    lasted = time.perf_counter() - began
    return (lines(run) - steps) / lasted, statistics.median(delays), (processor_seconds(server) - used) / lasted


def rest(seconds: float, pages: list[Page]) -> None:
    """Wait, and let the browser's events through."""
    if pages:
        pages[0].wait_for_timeout(1000 * seconds)
    else:
        time.sleep(seconds)


def lines(run: RunFolder) -> int:
    """Steps recorded."""
    return run.journal.read_bytes().count(b'"kind": "step"')


def processor_seconds(pid: int) -> float:
    """Processor time of a process, without its children's."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def memory(browser: Browser, folder: Path) -> None:
    """Print the page's heap over TICKS ticks."""
    script, store = folder / "fast.py", folder / "memory.duckdb"
    script.write_text(FAST_PAGE)
    run = begin(store, "ticking")
    for step in range(1, 3001):  # as many points as a curve is thinned to
        record(run, step)
    over = threading.Event()
    feeder = threading.Thread(target=feed, args=(run, over))
    with dashboard(store, script) as url:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        session = page.context.new_cdp_session(page)
        page.goto(f"{url}/?run={run.run_id}")
        page.wait_for_function(POINTS, arg=1000, timeout=60_000)
        page.evaluate(COUNT)
        feeder.start()
        began = time.perf_counter()
        for sample in range(SAMPLES + 1):
            page.wait_for_function("(count) => window.ticks >= count", arg=100 + sample * TICKS / SAMPLES, timeout=0)
            print(f"after {page.evaluate('window.ticks')} ticks, {time.perf_counter() - began:.0f} s: {heap(session)}",
                  flush=True)  # fmt: skip
        over.set()
        feeder.join()
        end(run)


def record(run: RunFolder, step: int) -> None:
    """A step with all that the page draws."""
    values = {"loss.total": 1.0, "loss.bce": 0.6, "loss.im": 0.7, "gain_std": 0.1 + step % 7 / 100}
    run.append({"kind": "step", "step": step, "epoch": 1, "values": values})
    run.append({"kind": "gains", "step": step, "epoch": 1, "split": "train", "counts": [step % 5 + 1] * 50})


def feed(run: RunFolder, over: threading.Event) -> None:
    """Ten steps a second until it is over."""
    step = 3000
    while not over.wait(0.1):
        step += 1
        record(run, step)


def heap(session: Any) -> str:
    """Heap and DOM nodes of the page after a garbage collection."""
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return f"{metrics['JSHeapUsedSize'] / 2**20:.1f} MiB, {metrics['Nodes']:.0f} nodes"


def main(parts: list[str]) -> None:
    """Run the parts asked for, both by default."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium on the PATH (apt-get install chromium)")
    every: dict[str, Callable[[Browser, Path], None]] = {"speed": speed, "memory": memory}
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        polite = folder / "chromium"
        polite.write_text(f'#!/bin/sh\nexec nice -n 19 {chromium} "$@"\n')
        polite.chmod(0o755)
        browser = playwright.chromium.launch(executable_path=polite, args=FLAGS)
        for part in parts or every:
            print(f"{part}, load {os.getloadavg()[0]:.1f}", flush=True)
            every[part](browser, folder)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
