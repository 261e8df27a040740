"""Runs as one file: what comes out elsewhere is what went in, and nothing else comes in."""

import json
import random
import zipfile
from dataclasses import replace

import pytest

from gainakt.errors import InputError
from gainakt.store import RunFolder, Store, runs_root
from gainakt.store import bundle as bundles
from gainakt.store.bundle import MANIFEST, export_runs, import_runs
from tests.journals import content
from tests.pages import write_run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of two runs with everything in their folders, taken in."""
    path = tmp_path_factory.mktemp("bundle") / "a.duckdb"
    for name, end in (("first", "finished"), ("=cmd|' /C calc'!A0", "stopped")):
        run_id = write_run(path, name, end)
        states = RunFolder(runs_root(path), run_id).folder / "states"
        states.mkdir()
        (states.parent / "encoder1.safetensors").write_bytes(bytes(range(256)) * 9)
        for step in (0, 10, 20):
            (states / f"step-{step:08d}.json").write_text("{}")
            (states / f"step-{step:08d}.safetensors").write_bytes(b"state" * step)
        (states.parent / "resuming.lock").touch()
        (states.parent / "encoder1.json.new").touch()
    with Store.open(path) as opened:
        opened.take_in()
        yield opened


@pytest.fixture(scope="module")
def file(store, tmp_path_factory):
    """Both runs as one file."""
    to = tmp_path_factory.mktemp("bundle") / "runs.zip"
    export_runs(store.runs_root, runs_of(store), to)
    return to


def runs_of(store):
    return [store.run(run_id) for run_id in store.runs()["run_id"]]


def test_an_empty_store_that_imports_holds_the_same_table_by_table(store, file, tmp_path):
    with Store.open(tmp_path / "b.duckdb") as other:
        done = import_runs(other.runs_root, file)
        assert [one.outcome for one in done] == ["imported", "imported"]
        other.take_in()
        there = content(other)
        assert there == content(store) and len(there) >= 8 and all(there.values())
        assert runs_of(other) == runs_of(store)


def test_files_travel_whole_and_states_only_where_they_are_needed(store, file, tmp_path):
    root = tmp_path / "b.runs"
    import_runs(root, file)
    for run in runs_of(store):
        here, there = RunFolder(store.runs_root, run.run_id).folder, root / run.run_id
        kept = {path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file()}
        last = {"states/step-00000020.json", "states/step-00000020.safetensors"}
        expected = {"journal.jsonl", "encoder1.safetensors"}
        assert kept == (expected if run.status == "finished" else expected | last)
        assert all((here / name).read_bytes() == (there / name).read_bytes() for name in kept)
    assert sorted(path.name for path in root.iterdir()) == sorted(run.run_id for run in runs_of(store))
    export_runs(store.runs_root, runs_of(store), tmp_path / "all.zip", states=True)
    import_runs(tmp_path / "c.runs", tmp_path / "all.zip")
    assert all(len(list((tmp_path / "c.runs" / run.run_id / "states").iterdir())) == 6 for run in runs_of(store))


def test_a_run_that_is_there_is_left_as_it_is_and_another_with_its_id_refused(store, file, tmp_path):
    root = tmp_path / "b.runs"
    import_runs(root, file)
    first, second = (run.run_id for run in runs_of(store))
    RunFolder(root, first).append({"kind": "renamed", "name": "mine", "who": "me"})
    journal = RunFolder(root, second).journal
    journal.write_text(journal.read_text().replace("demo", "dem0"))
    before = [RunFolder(root, run_id).journal.read_bytes() for run_id in (first, second)]
    done = {one.run_id: one for one in import_runs(root, file)}
    assert (done[first].outcome, done[second].outcome) == ("there already", "refused")
    assert "delete" in done[second].why
    assert before == [RunFolder(root, run_id).journal.read_bytes() for run_id in (first, second)]


def test_what_cannot_travel_is_said(store, tmp_path):
    run = runs_of(store)[0]
    for odd, says in (
        (replace(run, status="running"), "running; export it once"),
        (replace(run, run_id="00000000-000000-0001"), "every installation has"),
        (replace(run, run_id="20261124-231502-3fa9"), "gone from"),
    ):
        with pytest.raises(InputError, match=says):
            export_runs(store.runs_root, [run, odd], tmp_path / "x.zip")
    with pytest.raises(InputError, match="at least one"):
        export_runs(store.runs_root, [], tmp_path / "x.zip")
    assert not list(tmp_path.glob("*x.zip*"))


def changed(file, to, change, manifest=None):
    """A copy of a file with members (name -> content) and the manifest changed."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(members.pop(MANIFEST))
    change(members, described)
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(described) if manifest is None else manifest)
    return to


def rename(members, described, new):
    """The first run's checkpoint under another name, in the archive and in the manifest."""
    run = described["runs"][0]
    members[f"{run['run_id']}/{new}"] = members.pop(f"{run['run_id']}/encoder1.safetensors")
    run["files"][new] = run["files"].pop("encoder1.safetensors")


def rename_run(members, described, new):
    run = described["runs"][0]
    for name in run["files"]:
        members[f"{new}/{name}"] = members.pop(f"{run['run_id']}/{name}")
    run["run_id"] = new


def flip(members, described):
    name = next(name for name in members if name.endswith("encoder1.safetensors"))
    members[name] = b"?" + members[name][1:]


def newer(members, described):
    described["format"] = 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *[
            (lambda members, described, name=name: rename(members, described, name), "no export writes that")
            for name in (
                "../../escaped.json", "/tmp/escaped.json", "states/../../escaped.json", "a\\..\\escaped.json",
                "weights.pkl", "states/deep/x.json", ".hidden.json", "x.json\n", "model.pt", "run.py", "",
            )
        ],
        *[
            (lambda members, described, name=name: rename_run(members, described, name), "no export writes that")
            for name in ("..", "20261124-231502-3fa9/..", "00000000-000000-0001", "a" * 200)
        ],
        (lambda members, described: members.update({"../x": b""}), "do not fit"),
        (lambda members, described: members.popitem(), "do not fit"),
        (flip, "is damaged: its SHA-256"),
        (newer, "update this installation"),
        (lambda members, described: described.update(runs=[{}]), "is damaged"),
        (lambda members, described: described.update(runs=[{"run_id": 3, "files": 4}]), "no export writes that"),
        (lambda members, described: described["runs"][0]["files"].update({"journal.jsonl": {}}), "is damaged"),
        (lambda members, described: described["runs"][0]["files"].pop("journal.jsonl"), "without its journal"),
        (lambda members, described: described["runs"].append(described["runs"][0]), "is there twice"),
    ],
)  # fmt: skip
def test_what_no_export_writes_is_refused_and_nothing_imported(file, tmp_path, change, says):
    root = tmp_path / "inbox" / "b.runs"
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(InputError, match=says):
        import_runs(root, changed(file, tmp_path / "odd.zip", change))
    (tmp_path / "odd.zip").unlink()
    left = [path for path in tmp_path.rglob("*") if path not in before and path not in (root, root.parent)]
    assert left == []


def test_a_bomb_is_refused_whether_it_says_its_size_or_not(file, tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "_ALWAYS", 1 << 16)
    content = bytes(1 << 24)

    def honest(members, described):
        run = described["runs"][0]
        members[f"{run['run_id']}/journal.jsonl"] = content
        run["files"]["journal.jsonl"]["bytes"] = len(content)

    def lying(members, described):
        honest(members, described)
        described["runs"][0]["files"]["journal.jsonl"]["bytes"] = 100

    for change, says in ((honest, "would unpack to"), (lying, "has not the size")):
        with pytest.raises(InputError, match=says):
            import_runs(tmp_path / "b.runs", changed(file, tmp_path / "odd.zip", change))
    # both the manifest and the directory of the zip lie: no more is written than they say
    odd = changed(file, tmp_path / "odd.zip", lying)
    odd.write_bytes(odd.read_bytes().replace(len(content).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    with pytest.raises(InputError):
        import_runs(tmp_path / "b.runs", odd)
    assert list((tmp_path / "b.runs").iterdir()) == []
    with pytest.raises(InputError, match=r"manifest.json is damaged"):
        import_runs(tmp_path / "b.runs", changed(file, tmp_path / "odd.zip", flip, "[" * 100_000))


def test_other_files_truncated_and_flipped_ones_end_in_a_sentence(file, tmp_path):
    whole, odd, chance = file.read_bytes(), tmp_path / "odd.zip", random.Random(0)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("x", "y")
    contents = [b"", b"PK", b"not a zip file", (tmp_path / "other.zip").read_bytes()]
    contents += [whole[: len(whole) * part // 20] for part in range(20)]
    for place in chance.sample(range(len(whole)), 200):
        contents.append(whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :])
    refused = 0
    for spoilt in contents:
        odd.write_bytes(spoilt)
        try:
            done = import_runs(tmp_path / "b.runs", odd)
        except InputError as error:
            refused += "odd.zip" in str(error) or "run" in str(error)
        else:  # a flipped bit in what nobody reads, such as a time
            assert {one.outcome for one in done} <= {"imported", "there already"}
    assert refused > 200


def test_leftovers_of_a_killed_import_go_with_the_next(file, tmp_path, monkeypatch):
    root = tmp_path / "b.runs"
    (root / ".import-0123").mkdir(parents=True)
    with Store.open(":memory:", runs=root) as other:
        assert other.take_in() == 0 and not other.warnings
    monkeypatch.setattr(bundles, "_LEFTOVER_SECONDS", -1.0)
    import_runs(root, file)
    assert not list(root.glob(".import-*"))
