"""Thirty sessions, three of them real browsers, watch a run that trains in the dashboard with five more queued.

Counts errors on the pages, in the browsers' consoles and in the server's log; prints how long a look at the run takes,
the server's memory and how fast the training goes with one session and with all. Needs Chromium.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from gainakt.store import runs_root
from tests.conftest import CHROMIUM_FLAGS, ROOT, free_port

PATIENCE = 300.0
BROWSERS = 3


class Session:
    """A tab without a browser: asks for the run's page, then for each part of it that ticks, as often as it is told."""

    def __init__(self, url: str, run_id: str, ends: threading.Event, looks: list[float], errors: Counter[str]) -> None:
        self.url, self.run_id, self.ends, self.looks, self.errors = url, run_id, ends, looks, errors
        self.due: dict[str, tuple[float, float]] = {}

    async def watch(self) -> None:
        """Until the event; what goes wrong is counted."""
        address = f"{self.url.replace('http', 'ws')}/_stcore/stream"
        try:
            async with connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE) as socket:  # type: ignore[list-item]
                await self._ask(socket, "")
                while not self.ends.is_set():
                    now = time.monotonic()
                    fragment = min(self.due, key=lambda one: self.due[one][1], default="")
                    if not fragment or self.due[fragment][1] > now:
                        await asyncio.sleep(0.05)
                        continue
                    interval = self.due[fragment][0]
                    self.due[fragment] = interval, now + interval
                    await self._ask(socket, fragment)
                    self.looks.append(time.monotonic() - now)
        except Exception as error:
            self.errors[f"session: {type(error).__name__}: {str(error)[:100]}"] += 1

    async def _ask(self, socket: Any, fragment: str) -> None:
        asked = BackMsg()
        asked.rerun_script.query_string = f"run={self.run_id}"
        asked.rerun_script.page_name = "Train"
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.is_auto_rerun = bool(fragment)
        await socket.send(asked.SerializeToString())
        while True:
            told = ForwardMsg.FromString(await asyncio.wait_for(socket.recv(), PATIENCE))
            kind = told.WhichOneof("type")
            if kind == "new_session" and not told.metadata.run.fragment_ids:
                self.due.clear()  # as a browser does when the whole page is drawn anew
            elif kind == "auto_rerun":
                now, interval = time.monotonic(), float(told.auto_rerun.interval)
                self.due.setdefault(told.auto_rerun.fragment_id, (interval, now + interval))
            elif kind == "delta" and told.delta.new_element.WhichOneof("type") == "exception":
                self.errors[f"page: {told.delta.new_element.exception.message[:100]}"] += 1
            elif kind == "script_finished" and told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return


def started(store: Path, log: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A dashboard on this store; its URL and process."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "GAINAKT_STORE": str(store)}, stdout=output, stderr=output
        )
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5)
            break
        except OSError:
            time.sleep(0.5)
    return url, server


def queued(page: Page, url: str, count: int) -> str:
    """Start so many runs from the page; the id of the first."""
    first = ""
    for _ in range(count):
        page.goto(f"{url}/Train?new=1&preset=without-level", timeout=PATIENCE * 1000)
        epochs = page.get_by_role("spinbutton", name="Max epochs")  # the first trains to the end of the harness
        epochs.fill("1000", timeout=PATIENCE * 1000)
        epochs.press("Enter")
        page.wait_for_timeout(2000)
        page.get_by_role("button", name="Start training").click(timeout=PATIENCE * 1000)
        page.wait_for_url("**run=**", timeout=PATIENCE * 1000)
        first = first or page.url.partition("run=")[2].partition("&")[0]
    return first


def pace(root: Path, since: float, until: float) -> float:
    """Steps a second of the trainings below `root` between two times."""
    steps = 0
    for journal in root.glob("[0-9]*/journal.jsonl"):
        rows = [json.loads(line) for line in journal.read_bytes().splitlines()]
        at = [row["step"] for row in rows if row["kind"] == "step" and since <= row["time"] <= until]
        steps += max(at) - min(at) if at else 0
    return steps / (until - since)


def harness(folder: Path, sessions: int, seconds: float) -> bool:
    """Whether all went without an error; prints what was measured."""
    store, log = folder / "s.duckdb", folder / "server.log"
    errors: Counter[str] = Counter()
    looks: list[float] = []
    ends = threading.Event()
    url, server = started(store, log)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
            pages = [browser.new_page() for _ in range(BROWSERS)]
            for page in pages:
                page.on("pageerror", lambda error: errors.update([f"browser: {str(error)[:100]}"]))
            run_id = queued(pages[0], url, 6)
            pages[0].goto(f"{url}/Train?run={run_id}", timeout=PATIENCE * 1000)
            alone = time.time()
            pages[0].wait_for_timeout(seconds * 250)
            begun = time.time()
            for page in pages[1:]:
                page.goto(f"{url}/Train?run={run_id}", timeout=PATIENCE * 1000)

            async def all_of_them() -> None:
                others = (Session(url, run_id, ends, looks, errors) for _ in range(sessions - BROWSERS))
                await asyncio.gather(*(one.watch() for one in others))

            thread = threading.Thread(target=lambda: asyncio.run(all_of_them()))
            thread.start()
            memory = []
            for _ in range(10):
                pages[0].wait_for_timeout(seconds * 100)
                memory.append(round(psutil.Process(server.pid).memory_info().rss / 2**20))
            over = time.time()
            ends.set()
            thread.join(PATIENCE)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    errors["server's log: tracebacks"] += log.read_text(errors="replace").count("Traceback")
    root = runs_root(store)
    print(f"{len(looks)} looks of {sessions - BROWSERS} sessions, beside {BROWSERS} browsers, in {over - begun:.0f} s")
    print("errors:", dict(+errors) or "none")
    if not looks:
        return False
    print("milliseconds of a look, 50th, 95th, 99th percentile:", *np.percentile(looks, (50, 95, 99)).round(3) * 1000)
    print("server's memory, MB:", *memory)
    print(f"steps a second: {pace(root, alone, begun):.2f} with one browser, {pace(root, begun, over):.2f} with all")
    return not +errors


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=600.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        sys.exit(not harness(Path(place), given.sessions, given.seconds))
