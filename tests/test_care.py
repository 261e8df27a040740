"""`doctor`, `backup` and `restore-backup`: what is unsound is named; a backup brings all back or nothing."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from gainakt.errors import InputError
from gainakt.store import RunFolder, Store, checkup, runs_root, views
from gainakt.store.backup import backup, restore
from gainakt.store.inbox import beside
from tests.journals import content
from tests.pages import draw, text_of, write_run
from tests.test_damage import halve


@pytest.fixture
def path(tmp_path):
    """A store with a finished and a running run, which has a state and a checkpoint, closed."""
    path = tmp_path / "home" / "s.duckdb"
    path.parent.mkdir()
    write_run(path, "one", end="finished")
    run = RunFolder(runs_root(path), write_run(path, "two", end="running")).folder
    (run / "states").mkdir()
    for name, described in (("encoder1-0a.safetensors", "encoder1.json"), ("states/step-00000003.safetensors", None)):
        (run / name).write_bytes(b"weights")
        about = {"file": name, "sha256": hashlib.sha256(b"weights").hexdigest()}
        (run / (described or name.replace("safetensors", "json"))).write_text(json.dumps(about))
    with Store.open(path) as store:
        store.take_in()
    return path


def bad(path):
    return {one.about: one.says for one in checkup.findings(path) if one.state == checkup.BAD}


def test_a_sound_store_has_nothing_bad(path):
    found = {one.about: one.says for one in checkup.findings(path)}
    assert bad(path) == {}
    assert "2 runs" in found["store"] and "2 runs" in found["journals"] and found["held by"] == "nobody"
    assert found["weights"] == "1 checkpoints, 0 predictions, 1 states: all as recorded"


def test_a_place_without_a_store_is_sound(tmp_path):
    assert bad(tmp_path / "none" / "s.duckdb") == {} and not (tmp_path / "none").exists()


def test_what_is_unsound_is_named(path):
    (first, second) = sorted(place for place in runs_root(path).iterdir() if place.is_dir())
    lines = (first / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (first / "journal.jsonl").write_bytes(b"".join(lines[:4] + lines[5:]))
    weights = next(place for run in (first, second) for place in run.glob("encoder1-*.safetensors"))
    weights.write_bytes(b"weighty")
    halve(path, 0)
    said = bad(path)
    assert "row 5 is missing before row 6" in said["journals"] and first.name in said["journals"]
    assert weights.name in said["weights"] and "is damaged" in said["store"]


def test_the_command_doctor_rebuilds_and_says_what_it_found(path):
    halve(path, 0)
    command = [sys.executable, "-m", "gainakt", "doctor", "--json", "--store", str(path)]
    broken = subprocess.run(command, capture_output=True, text=True, check=False)
    assert broken.returncode == 1 and "is damaged" in json.loads(broken.stdout)["findings"][0]["says"]
    mended = subprocess.run([*command, "--rebuild"], capture_output=True, text=True, check=False)
    said = json.loads(mended.stdout)
    assert mended.returncode == 0 and said["rebuilt"]["runs"] == 2 and said["versions"]["device"]


def files(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_backup_restored_is_the_same_store_with_the_same_folders(path, tmp_path):
    gone, deleted = (write_run(path, name, end="finished") for name in ("without a folder", "in the trash"))
    with Store.open(path) as store:
        store.take_in()
        shutil.rmtree(runs_root(path) / gone)
        store.delete(deleted)
        before = content(store)
    views.save(runs_root(path), "mine", {"columns": []})
    plan = beside(path, "sweeps") / "variance" / "plan.toml"
    plan.parent.mkdir(parents=True)
    plan.write_text("seeds = 1")
    said = backup(path, tmp_path / "b.zip")
    assert said["runs"] == 3 and sorted(file.name for file in tmp_path.iterdir()) == ["b.zip", "home"]
    target = tmp_path / "new" / "t.duckdb"
    target.parent.mkdir()
    assert restore(tmp_path / "b.zip", target)["runs"] == 3
    with Store.open(target) as store:
        assert content(store) == before
    for part in ("runs", "sweeps"):
        assert files(beside(target, part)) == files(beside(path, part)) != {}
    with pytest.raises(InputError, match="is there already"):
        restore(tmp_path / "b.zip", target)


def test_a_backup_while_another_process_holds_the_store_and_a_run_is_written(path, tmp_path):
    code = (
        "import sys, time; from gainakt.store import Store\n"
        "s = Store.open(sys.argv[1]); s.start_intake(0.05); print('y', flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        (running,) = [place for place in runs_root(path).iterdir() if (place / "encoder1.json").exists()]
        with (running / "journal.jsonl").open("ab") as file:
            file.write(b'{"kind": "st')
        assert backup(path, tmp_path / "b.zip")["runs"] == 2
        holder.kill()
    restore(tmp_path / "b.zip", tmp_path / "t.duckdb")
    assert bad(tmp_path / "t.duckdb") == {}


@pytest.mark.parametrize("how", ["cut", "flipped", "foreign", "hostile", "text"])
def test_a_damaged_or_hostile_backup_puts_nothing_in_place(path, tmp_path, how):
    file, target = tmp_path / "b.zip", tmp_path / "new.duckdb"
    backup(path, file)
    whole = file.read_bytes()
    if how == "cut":
        file.write_bytes(whole[: len(whole) // 2])
    elif how == "flipped":
        at = whole.index(b'"kind": "step"')
        file.write_bytes(whole[:at] + b"'" + whole[at + 1 :])
    elif how == "text":
        file.write_text("hello")
    else:
        name = "runs/20261124-231502-3fa9/../../../evil" if how == "hostile" else "other"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, b"x")
            archive.writestr("store.duckdb", b"x")
            digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
            listed = {name: digest, "store.duckdb": digest}
            archive.writestr("manifest.json", json.dumps({"format": 1, "sha256": listed}))
    with pytest.raises(InputError, match=r"b\.zip"):
        restore(file, target)
    assert sorted(place.name for place in tmp_path.iterdir()) == ["b.zip", "home"]


def test_home_checks_the_store_when_asked(page_store):
    run = RunFolder(runs_root(page_store), write_run(page_store, end="finished"))
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(lines[:4] + lines[5:]))
    app = draw("app.py")
    (button,) = [one for one in app.button if one.label == "Check the store"]
    app = button.click().run()
    said = text_of(app)
    assert not app.exception and "row 5 is missing before row 6" in said and "this process" in said
    assert "1 row of its journal is damaged" in text_of(draw("pages/3_Run.py", run=run.run_id))


def test_a_backup_that_breaks_off_leaves_nothing(path, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    before = sorted(runs_root(path).iterdir())
    with pytest.raises(InputError, match="the disk is full"):
        backup(path, tmp_path / "b.zip")
    assert [place.name for place in tmp_path.iterdir()] == ["home"] and sorted(runs_root(path).iterdir()) == before


def test_what_a_killed_backup_left_is_removed_a_day_later(path, tmp_path):
    old, young, other = (
        tmp_path / name for name in (".gainakt-backup-1", ".gainakt-backup-2", ".gainakt-backups-of-mine")
    )
    for file in (old, young, other):
        file.write_bytes(b"half")
    os.utime(old, (1.0, 1.0))
    backup(path, tmp_path / "b.zip")
    assert not old.exists() and young.exists() and other.exists(), "another backup may write the young one now"
