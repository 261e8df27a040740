"""The store among real processes that hold it, write runs, and are killed."""

import os
import signal
import subprocess
import sys
import threading
import time

import duckdb
import pytest

from gainakt.errors import InputError, StoreBusy
from gainakt.store import RunFolder, Store, inbox, open_for_reading, runs_root, schema
from gainakt.store.owner import this_process

WRITER = """
import sys, time
from gainakt.store.inbox import RunFolder
folder = RunFolder.create(sys.argv[1], name="terminal", preset="corrected", config={})
folder.append({"kind": "started", "device": "cpu", "versions": {}, "data": {}, "skills": [], "steps_per_epoch": 1,
               "max_epochs": 1, "parameters": 1})
print(folder.run_id, flush=True)
for step in range(10**6):
    folder.append({"kind": "step", "step": step, "epoch": 1, "values": {"loss": 1.0}})
    time.sleep(0.001)
"""
HOLDER = """
import sys, time
from gainakt.store import Store
store = Store.open(sys.argv[1])
if sys.argv[2] == "intake":
    store.start_intake(0.05)
else:
    store.take_in()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def start():
    """Starts Python code in a process, and the first line that it prints; all are killed at the end."""
    processes = []

    def started(code, *arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process, process.stdout.readline().strip()

    yield started
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "it's.duckdb"


def make(path, steps=3):
    folder = RunFolder.create(runs_root(path), name="a run", preset="corrected", config={})
    for step in range(steps):
        folder.append({"kind": "step", "step": step, "epoch": 1, "values": {"loss": 1.0}})
    return folder


def test_a_killed_run_is_interrupted_at_once_with_all_its_rows(path, start):
    process, run_id = start(WRITER, runs_root(path))
    with Store.open(path) as store:
        store.take_in()
        assert store.run(run_id).status == "running"
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        time.sleep(0.05)  # not waited for: a zombie counts as dead
        store.take_in()
        run = store.run(run_id)
        assert run.status == "interrupted" and run.ended == run.heartbeat and str(process.pid) in run.reason
        written = RunFolder(runs_root(path), run_id).journal.read_bytes().count(b'"kind": "step"')
        assert len(store.series([run_id], ["loss"])) == run.step + 1 == written
        assert store.events(run_id)["kind"].tolist()[-1] == "interrupted"
        assert store.take_in() == 0 and store.events(run_id)["kind"].tolist().count("interrupted") == 1


def test_a_reused_pid_is_not_the_run(path, monkeypatch):
    monkeypatch.setattr(inbox, "this_process", lambda: this_process() | {"pid_started": 1.0})
    folder = make(path)
    with Store.open(path) as store:
        store.take_in()
        assert store.run(folder.run_id).status == "interrupted"


def test_a_silent_run_of_another_host_is_interrupted_and_runs_again_when_it_writes(path, monkeypatch):
    monkeypatch.setattr(inbox, "this_process", lambda: {"pid": 1, "pid_started": 1.0, "host": "elsewhere"})
    folder = make(path)
    with Store.open(path) as store:
        store.take_in()
        assert store.run(folder.run_id).status == "queued"
        os.utime(folder.journal, (time.time() - 200,) * 2)
        store.take_in()
        assert store.run(folder.run_id).status == "interrupted"
        store.annotate(folder.run_id, {"name": "only a name"})
        assert store.run(folder.run_id).status == "interrupted"
        folder.append({"kind": "step", "step": 9, "epoch": 1, "values": {}})
        store.take_in()
        run = store.run(folder.run_id)
        assert (run.status, run.ended, run.reason) == ("running", None, None)


def test_a_killed_holder_loses_nothing(path, start):
    folder = make(path, steps=500)
    process, _ = start(HOLDER, path, "once")
    folder.append({"kind": "step", "step": 500, "epoch": 1, "values": {"loss": 1.0}})
    process.kill()
    process.wait()
    with Store.open(path) as store:
        assert store.take_in() == 1
        assert len(store.series([folder.run_id], ["loss"])) == 501


def test_holders_killed_while_they_take_in_take_each_row_once(path, start):
    folder = make(path, steps=0)
    for turn in range(3):
        process, _ = start(HOLDER, path, "intake")
        for step in range(turn * 500, turn * 500 + 500):
            folder.append({"kind": "step", "step": step, "epoch": 1, "values": {"loss": 1.0}})
            if step % 50 == 0:
                time.sleep(0.01)
        process.kill()
        process.wait()
    with Store.open(path) as store:
        store.take_in()
        assert list(store.series([folder.run_id], ["loss"])["step"]) == list(range(1500))
        assert not store.warnings


def test_a_lost_file_is_rebuilt_from_the_journals(path):
    folder = make(path)
    with Store.open(path) as store:
        store.take_in()
    path.unlink()
    with Store.open(path) as store:
        assert store.take_in() == 4 and store.run(folder.run_id).step == 2


def test_the_second_process_learns_who_holds_the_store(path, start):
    process, _ = start(HOLDER, path, "once")
    with pytest.raises(StoreBusy, match=f"process {process.pid}"):
        Store.open(path, wait=0.2)
    with pytest.raises(StoreBusy, match=f"process {process.pid}.*read-only snapshot"):
        open_for_reading(path, wait=0.3)
    assert not list(runs_root(path).glob(".snapshot*"))


def test_a_short_command_is_waited_for(path, start):
    process, _ = start(HOLDER, path, "once")
    threading.Timer(0.3, process.kill).start()
    Store.open(path, wait=5).close()


def test_a_reader_gets_a_fresh_snapshot_from_the_holder(path, start):
    start(HOLDER, path, "intake")
    for _ in range(3):
        folder = make(path)
        with open_for_reading(path, wait=10) as store, open_for_reading(path, wait=10) as second:
            assert store.read_only and store.run(folder.run_id).step == 2 == second.run(folder.run_id).step
            store.annotate(folder.run_id, {"name": "through the journal"})
    with open_for_reading(path, wait=10) as store:
        assert store.run(folder.run_id).name == "through the journal"
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            store._rows("DELETE FROM runs", {})
    assert not list(runs_root(path).glob(".snapshot*"))


def test_a_store_that_nobody_holds_is_read_directly(path):
    folder = make(path)
    with open_for_reading(path) as store:
        assert not store.read_only and store.run(folder.run_id).name == "a run"


def test_reading_a_store_that_is_not_there_makes_no_file(path):
    with open_for_reading(path) as store:
        assert store.runs().empty
    assert not path.exists() and not runs_root(path).exists()


def test_a_damaged_log_is_kept_aside_and_all_is_taken_in_again(path, start):
    folder = make(path, steps=2000)
    process, _ = start(HOLDER, path, "once")
    process.kill()
    process.wait()
    log = path.with_name(path.name + ".wal")
    damaged = bytearray(log.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = bytes(byte ^ 0xFF for byte in damaged[middle : middle + 64])
    log.write_bytes(damaged)
    with Store.open(path) as store:
        assert "damaged" in store.warnings[0]
        store.take_in()
        assert len(store.series([folder.run_id], ["loss"])) == 2000
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == damaged


def test_a_file_that_is_no_store_is_refused(path, tmp_path):
    path.write_bytes(b"hello" * 1000)
    with pytest.raises(InputError, match="cannot open the store"):
        Store.open(path)
    assert path.read_bytes() == b"hello" * 1000
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
    with pytest.raises(InputError, match="not a GainAKT store"):
        Store.open(other)


def test_a_newer_schema_is_refused(path):
    Store.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_versions VALUES (999, 0)")
    with pytest.raises(InputError, match=r"schema version 999.*newer GainAKT"):
        Store.open(path)


def test_a_migration_copies_the_file_first(path, monkeypatch):
    folder = make(path)
    with Store.open(path) as store:
        store.take_in()
    later = (*schema.MIGRATIONS, "ALTER TABLE runs ADD COLUMN later VARCHAR DEFAULT ''")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    with Store.open(path) as store:
        assert store.run(folder.run_id).name == "a run"
        assert store._rows("SELECT later FROM runs", {}) == [("",)]
        assert "is kept in" in store.warnings[0]
    monkeypatch.undo()
    copy = path.with_name(f"{path.stem}.before-schema-{len(later)}.duckdb")
    with Store.open(copy, runs=runs_root(path)) as store:
        assert store.run(folder.run_id).step == 2


def test_a_new_store_has_all_of_its_schema_or_none(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (schema.MIGRATIONS[0], "SELECT nonsense"))
        with pytest.raises(duckdb.Error):
            Store.open(path)
    with Store.open(path) as store:
        assert store.warnings == []
    assert not list(path.parent.glob("*before-schema*"))


def test_a_failed_migration_changes_nothing(path, monkeypatch):
    Store.open(path).close()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE t (a INTEGER); SELECT nonsense"))
        with pytest.raises(duckdb.Error):
            Store.open(path)
    with Store.open(path) as store:
        assert store._rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 't'", {}) == [(0,)]


def test_two_stores_of_one_process_and_many_threads_share_a_file(path):
    folder = make(path)
    with Store.open(path) as one, Store.open(path) as two:
        one.start_intake(0.01)
        two.start_intake(0.01)
        failures = []

        def read():
            try:
                for _ in range(30):
                    two.runs()
                    one.series([folder.run_id], ["loss"], points=5)
            except Exception as error:
                failures.append(error)

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for step in range(3, 300):
            folder.append({"kind": "step", "step": step, "epoch": 1, "values": {"loss": 1.0}})
        for reader in readers:
            reader.join()
        one.take_in()
        assert not failures and not one.warnings and not two.warnings
        assert list(one.series([folder.run_id], ["loss"])["step"]) == list(range(300))
