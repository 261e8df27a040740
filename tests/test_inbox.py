"""A run's folder: what one process appends, another reads, whole lines only."""

import json
import os
import subprocess
import sys

import pytest

from gainakt.errors import InputError
from gainakt.store import RunFolder, runs_root


@pytest.fixture
def folder(tmp_path):
    with RunFolder.create(tmp_path / "x.runs", name="first", preset="corrected", config={"data": {}}) as made:
        yield made


def test_first_row_says_who_queued_what(folder):
    (row,), offset = folder.rows(0)
    assert row["kind"] == "queued" and row["run_id"] == folder.run_id and row["name"] == "first"
    assert row["pid"] == os.getpid() and row["pid_started"] > 0 and row["host"] and row["version"]
    assert folder.rows(offset) == ([], offset)


def test_numbers_that_are_not_finite_become_null_and_array_scalars_numbers(folder):
    numpy = pytest.importorskip("numpy")
    _, offset = folder.rows(0)
    values = {"a": float("nan"), "b": float("inf"), "c": numpy.float32(0.5), "d": numpy.arange(2), 3: 1.0}
    folder.append({"kind": "step", "values": values})
    (row,), _ = folder.rows(offset)
    assert row["values"] == {"a": None, "b": None, "c": 0.5, "d": [0, 1], "3": 1.0}


def test_a_torn_last_line_is_left_for_later_and_ended_by_the_next_writer(folder):
    _, offset = folder.rows(0)
    with folder.journal.open("ab") as file:
        file.write(b'{"kind": "st')
    assert folder.rows(offset) == ([], offset)
    RunFolder(folder.folder.parent, folder.run_id).append({"kind": "paused"})
    rows, after = folder.rows(offset)
    assert [row["kind"] for row in rows] == ["damaged", "paused"]
    assert after == folder.journal.stat().st_size


def test_lines_that_are_no_rows_come_back_as_damaged(folder):
    _, offset = folder.rows(0)
    with folder.journal.open("ab") as file:
        file.write(b'\xff\xfe\n[1]\n{"no": "kind"}\n\n' + b"[" * 100_000 + b"\n")
    rows, _ = folder.rows(offset)
    assert [row["kind"] for row in rows] == ["damaged"] * 4


def test_a_line_longer_than_the_limit_is_read_whole(folder):
    _, offset = folder.rows(0)
    folder.append({"kind": "long", "text": "x" * 1000})
    folder.append({"kind": "next"})
    rows, middle = folder.rows(offset, limit=10)
    assert [row["kind"] for row in rows] == ["long"]
    assert [row["kind"] for row in folder.rows(middle, limit=10)[0]] == ["next"]


def test_requests_arrive_once_in_order(folder):
    assert folder.requests(0) == ([], 0)
    folder.request("weights.variance", 50.0, "slider")
    folder.request_stop("button")
    rows, offset = folder.requests(0)
    assert [(row["kind"], row["who"]) for row in rows] == [("set", "slider"), ("stop", "button")]
    assert rows[0]["field"] == "weights.variance" and rows[0]["value"] == 50.0
    assert folder.requests(offset) == ([], offset)


@pytest.mark.parametrize("run_id", ["../../etc", "", "20261124-231502-3fa9/..", "20261124-231502-3fa9\n", "/tmp/x"])
def test_a_hostile_id_never_becomes_a_path(tmp_path, run_id):
    with pytest.raises(InputError, match="not a run id"):
        RunFolder(tmp_path, run_id)


def test_two_writers_do_not_mix_lines(folder):
    code = (
        "import sys; from gainakt.store.inbox import RunFolder\n"
        "folder = RunFolder(sys.argv[1], sys.argv[2])\n"
        "for i in range(200): folder.request('f', 'y' * 5000, sys.argv[3])"
    )
    arguments = [str(folder.folder.parent), folder.run_id]
    writers = [subprocess.Popen([sys.executable, "-c", code, *arguments, str(n)]) for n in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    rows, _ = folder.requests(0)
    assert len(rows) == 400 and all(row["kind"] == "set" for row in rows)


def test_two_processes_append_to_one_journal_without_losing_or_mixing_a_row(folder):
    """A run that trains while it is renamed and tested from other processes."""
    code = (
        "import sys; from gainakt.store.inbox import RunFolder\n"
        "folder = RunFolder(sys.argv[1], sys.argv[2])\n"
        "for i in range(1000):\n"
        "    folder.append({'kind': 'step', 'who': sys.argv[3], 'step': i, 'text': 'x' * (i * 37 % 9000)})\n"
        "    if i % 100 == 0: folder.close()"
    )
    arguments = [str(folder.folder.parent), folder.run_id]
    writers = [subprocess.Popen([sys.executable, "-c", code, *arguments, str(n)]) for n in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    rows, offset = [], 0
    while (part := folder.rows(offset))[0]:
        rows, offset = rows + part[0], part[1]
    assert [row["kind"] for row in rows] == ["queued"] + ["step"] * 2000
    for writer in "01":
        assert [row["step"] for row in rows if row.get("who") == writer] == list(range(1000))


def test_writing_a_run_folder_needs_neither_duckdb_nor_torch():
    code = (
        "import sys, json; import gainakt.store.inbox; from gainakt.store import RunFolder\n"
        "print(json.dumps([m for m in ('duckdb', 'torch', 'pandas', 'numpy') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_runs_lie_beside_the_store():
    assert str(runs_root("data/gainakt.duckdb")) == os.path.join("data", "gainakt.runs")
