"""A damaged, full or foreign store: said in a sentence, kept aside, rebuilt from the journals."""

import os
import random
import socket
import sqlite3
import subprocess
import sys

import duckdb
import pytest

from gainakt.errors import InputError, StoreBusy, StoreDamaged
from gainakt.store import RunFolder, Store, damage, open_for_reading, runs_root
from gainakt.ui import resources
from tests.journals import content
from tests.pages import draw, text_of, write_run


@pytest.fixture
def path(tmp_path):
    """A store with three runs, closed."""
    path = tmp_path / "it's.duckdb"
    for name in "abc":
        write_run(path, name, end="finished")
    with Store.open(path) as store:
        store.take_in()
    return path


def kept_aside(path):
    return [file for file in path.parent.iterdir() if ".damaged-" in file.name]


def spoil(path, seed):
    """Turn one bit of every tenth of the file over, beyond its headers."""
    data = bytearray(path.read_bytes())
    draw = random.Random(seed)
    for part in range(10):
        at = 12288 + (len(data) - 12288) * part // 10 + draw.randrange(4096)
        data[min(at, len(data) - 1)] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def halve(path, _):
    os.truncate(path, path.stat().st_size // 2)


def lose_a_table(path, _):
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE events")


def lose_a_column(path, _):
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE series DROP COLUMN value")


@pytest.mark.parametrize("spoiled", [spoil, halve, lose_a_table, lose_a_column])
def test_a_damaged_store_is_named_kept_aside_and_rebuilt_equal(path, spoiled):
    with Store.open(path) as store:
        before = content(store)
    spoiled(path, 1)
    bad = path.read_bytes()
    with pytest.raises(StoreDamaged, match=r"is damaged: .*doctor --rebuild"), Store.open(path) as store:
        store.take_in()
        content(store)
    count, kept = damage.rebuild(path, runs_root(path))
    assert count == 3 and kept_aside(path) == [kept] and kept.read_bytes() == bad
    with Store.open(path) as store:
        assert store.take_in() == 0 and content(store) == before


def test_commands_say_in_a_sentence_that_the_store_is_damaged(path):
    halve(path, 0)
    done = subprocess.run(
        [sys.executable, "-m", "gainakt", "runs", "--store", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith("error: the store ") and done.stderr.count("\n") == 1


def test_a_rebuilding_that_breaks_off_changes_nothing(path, monkeypatch):
    halve(path, 0)
    bad = path.read_bytes()

    def full(self):
        raise InputError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(InputError, match="full"):
        patch.setattr(Store, "take_in", full)
        damage.rebuild(path, runs_root(path))
    assert path.read_bytes() == bad and not kept_aside(path)
    assert damage.rebuild(path, runs_root(path))[0] == 3


def test_a_store_without_journals_is_not_given_up(path):
    runs_root(path).rename(path.with_name("elsewhere"))
    with pytest.raises(InputError, match="nothing was changed"):
        damage.rebuild(path, runs_root(path))
    assert not kept_aside(path)


def test_a_store_that_another_process_holds_is_not_rebuilt(path):
    code = (
        "import sys, time; from gainakt.store import Store\n"
        "s = Store.open(sys.argv[1]); print('y', flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(StoreBusy, match=str(holder.pid)):
            damage.rebuild(path, runs_root(path), wait=0.2)
        holder.kill()
    assert not kept_aside(path)


class Cached:
    """What `st.cache_resource` makes of a function that opens the store."""

    def __init__(self, path):
        self.path, self.store = path, None

    def __call__(self):
        if self.store is None:
            self.store = Store.open(self.path, wait=0.2)
            self.store.on_damage = resources._show_damage
            self.store.take_in()
        return self.store

    def clear(self):
        self.store = None


@pytest.mark.parametrize("when", ["opened", "read"])
def test_a_page_says_that_the_store_is_damaged_and_rebuilds_it(page_store, monkeypatch, when):
    write_run(page_store, end="finished", name="still there")
    opened = Cached(page_store)
    monkeypatch.setattr(resources, "_open_store", opened)
    opened()
    if when == "read":
        opened()._writer.execute("ALTER TABLE runs RENAME TO lost")
    else:
        opened().close()
        opened.clear()
        halve(page_store, 0)
    app = draw("pages/2_Runs.py")
    assert "is damaged" in text_of(app) and "still there" not in str(app.dataframe)
    (button,) = [one for one in app.button if one.label == "Rebuild the store"]
    button.click().run()
    assert not app.exception and "is damaged" not in text_of(app) and len(kept_aside(page_store)) == 1
    assert opened().runs()["name"].tolist() == ["still there"]
    opened().close()


PLACES = {
    "sqlite": "an SQLite file",
    "text": "not a DuckDB file",
    "pipe": "a pipe or a device",
    "folder": "a folder",
    "long name": "File name too long",
    "runs are a file": "a file is there already",
    "under a file": "a file is there already",
}


@pytest.mark.parametrize("what", PLACES)
def test_what_cannot_be_a_store_gets_a_sentence_and_no_waiting(tmp_path, what, monkeypatch):
    def nowhere(*_):
        raise AssertionError("tried to reach the network")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    path = tmp_path / ("x" * 300 if what == "long name" else "x.duckdb")
    if what == "sqlite":
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE a (b)")
        connection.close()
    elif what == "text":
        path.write_text("dear diary")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "runs are a file":
        runs_root(path).touch()
    elif what == "under a file":
        path.touch()
        path /= "x.duckdb"
    with pytest.raises(InputError, match=PLACES[what]) as raised:
        Store.open(path)
    assert "download" not in str(raised.value) and len(str(raised.value)) < 600
    if "runs" in what or "under" in what or "long" in what:
        with pytest.raises(InputError, match=PLACES[what]):
            RunFolder.create(runs_root(path), name="n", preset="p", config={})


@pytest.mark.parametrize("name", ["md:x", "http://example.org/x.duckdb", "s3://bucket/x", ":x:"])
def test_a_name_that_means_something_to_duckdb_is_a_file_here(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with Store.open(name) as store:
        assert store.runs().empty
    assert (tmp_path / name).is_file()


def test_no_extension_is_fetched_from_the_first_moment_on(tmp_path):
    for store in (Store.open(tmp_path / "s.duckdb"), Store.open(":memory:"), open_for_reading(tmp_path / "s.duckdb")):
        with store:
            settings = "autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"
            found = [store._rows(f"SELECT current_setting('{name}')", {})[0][0] for name in settings]
            assert found == [False, False, False]
            assert store._rows("SELECT current_setting('lock_configuration')", {}) == [(True,)]


def test_a_disk_that_is_full_at_a_checkpoint_is_said_in_words(tmp_path):
    with Store.open(tmp_path / "s.duckdb") as store:
        real = store._writer

        class Full:
            def execute(self, query, *values):
                if query == "CHECKPOINT":
                    raise duckdb.IOException("IO Error: Could not write file: No space left on device")
                return real.execute(query, *values)

        store._writer = Full()
        store._intake.run_ended = True
        with pytest.raises(InputError, match=r"the disk of .* is full"):
            store.take_in()
        store._writer = real


def test_a_store_that_could_not_be_made_for_want_of_room_is_made_once_there_is_some(tmp_path, monkeypatch):
    path = tmp_path / "s.duckdb"
    connect = duckdb.connect

    def full(name, **others):
        path.touch()
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    monkeypatch.setattr(duckdb, "connect", full)
    with pytest.raises(InputError, match=r"the disk of .* is full"):
        Store.open(path)
    path.touch()  # as a killed process leaves it
    monkeypatch.setattr(duckdb, "connect", connect)
    with Store.open(path) as store:
        assert store.runs().empty
