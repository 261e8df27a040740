"""What a careless or hostile user gives the command line, and files beside the store that somebody wrote by hand."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gainakt.curve_model import kept
from gainakt.errors import READ_ONLY
from gainakt.jobs.owning import refuse_owned
from gainakt.jobs.sweep.folder import SweepFolder
from gainakt.store import RunFolder, Store, runs_root, trash
from tests.command import gainakt
from tests.journals import rewrite
from tests.pages import write_run

ESCAPES = "\x1b]52;c;b3du\x07\x9b31m\u202e\r"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        ("import", "PIPE"),
        ("restore-backup", "PIPE"),
        ("export", "2026", "--to", "PIPE", "--format", "config"),
        ("export", "2026", "--to", "PIPE"),
        ("report", "2026", "--beside", "PIPE"),
        ("data", "x.csv", "--rejected", "PIPE"),
        ("simulate", "demo", "--out", "PIPE"),
    ],
)
def test_a_pipe_is_refused_before_anyone_waits_for_it(words: tuple[str, ...], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    store = () if words[0] in ("data", "simulate") else ("--store", tmp_path / "s.duckdb")
    done = gainakt(*[pipe if word == "PIPE" else word for word in words], *store, "--json")
    assert done.returncode == 2 and "is a pipe or a device; name a file" in json.loads(done.stdout)["error"]
    assert pipe.is_fifo(), "and it was not replaced by a file"


@pytest.mark.parametrize("words", [("runs",), ("doctor",), ("label", "x", "--name", "y"), ("backup", "b.zip")])
def test_a_store_without_a_name_ends_in_a_sentence(words: tuple[str, ...]) -> None:
    done = gainakt(*words, "--store", "", "--json")
    assert done.returncode == 2 and "names no file" in json.loads(done.stdout)["error"]


def test_a_folder_in_place_of_a_file_to_write_ends_in_a_sentence(tmp_path: Path) -> None:
    run_id = write_run(tmp_path / "s.duckdb", "mine", "finished")
    for form in ("runs", "config"):
        done = gainakt("export", run_id, "--to", "", "--format", form, "--store", tmp_path / "s.duckdb")
        assert done.returncode == 2 and "is a folder; name a file" in done.stderr


def test_no_name_and_no_label_controls_the_terminal(tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    write_run(store, f"mine{ESCAPES}", "finished")
    (tmp_path / "x.csv").write_text(f"student,skill\n{ESCAPES},k\n", encoding="utf-8")
    said = [gainakt("runs", "--store", store), gainakt("runs", ESCAPES, "--store", store)]
    said += [gainakt("data", tmp_path / "x.csv"), gainakt("skills", f"x{ESCAPES}", "--store", store)]
    printed = "".join(done.stdout + done.stderr for done in said)
    assert not set(printed) & set("\x1b\x07\x9b\u202e") and r"\x1b]52" in printed and r"\u202e" in printed


def test_an_id_that_is_no_utf_8_and_one_of_thousands_of_letters_end_in_a_short_sentence(tmp_path: Path) -> None:
    write_run(tmp_path / "s.duckdb", "mine", "finished")
    for given in ("\udcff", "x" * 5000):
        done = gainakt("compare", given, given, "--store", tmp_path / "s.duckdb")
        assert done.returncode == 2 and "there is no run" in done.stderr and len(done.stderr) < 500


def test_a_visitors_process_writes_nothing_beside_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "s" / "s.duckdb"
    run_id = write_run(store, "mine", "finished")
    with Store.open(store) as opened:
        opened.take_in()
    archive = tmp_path / "all.zip"
    assert gainakt("backup", archive, "--store", store).returncode == 0
    write_run(store, "new", "finished")  # which a look at the store would take in
    before = contents(store.parent)
    monkeypatch.setenv(READ_ONLY, "1")
    listed = gainakt("runs", "--store", store)
    assert "mine" in listed.stdout and "new" in listed.stdout
    for words in (("skills", run_id), ("verdict", run_id), ("doctor",)):
        assert gainakt(*words, "--store", store).returncode == 0
    for words in (
        ("backup", tmp_path / "more.zip"),
        ("label", run_id, "--name", "x"),
        ("delete", run_id),
        ("doctor", "--rebuild"),
    ):
        assert "visitors look on" in gainakt(*words, "--store", store).stderr
    elsewhere = tmp_path / "elsewhere" / "s.duckdb"
    assert "visitors look on" in gainakt("restore-backup", archive, "--store", elsewhere).stderr
    assert contents(store.parent) == before and not elsewhere.parent.exists()


@pytest.mark.parametrize("odd", [10**30, True, -(10**30), 1.5, "x", None])
def test_a_row_of_an_unknown_kind_costs_no_other_row(odd: Any, tmp_path: Path) -> None:
    run_id = write_run(tmp_path / "s.duckdb", "mine", "finished")
    with RunFolder(runs_root(tmp_path / "s.duckdb"), run_id) as folder:
        folder.append({"kind": "of a newer version", "step": odd, "epoch": odd})
        folder.append({"kind": "renamed", "name": "after"})
    with Store.open(tmp_path / "s.duckdb") as store:
        store.take_in()
        assert store.run(run_id).name == "after" and store.warnings == []


@pytest.mark.parametrize("content", ["[]", "3", '{"pid": "x"}', '{"pid": 1e400}', '{"host": "h"}', "[" * 100_000])
def test_a_sweeps_owner_that_is_none_counts_as_none(content: str, tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "s.duckdb", "mine")
    folder.path.mkdir(parents=True)
    (folder.path / "owner.json").write_text(content)
    assert folder.owner() is None


def test_a_plan_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    done = gainakt("sweep", tmp_path / "mine.toml", "--store", tmp_path / "s.duckdb")
    assert done.returncode == 2 and "cannot be read" in done.stderr


@pytest.mark.parametrize("part", [{"deleted": -1e400}, {"deleted": "x"}, {"created": "x"}, {"data": ["x"]}])
def test_the_trash_is_listed_and_kept_whatever_its_descriptions_say(part: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    run_id = write_run(store, "mine", "finished")
    assert gainakt("delete", run_id, "--store", store).returncode == 0
    about = runs_root(store) / trash.FOLDER / run_id / "deleted.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), **part}))
    assert gainakt("runs", "--trash", "--store", store).returncode == 0
    assert about.exists()


def test_an_owner_of_odd_values_holds_no_run() -> None:
    rows = [{"kind": "queued", "time": "x", "pid": odd, "host": os.uname().nodename} for odd in ("x", [1], 1e400)]
    for row in rows:
        refuse_owned("x", [row])


def test_fits_are_made_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = object()
    monkeypatch.setattr(kept.fit, "fitted", lambda practice, start: made)
    monkeypatch.setattr(kept, "_print", lambda practice, start: "0")

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(kept, "folder", homeless)
    assert kept.fitted_once(None, None) is made  # type: ignore[arg-type]
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    monkeypatch.setattr(np, "savez", _no_room)
    monkeypatch.setattr(kept, "_NUMBERS", [])
    assert kept.fitted_once(None, None) is made  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def _no_room(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "part",
    [
        {"config": {"training": {"batch_size": "x"}}},
        {"config": {"nowhere": {"a": 1}}},
        {"lineage": {"parent": "x", "step": "y"}},
    ],
)
def test_a_run_whose_first_row_was_edited_is_answered_in_words(part: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    run_id = write_run(store, "mine", "finished")
    folder = RunFolder(runs_root(store), run_id)
    first, *rest = folder.rows(0)[0]
    rewrite(folder, [{**first, **part}, *rest])
    for words in (("replay", run_id), ("evaluate", run_id), ("branch", run_id, "--at", 5)):
        done = gainakt(*words, "--store", store, "--json")
        assert done.returncode == 2 and json.loads(done.stdout)["error"]
    for words in (("compare", run_id, "00000000-970206"), ("export", run_id, "--to", tmp_path / "e.zip")):
        gainakt("runs", "--store", store)  # which places the published records
        done = gainakt(*words, "--store", store, "--json")
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout, parse_constant=pytest.fail)
