"""A dashboard with GAINAKT_READ_ONLY looks on: its controls are disabled, and what they do is refused underneath."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gainakt.config import Config, DataConfig
from gainakt.datasets import uploads
from gainakt.errors import READ_ONLY, InputError, read_only
from gainakt.jobs import service
from gainakt.jobs.background import Jobs
from gainakt.jobs.service import Service
from gainakt.jobs.sweep.folder import SweepFolder
from gainakt.jobs.sweep.launch import launch
from gainakt.store import RunFolder, Store, damage, runs_root, trash, views
from gainakt.store.bundle import import_runs
from gainakt.ui import resources
from gainakt.ui.data import places
from gainakt.ui.visitors import LOOK_ON
from tests.pages import PAGES, draw, text_of, write_run

HARMLESS = ("Untick all", "Tick", "Write the report", "Watch", "Open", "Diagnose", "Least likely", "Copy link")
"""Buttons that change nothing but what this browser shows."""


@pytest.fixture
def looked_at(page_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str, str]]:
    """A store's path, a run that has ended and one that trains, looked at by a visitor."""
    monkeypatch.setenv(READ_ONLY, "")
    ended, live = write_run(page_store, "ended", "finished"), write_run(page_store, "live")
    monkeypatch.setenv(READ_ONLY, "1")
    opened: list[Store] = []

    def open_as_visitor() -> Store:
        if not opened:
            opened.append(Store.open(":memory:", runs=runs_root(page_store)))
        opened[0].take_in()
        return opened[0]

    monkeypatch.setattr(resources, "_open_store", open_as_visitor)
    yield page_store, ended, live
    for one in opened:
        one.close()


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder with a digest of what is in it."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("page", PAGES)
def test_what_starts_or_changes_is_disabled_and_says_why(page: str, looked_at: tuple[Path, str, str]) -> None:
    store, ended, live = looked_at
    before = contents(store.parent)
    runs = f"{ended},{live}"
    app = draw(page, run=live if "Train" in page else ended, **({"runs": runs} if "Compare" in page else {}))
    usable = [button.label for button in app.button if not button.disabled and button.label not in HARMLESS]
    assert usable == []
    for button in app.button:
        if button.disabled and button.label in (
            "Stop",
            "Pause",
            "Replay",
            "New run",
            "Star",
            "Check the store",
            "Train",
        ):
            assert button.help == LOOK_ON
    assert text_of(app).count("Looking on") == 1, "said once on every page"
    if "Data" in page:
        assert not app.text_input
    assert contents(store.parent) == before


def test_a_click_that_the_page_does_not_offer_is_refused(looked_at: tuple[Path, str, str]) -> None:
    store, _, live = looked_at
    before = contents(store.parent)
    app = draw("pages/1_Train.py", run=live)
    sliders = [one for one in (*app.slider, *app.select_slider) if str(one.key).startswith("steer/")]
    assert sliders and all(one.disabled for one in (*sliders, *app.number_input))
    stop = next(button for button in app.button if button.label == "Stop")
    stop.proto.disabled = False  # as a client of its own might
    stop.click().run()
    assert contents(store.parent) == before


def test_all_that_writes_or_starts_is_refused(looked_at: tuple[Path, str, str], tmp_path: Path) -> None:
    path, ended, live = looked_at
    root, store = runs_root(path), resources._open_store()
    folder, sweep = RunFolder(root, live), SweepFolder(path, "mine")
    refused: list[Callable[[], Any]] = [
        lambda: RunFolder.create(root, name="x", preset="x", config={}),
        lambda: folder.append({"kind": "renamed", "name": "x"}),
        lambda: service.steer(root, live, "weights.variance", 1.0, "visitor"),
        lambda: service.stop(root, live, "visitor"),
        lambda: service.pause(root, live, "visitor"),
        lambda: Service(root).submit(Config(), name="x", preset="x"),
        lambda: Service(root).start(folder, Config()),
        lambda: Jobs(Service(root)).start("x", "x", lambda report: None),
        lambda: store.annotate(ended, {"name": "x"}),
        lambda: store.delete(ended),
        lambda: store.restore(ended),
        lambda: trash.discard(root, store.run(ended), "visitor"),
        lambda: views.save(root, "mine", {}),
        lambda: views.remove(root, "mine"),
        lambda: uploads.save([("a.csv", b"x")], tmp_path / "uploads", 10),
        lambda: import_runs(root, tmp_path / "none.zip"),
        lambda: damage.rebuild(path, root),
        lambda: sweep.save("seeds = 1"),
        lambda: sweep.request_stop(),
        lambda: launch(sweep, 1),
        lambda: places.check(DataConfig(path=str(Path(__file__)))),
    ]
    before = contents(path.parent)
    for number, attempt in enumerate(refused):
        with pytest.raises(InputError, match="visitors look on"):
            attempt()
            pytest.fail(f"attempt {number} was not refused")
    assert contents(path.parent) == before


def test_a_visitor_sees_what_trains_while_another_process_holds_the_store(
    page_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(READ_ONLY, "0")
    assert not read_only()
    with Store.open(page_store) as holder:
        run_id = write_run(page_store, "live")
        holder.take_in()
        monkeypatch.undo()
        monkeypatch.setenv("GAINAKT_STORE", str(page_store))
        monkeypatch.setenv(READ_ONLY, "yes")
        seen = resources._open_store.__wrapped__()
        try:
            assert seen.run(run_id).step == holder.run(run_id).step == 20
            assert seen.serve_snapshots() == 0
        finally:
            seen.close()
