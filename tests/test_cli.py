"""`python -m gainakt VERB`: what it prints, how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from gainakt import __version__
from gainakt.cli.verdict import TESTS_WITH
from gainakt.errors import READ_ONLY
from gainakt.store import RunFolder, Store, runs_root
from gainakt.training.saved import reevaluate
from gainakt.verdict.judge import ARMS
from tests.command import gainakt

ROOT = Path(__file__).resolve().parents[1]
SMALL = [
    "model.width=8", "model.heads=2", "model.blocks=1", "model.feedforward=8", "data.window=20",
    "training.max_epochs=1", "training.batch_size=8", "training.device=cpu",
]  # fmt: skip
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "GAINAKT_STORE"}
KEYS = {"run_id", "status", "epochs", "best_epoch", "seconds", "train_interactions_per_second", "test"}
TEST_KEYS = {
    "encoder1_auc", "encoder2_auc", "gain_mean", "gain_std", "skill_gain_cv", "response_gain_ratio",
    "mastery_correlation", "mastery_correlation_by_student", "gain_correlation", "beta_std", "aggregate_gain_mean",
    "aggregate_gain_std",
}  # fmt: skip


def settings(*more):
    return [word for assignment in [*SMALL, *more] for word in ("--set", assignment)]


def answer(done):
    """The JSON object on the last line of stdout of a command that succeeded."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def why(done):
    """The last line of stderr."""
    return done.stderr.rstrip().splitlines()[-1]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("cli") / "x.duckdb"


@pytest.fixture(scope="module")
def trained(store, class_file):
    """What `train --json` says of a run in the store."""
    done = gainakt("train", "--data", class_file, "--name", "mine", *settings(), "--json", "--store", store)
    told = answer(done)
    assert f"run {told['run_id']}" in done.stderr and "\r" not in done.stderr  # no bar where nobody looks
    return told


def test_train_tells_all_it_promises(trained):
    assert set(trained) >= KEYS and set(trained["test"]) >= TEST_KEYS
    assert (trained["status"], trained["epochs"]) == ("finished", 1)
    assert set(trained["best_epoch"]) == {"encoder1", "encoder2"}
    assert 0 <= trained["test"]["encoder1_auc"] <= 1 and trained["train_interactions_per_second"] > 0
    assert {"train", "validation"} <= set(trained)


def test_runs_lists_it(trained, store):
    (run,) = answer(gainakt("runs", "--json", "--store", store))["runs"]
    assert (run["run_id"], run["name"], run["status"]) == (trained["run_id"], "mine", "finished")
    assert run["encoder2_auc"] == pytest.approx(trained["test"]["encoder2_auc"])
    assert answer(gainakt("runs", "no such text", "--json", "--store", store)) == {"runs": [], "published": []}


def test_evaluate_gives_the_numbers_of_train(trained, store):
    told = answer(gainakt("evaluate", trained["run_id"], "--json", "--store", store))
    assert set(told) >= KEYS
    for name in ("run_id", "status", "epochs", "best_epoch", "seconds", "train_interactions_per_second"):
        assert told[name] == trained[name], name
    for split in ("train", "validation", "test"):
        assert told[split] == pytest.approx(trained[split], abs=1e-6)


def test_a_visitor_evaluates_and_leaves_no_predictions(trained, store, tmp_path, monkeypatch):
    folder = tmp_path / "s.runs" / trained["run_id"]
    shutil.copytree(runs_root(store) / trained["run_id"], folder)
    for file in folder.glob("predictions*"):
        file.unlink()
    with Store.open(":memory:", runs=folder.parent) as reading:
        reading.take_in()
        for looks_on, left in (("1", 0), ("0", 2)):
            monkeypatch.setenv(READ_ONLY, looks_on)
            assert reevaluate(reading.run(trained["run_id"]), folder.parent)["test"]
            assert len(list(folder.glob("predictions*"))) == left


def test_the_tests_run_by_their_present_and_their_former_name(trained, store):
    for name in ("curve-model", "stand-in"):
        told = answer(gainakt("verdict", trained["run_id"], "--with", name, "--json", "--store", store))
        assert told["verdict"]["skills_differ"]["status"] != "untested"
    assert set(TESTS_WITH.values()) == set(ARMS)


def test_skills_have_the_files_own_labels(trained, store):
    told = answer(gainakt("skills", trained["run_id"][:-1], "--json", "--store", store))["skills"]
    assert [row["skill"] for row in told] == ["0", "1", "2", "3", "4"]
    named = {"skill", "interactions", "effective_rate", "mean_gain", "m_sat", "beta", "threshold"}
    assert all(set(row) >= named for row in told)
    for row in told:
        if row["effective_rate"] is not None:
            assert row["effective_rate"] == pytest.approx(row["beta"] * row["mean_gain"] * 1.0, rel=1e-5)
    assert any(row["effective_rate"] is not None for row in told)


def test_without_json_people_can_read_it(trained, store):
    done = gainakt("skills", trained["run_id"], "--store", store)
    assert done.returncode == 0 and "effective_rate" in done.stdout
    assert "mine" in gainakt("runs", "--store", store).stdout


def test_data_says_what_is_in_it(class_file, tmp_path):
    told = answer(gainakt("data", class_file, "--json"))
    assert (told["students"], told["skills"], told["rejected"], told["overlapping_students"]) == (40, 5, 0, 0)
    assert told["interactions"] > 100 and 0 < told["share_correct"] < 1
    bad = tmp_path / "bad.csv"
    bad.write_text('fold,uid,concepts,responses\n0,a,"1,2","1,0"\n0,b,"1,2","1,2"\n')
    done = gainakt("data", bad, "--json", "--rejected", tmp_path / "left_out.csv")
    assert answer(done)["rejected"] == 1 and f"{bad}, row 3, column responses" in done.stderr
    assert "neither 0 nor 1" in (tmp_path / "left_out.csv").read_text()


def test_no_epochs_and_a_preset(class_file, tmp_path):
    words = ["train", "--preset", "v3-phase1", "--data", class_file, *settings("training.max_epochs=0")]
    told = answer(gainakt(*words, "--json", "--store", tmp_path / "x.duckdb"))
    assert told["epochs"] == 0 and told["best_epoch"] == {"encoder1": 0, "encoder2": 0}
    assert told["train_interactions_per_second"] is None and set(told["test"]) >= TEST_KEYS


BAD = {
    "unknown field": (["train", "--set", "training.epochs=1"], "unknown setting 'training.epochs'"),
    "misspelt section": (["train", "--set", "wieghts.variance=3"], "did you mean weights.variance?"),
    "no section": (["train", "--set", "variance=3"], "did you mean weights.variance?"),
    "misspelt data setting": (["data", ".", "--set", "data.windw=3"], "did you mean data.window?"),
    "misspelt scenario field": (
        ["simulate", "demo", "--out", "x.csv", "--set", "studnets=3"],
        "did you mean students?",
    ),
    "misspelt criterion": (["verdict", "x", "--set", "gian_std=3"], "did you mean gain_std?"),
    "out of bounds": (
        ["train", "--set", "weights.encoder_priority=2"],
        "weights.encoder_priority: Input should be less than or equal to 1",
    ),
    "no value": (["train", "--set", "weights.encoder_priority"], "expected name=value"),
    "preset": (["train", "--preset", "v4"], "known: corrected, without-level, v3-phase1"),
    "both sources": (["train", "--data", "x.csv", "--simulate", "demo"], "give one"),
    "data": (["data", "nowhere.csv"], "nowhere.csv: no such file or folder"),
    "run": (["evaluate", "20261124-000000-0000"], "no run '20261124-000000-0000'"),
    "skills": (["skills", "../x"], "no run '../x'"),
    "option": (["runs", "--jsn"], "--jsn"),
    "verb": (["trian"], "trian"),
    "endless students": (["study", "--students", "inf"], "--students: 'inf' is no number"),
    "no number of students": (["study", "--students", "nan"], "--students: 'nan' is no number"),
    "part of a student": (["study", "--students", "500.7"], "--students: 500.7 is no whole number"),
    "tests": (["verdict", "x", "--with", "guess"], "choose curve-model"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_status_2_and_the_last_line_says_why(trained, store, case):
    words, reason = BAD[case]
    place = [] if words[0] in ("data", "simulate", "trian") else ["--store", store]
    done = gainakt(*words, *place)
    assert done.returncode == 2 and reason in why(done), done.stderr
    assert "Traceback" not in done.stderr and not done.stdout
    (line,) = gainakt(*words, *place, "--json").stdout.splitlines()
    assert reason in json.loads(line)["error"]


def test_bad_data_of_a_train_is_status_2_and_the_run_failed(tmp_path):
    store = tmp_path / "x.duckdb"
    done = gainakt("train", "--data", "nowhere", *settings(), "--json", "--store", store)
    assert done.returncode == 2 and "nowhere: no such file or folder" in why(done)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["status"] == "failed"
    (run,) = answer(gainakt("runs", "--json", "--store", store))["runs"]
    assert (run["run_id"], run["status"]) == (told["run_id"], "failed")


def test_a_run_that_breaks_is_status_1(class_file, tmp_path):
    store = tmp_path / "x.duckdb"
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.argv[0] == '-m':\n"
        "    import gainakt.training.loop as loop\n"
        "    def broken(*given): raise RuntimeError('the fault of this test')\n"
        "    loop.Stepper = broken\n"
    )
    command = [sys.executable, "-m", "gainakt", "train", "--data", str(class_file), *settings(), "--store", str(store)]
    done = subprocess.run(
        command, cwd=ROOT, env={**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}:{ROOT}"}, capture_output=True, text=True
    )
    assert done.returncode == 1 and "the fault of this test" in why(done)
    assert "failed" in gainakt("runs", "--store", store).stdout


def test_a_study_whose_run_is_stopped_elsewhere_ends_with_a_sentence(tmp_path):
    store = tmp_path / "x.duckdb"
    words = ["study", "--students", "10", "--cv", "0", "--seeds", "1", "--preset", "corrected", "--store", str(store)]
    process = subprocess.Popen(
        [sys.executable, "-m", "gainakt", *words], cwd=ROOT, env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (journals := list(tmp_path.glob("x.runs/*/journal.jsonl"))):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        RunFolder(runs_root(store), journals[0].parent.name).request_stop("dashboard")
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    last = err.rstrip().splitlines()[-1]
    assert process.returncode == 1 and "Traceback" not in err
    assert last.startswith("error: the study ended") and "stopped by dashboard" in last


def test_a_place_that_cannot_be_written_ends_with_a_sentence(class_file, tmp_path):
    (tmp_path / "file").write_text("")
    for words, code in (
        (["data", class_file, "--rejected", tmp_path / "file" / "rows.csv"], 1),
        (["train", "--data", class_file, "--store", tmp_path / "file" / "x.duckdb"], 2),
    ):
        done = gainakt(*words)
        assert done.returncode == code and why(done).startswith("error: ") and "file" in why(done)
        assert "Traceback" not in done.stderr


def test_the_version_is_told():
    assert gainakt("--version").stdout == f"gainakt {__version__}\n"


def test_ctrl_c_stops_after_the_step_with_everything_saved(class_file, tmp_path):
    store = tmp_path / "x.duckdb"
    long = settings("training.max_epochs=1000", "training.patience=1000")
    process = subprocess.Popen(
        [sys.executable, "-m", "gainakt", "train", "--data", str(class_file), *long, "--json", "--store", str(store)],
        cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not any('"kind": "step"' in file.read_text() for file in tmp_path.glob("x.runs/*/journal.jsonl")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    assert told["status"] == "stopped" and told["reason"] == "stopped by terminal"
    assert "stopping after this step" in err and set(told["test"]) >= TEST_KEYS
    assert len(list(tmp_path.glob("x.runs/*/encoder*.safetensors"))) == 2


def test_an_installed_copy_has_the_command_and_every_file_that_it_reads(tmp_path):
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        if name.startswith("gainakt/") or "/" not in name:
            (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "source" / name)
    build = "import setuptools.build_meta as backend, sys; print(backend.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=tmp_path / "source", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("gainakt-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        scripts = next(name for name in names if name.endswith("entry_points.txt"))
        assert "gainakt = gainakt.cli.main:main" in packed.read(scripts).decode()
    assert {name for name in files if name.startswith("gainakt/")} <= set(names)


@pytest.mark.parametrize("verb", ["", "train"])
def test_every_verb_has_help(verb):
    done = gainakt(*([verb] if verb else []), "--help")
    assert done.returncode == 0 and (verb or "train") in done.stdout


@pytest.fixture(scope="module")
def steered(store, class_file):
    """A run that was asked for a change, and to pause, before its first step."""
    command = ["train", "--data", class_file, "--name", "steered", *settings("training.max_epochs=2")]
    process = subprocess.Popen(
        [sys.executable, "-m", "gainakt", *map(str, command), "--json", "--store", str(store)],
        cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    run_id = process.stderr.readline().split()[1]
    folder = RunFolder(runs_root(store), run_id)
    folder.request("weights.variance", 50.0, "tests")
    folder.request_pause("tests")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    assert json.loads(output.splitlines()[-1]) == {"run_id": run_id, "status": "paused", "step": 0}
    return run_id


def test_what_cannot_be_asked_of_a_paused_run_is_one_sentence(steered, trained, store):
    for words, sentence in (
        (("stop", steered), f"error: run {steered} is paused: no process works on it"),
        (("branch", steered, "--at", "9999"), "kept no state of step 9999; kept are those of"),
        (("branch", steered, "--set", "model.width=16"), "other model.width (8 there, 16 asked)"),
        (("branch", steered, "--set", "wieghts.variance=3"), "did you mean weights.variance?"),
        (("resume", trained["run_id"]), "is finished; branch it to train on"),
        (("twin", trained["run_id"]), "was not steered, so it is its own twin"),
    ):
        done = gainakt(*words, "--json", "--store", store)
        assert done.returncode == 2 and sentence in why(done), done.stderr
        assert "Traceback" not in done.stderr
        assert [f"error: {json.loads(line)['error']}" for line in done.stdout.splitlines()] == [why(done)]


def test_pause_and_stop_ask_a_run_that_waits(store, tiny):
    config = tiny().model_dump()
    with RunFolder.create(runs_root(store), name="waits", preset="corrected", config=config) as folder:
        for verb in ("pause", "stop"):
            asked = answer(gainakt(verb, folder.run_id, "--json", "--store", store))
            assert asked == {"run_id": folder.run_id, "asked": verb}
        assert [row["kind"] for row in folder.requests(0)[0]] == ["pause", "stop"]
        folder.append({"kind": "failed", "step": 0, "error": "only a test"})


def test_a_run_is_branched_resumed_replayed_and_compared_with_its_twin(steered, store):
    place = ("--json", "--store", store)
    branched = answer(gainakt("branch", steered, "--set", "training.max_epochs=1", "--name", "short", *place))
    assert branched["status"] == "finished" and branched["run_id"] != steered
    resumed = answer(gainakt("resume", steered, *place))
    assert (resumed["run_id"], resumed["status"]) == (steered, "finished")
    replayed = answer(gainakt("replay", steered, "--check", *place))
    assert (replayed["replay_of"], replayed["identical"], replayed["differences"]) == (steered, True, [])
    said = answer(gainakt("twin", steered, *place))
    (pair,) = said["pairs"]
    assert pair["steered"] == steered and said["effects"]["gain_std"]["seeds"] == 1
    shown = gainakt("twin", steered, "--store", store)
    assert shown.returncode == 0 and pair["unsteered"] in shown.stdout and "gain_std" in shown.stdout


def test_explain_says_what_a_prediction_is_made_of(trained, store):
    said = answer(gainakt("explain", trained["run_id"], "--student", "s000", "--step", 2, "--json", "--store", store))
    assert said["run_id"] == trained["run_id"] and {"contributions"} <= set(said)
    for more, words in ((("--student", "nobody", "--step", 2), "nobody"), (("--student", "s000", "--step", 9999), "")):
        done = gainakt("explain", trained["run_id"], *more, "--json", "--store", store)
        assert done.returncode == 2 and why(done).startswith("error: ") and words in why(done)
        assert "Traceback" not in done.stderr
