"""Fixtures that all tests share: the public data beside the clone, a real browser, a running dashboard."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gainakt.config import Config, changed
from gainakt.config.presets import preset
from gainakt.data.interactions import NO_FOLD, Interactions

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 30_000
"""Milliseconds a browser waits for what is expected: a shared machine may be many times slower than an idle one."""
expect.set_options(timeout=PATIENCE)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
START_SECONDS = 30.0
FOLDERS = {"GAINAKT_DATA_FOLDERS": tempfile.gettempdir()}
"""Pages may read what tests write."""

# Sums differ in the last bits between thread counts: every process that a test starts uses the same on every machine.
# One, since at these sizes a second thread only waits.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(1)
if "GAINAKT_CACHE" not in os.environ:  # processes that a test starts share it, the user's own stays as it is
    os.environ["GAINAKT_CACHE"] = tempfile.mkdtemp(prefix="gainakt-cache-")
    atexit.register(shutil.rmtree, os.environ["GAINAKT_CACHE"], ignore_errors=True)
TINY = {
    "data.window": 20, "model.width": 8, "model.heads": 2, "model.blocks": 1, "model.feedforward": 8,
    "training.device": "cpu", "training.max_epochs": 1, "training.batch_size": 8, "training.log_every": 1,
    "training.probe_every": 0, "weights.fit": 0.0,
}  # fmt: skip
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use, so that `-m "not browser"` leaves none behind."""
    for item in items:
        used = getattr(item, "fixturenames", ())
        if "chromium" in used:
            item.add_marker(pytest.mark.browser)
        if "real_data" in used:
            item.add_marker(pytest.mark.realdata)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put `__main__` back: drawing a page replaces it, and a process that a later test starts runs it anew."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def seed_text() -> str:
    """The original study's document, which is no part of the repository; skips where it is not beside the clone."""
    folder = ROOT.parent / "shared" / "seed"
    if not folder.is_dir():
        pytest.skip("the original study's document is not at ../shared/seed")
    return next(folder.glob("*.txt")).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of ASSISTments 2015 beside the clone; skips where it is not there."""
    folder = ROOT.parent / "shared" / "data" / "assist2015"
    if not (folder / "train_valid.csv").is_file():
        pytest.skip("ASSISTments 2015 is not at ../shared/data/assist2015")
    return folder


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Config]:
    """A function that gives a configuration small enough to train in a tenth of a second.

    `tiny({"model.accumulation": "all"}, "v3-phase1")`: dotted fields that differ, and the preset they start from.
    """
    return lambda changes=None, name="without-level": changed(preset(name), TINY | (changes or {}))


@pytest.fixture(scope="session")
def small_class() -> Callable[..., Interactions]:
    """A function that draws a class of a few students whose chance of success depends on skill and practice."""

    def draw(students: int = 30, skills: int = 5, lengths: tuple[int, int] = (2, 30), seed: int = 0) -> Interactions:
        rng = np.random.default_rng(seed)
        length = rng.integers(lengths[0], lengths[1] + 1, students)
        student = np.repeat(np.arange(students, dtype=np.int32), length)
        skill = rng.integers(0, skills, len(student)).astype(np.int32)
        step = np.concatenate([np.arange(n) for n in length])
        chance = 1 / (1 + np.exp(-(skill - skills / 2 + step / 10)))
        return Interactions(
            name="small class", source="tests", students=[f"s{i:03d}" for i in range(students)],
            skills=[f"skill {i}" for i in range(skills)], student=student, skill=skill,
            response=(rng.random(len(student)) < chance).astype(np.int8),
            fold=np.full(students, NO_FOLD, np.int16),
        )  # fmt: skip

    return draw


@pytest.fixture(scope="session")
def class_file(small_class: Callable[..., Interactions], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyKT sequence file of 40 students with the folds 0 and 1, and a test file beside it; their folder."""
    data, folder = small_class(students=40), tmp_path_factory.mktemp("class")
    lines: dict[str, list[Any]] = {"train_valid": [], "test": []}
    for i, name in enumerate(data.students):
        skills, responses = (",".join(map(str, column[data.student == i])) for column in (data.skill, data.response))
        which, fold = ("test", -1) if i % 4 == 0 else ("train_valid", i % 2)
        lines[which].append(f'{fold},{name},"{skills}","{responses}"')
    for which, rows in lines.items():
        (folder / f"{which}.csv").write_text("\n".join(["fold,uid,concepts,responses", *rows]) + "\n")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium; without one, fails in CI and skips elsewhere."""
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium on the PATH (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium; one per module, because Playwright's event loop would be in the way of other tests'."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page of 1366 x 768 with cookies and storage of its own."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


@dataclass
class Dashboard:
    """A dashboard of its own process and store."""

    url: str
    store: Path
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """End the server and all that it started; what it printed goes to the output of a failing test."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        print(f"log of {self.url}:\n{self.log.read_text(errors='replace')}")


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Callable[..., Dashboard]]:
    """A function that starts the dashboard, on an empty store unless one is given; ended with the test.

    `dashboard(store=FILE, script="app.py", NAME="value")`: the further names are environment variables.
    """
    started: list[Dashboard] = []

    def start(store: Path | None = None, script: str | Path = "app.py", **environment: str) -> Dashboard:
        port = free_port()
        log = tmp_path / f"dashboard-{port}.log"
        store = store or tmp_path / "gainakt.duckdb"
        command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address=127.0.0.1"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none"],
                cwd=ROOT,
                env={**os.environ, "GAINAKT_STORE": str(store), **FOLDERS, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(Dashboard(f"http://127.0.0.1:{port}", store, process, log))
        wait_until_healthy(started[-1])
        return started[-1]

    yield start
    for one in started:
        one.stop()


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(dashboard: Dashboard) -> None:
    """Return when the server answers; fail when its process ends or does not answer in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if dashboard.process.poll() is not None:
            pytest.fail(f"the dashboard ended with status {dashboard.process.returncode} before it answered")
        try:
            with urllib.request.urlopen(f"{dashboard.url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    pytest.fail(f"the dashboard did not answer within {START_SECONDS:.0f} s")


@pytest.fixture
def page_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of an empty store that the pages of a test open, and let go of afterwards."""
    import streamlit as st

    from gainakt.store import Store
    from gainakt.ui import resources

    monkeypatch.chdir(ROOT)
    path = tmp_path / "store" / "pages.duckdb"
    path.parent.mkdir()
    monkeypatch.setenv("GAINAKT_STORE", str(path))
    monkeypatch.setenv("GAINAKT_DATA_FOLDERS", tempfile.gettempdir())
    opened: list[Store] = []

    def open_without_thread() -> Store:  # each call takes the journals in, so that no test has to wait
        if not opened:
            opened.append(Store.open(path, wait=0.2))
        opened[0].take_in()
        return opened[0]

    monkeypatch.setattr(resources, "_open_store", open_without_thread)
    yield path
    for one in opened:
        one.close()
    st.cache_resource.clear()
    st.cache_data.clear()
