"""Trainings as jobs: one after another, stopped, failed; what their journals say."""

import errno
import shutil
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from gainakt.jobs import service
from gainakt.jobs.service import Service, execute, queue_run, steer, stop
from gainakt.store import RunFolder
from gainakt.training import loop


@pytest.fixture
def root(tmp_path):
    return tmp_path / "x.runs"


@pytest.fixture
def configured(tiny, class_file):
    """A function that gives a tiny configuration on the class's files."""
    return lambda changes=None: tiny({"data.path": str(class_file), "training.max_epochs": 1, **(changes or {})})


def journal(root, run_id):
    return RunFolder(root, run_id).rows(0)[0]


def kinds(root, run_id):
    return [row["kind"] for row in journal(root, run_id)]


def ends(root, run_id):
    """When the run began and ended, unix seconds."""
    rows = journal(root, run_id)
    (begun,) = [row["time"] for row in rows if row["kind"] == "started"]
    return begun, rows[-1]["time"]


def test_submitted_runs_train_one_after_the_other(root, configured):
    jobs = Service(root)
    runs = [jobs.submit(configured({"training.max_epochs": 3}), name=f"run {i}", preset="corrected") for i in range(3)]
    jobs.wait()
    assert len(set(runs)) == 3
    assert [journal(root, run)[-1]["status"] for run in runs] == ["finished"] * 3
    times = [ends(root, run) for run in runs]
    assert all(before[1] <= after[0] for before, after in pairwise(times))
    again = jobs.submit(configured(), name="later", preset="corrected")
    jobs.wait()
    assert journal(root, again)[-1]["status"] == "finished"


def test_submit_returns_before_the_training_has_begun(root, configured):
    jobs = Service(root)
    first = jobs.submit(configured({"training.max_epochs": 50}), name="long", preset="corrected")
    second = jobs.submit(configured(), name="waits", preset="corrected")
    assert kinds(root, second) == ["queued"]
    stop(root, first, "tests")
    jobs.wait()
    assert journal(root, first)[-1]["status"] == "stopped" and journal(root, second)[-1]["status"] == "finished"


def test_a_stopped_queued_run_never_starts(root, configured):
    jobs = Service(root)
    first = jobs.submit(configured({"training.max_epochs": 3}), name="first", preset="corrected")
    second = jobs.submit(configured(), name="second", preset="corrected")
    stop(root, second, "anna")
    third = jobs.submit(configured(), name="third", preset="corrected")
    jobs.wait()
    assert journal(root, first)[-1]["status"] == journal(root, third)[-1]["status"] == "finished"
    rows = journal(root, second)
    assert not {"started", "step", "evaluated", "checkpointed"} & {row["kind"] for row in rows}
    assert (rows[-1]["kind"], rows[-1]["status"]) == ("finished", "stopped")
    assert rows[-1]["reason"] == "stopped by anna before it started"
    assert not list((root / second).glob("*.safetensors"))


def test_settings_asked_for_while_queued_act_from_the_first_step(root, configured):
    config = configured()
    folder = queue_run(root, config, name="", preset="corrected")
    steer(root, folder.run_id, "weights.variance", 50, "anna")
    steer(root, folder.run_id, "model.width", 16, "anna")
    assert execute(folder, config)["status"] == "finished"
    rows = journal(root, folder.run_id)
    (changed,) = [row for row in rows if row["kind"] == "changed"]
    assert (changed["step"], changed["field"], changed["old"], changed["new"]) == (1, "weights.variance", 0.0, 50.0)
    (refused,) = [row for row in rows if row["kind"] == "refused"]
    assert refused["field"] == "model.width" and "cannot change" in refused["reason"]
    assert all("loss.variance" in row["values"] for row in rows if row["kind"] == "step")


def test_settings_asked_of_a_queued_curve_model_are_refused_with_the_reason(root, tiny, class_file):
    config = tiny({"data.path": str(class_file), "training.max_epochs": 5}, "parametric")
    folder = queue_run(root, config, name="", preset="parametric")
    steer(root, folder.run_id, "weights.variance", 50, "anna")
    assert execute(folder, config)["status"] == "finished"
    (refused,) = [row for row in journal(root, folder.run_id) if row["kind"] == "refused"]
    assert (refused["field"], refused["value"], refused["who"]) == ("weights.variance", 50, "anna")
    assert "no setting that can change" in refused["reason"]


@pytest.fixture
def disk(monkeypatch):
    """`disk.full`: whether journals can be appended to."""

    class Disk:
        full = False

    def append(self, row, given=RunFolder.append):
        if Disk.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        given(self, row)

    monkeypatch.setattr(RunFolder, "append", append)
    monkeypatch.setattr(service, "RETRY_SECONDS", 0.05, raising=False)
    yield Disk
    Disk.full = False


def test_a_disk_that_is_full_stops_no_other_run_and_no_run_stays_running(root, configured, disk, monkeypatch):
    def fill(self, batch, epoch, given=loop.Training.optimise):
        disk.full |= self.config.training.seed == 13 and self.step == 2
        return given(self, batch, epoch)

    monkeypatch.setattr(loop.Training, "optimise", fill)
    jobs = Service(root)
    bad = jobs.submit(configured({"training.seed": 13}), name="bad", preset="corrected")
    jobs.wait()
    assert "failed" not in kinds(root, bad)
    (problem,) = jobs.problems
    assert bad in problem and "the disk is full; make room" in problem
    time.sleep(0.2)  # tried again and again, in vain
    assert jobs.problems and "failed" not in kinds(root, bad)
    disk.full = False
    wait_for(root, bad, "failed")
    last = journal(root, bad)[-1]
    assert "the disk is full" in last["error"] and last["step"] == 3 and last["bad_input"] is False
    good = jobs.submit(configured(), name="good", preset="corrected")
    jobs.wait()
    assert journal(root, good)[-1]["status"] == "finished" and jobs.problems == []


def test_a_run_without_a_folder_is_given_up(root, configured, disk, monkeypatch):
    jobs = Service(root)
    monkeypatch.setattr(loop, "Stepper", lambda *_: setattr(disk, "full", True))
    bad = jobs.submit(configured(), name="bad", preset="corrected")
    jobs.wait()
    assert jobs.problems
    shutil.rmtree(root / bad)
    deadline = time.monotonic() + 10
    while jobs.problems:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError("no memory")], ids=repr)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_ends_a_training_is_recorded_and_the_next_one_runs(root, configured, monkeypatch, error):
    given = loop.Stepper

    def broken(model, config, *others):
        if config.training.seed == 13:
            raise error
        return given(model, config, *others)

    monkeypatch.setattr(loop, "Stepper", broken)
    jobs = Service(root)
    bad = jobs.submit(configured({"training.seed": 13}), name="bad", preset="corrected")
    good = jobs.submit(configured(), name="good", preset="corrected")
    jobs.wait()
    assert journal(root, bad)[-1]["error"].startswith(type(error).__name__)
    assert journal(root, good)[-1]["status"] == "finished"


def test_a_run_that_gets_no_thread_has_failed(root, configured, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    jobs = Service(root)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(threading.Thread, "start", start)
        jobs.submit(configured(), name="", preset="corrected")
    (run,) = [path.name for path in root.iterdir()]
    assert kinds(root, run) == ["queued", "failed"]
    jobs.wait()


def test_a_failing_run_is_recorded_with_its_traceback_and_the_next_one_runs(root, configured, monkeypatch):
    given = loop.Stepper

    def broken(model, config, *given_too):
        if config.training.seed == 13:
            raise RuntimeError("the fault of this test")
        return given(model, config, *given_too)

    monkeypatch.setattr(loop, "Stepper", broken)
    jobs = Service(root)
    bad = jobs.submit(configured({"training.seed": 13}), name="bad", preset="corrected")
    good = jobs.submit(configured(), name="good", preset="corrected")
    jobs.wait()
    last = journal(root, bad)[-1]
    assert last["kind"] == "failed" and last["error"] == "RuntimeError: the fault of this test"
    assert "in broken" in last["traceback"] and "Traceback" in last["traceback"] and last["bad_input"] is False
    assert journal(root, good)[-1]["status"] == "finished"


BAD = {
    "path": ({"data.path": "/nowhere/at/all"}, "/nowhere/at/all: no such file or folder"),
    "fold": ({"training.fold": 7}, "training.fold: 7 is not in the data"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_fails_the_run_with_what_is_wrong(root, configured, case):
    changes, reason = BAD[case]
    config = configured(changes)
    last = execute(queue_run(root, config, name="bad", preset="corrected"), config)
    assert last["kind"] == "failed" and reason in last["error"] and last["bad_input"] is True


def test_a_diverged_run_keeps_its_checkpoints_and_says_where(root, configured, monkeypatch):
    def spoil(self, batch, epoch, given=loop.Training.optimise):
        if self.step == 4:
            self.model.encoder1.asked.weight.data.fill_(float("nan"))
        return given(self, batch, epoch)

    monkeypatch.setattr(loop.Training, "optimise", spoil)
    config = configured({"training.max_epochs": 3})
    folder = queue_run(root, config, name="nan", preset="corrected")
    last = execute(folder, config)
    assert last["kind"] == "failed" and "became nan at step 5" in last["error"] and last["bad_input"] is False
    assert last["step"] == 4 and list(folder.folder.glob("encoder1-*.safetensors"))


def test_the_journal_holds_the_run_whole(root, configured):
    config = configured({"training.max_epochs": 2})
    folder = queue_run(root, config, name="named", preset="corrected")
    reported = []
    last = execute(folder, config, reported.append)
    rows = journal(root, folder.run_id)
    assert rows[0]["kind"] == "queued" and rows[0]["name"] == "named" and rows[0]["config"] == config.model_dump()
    events = [row for row in rows if row["kind"] != "queued"]
    assert events[0]["kind"] == "started" and events[-1]["kind"] == "finished"
    assert [row["kind"] for row in reported] == [row["kind"] for row in events]
    assert {name: value for name, value in events[-1].items() if name != "time"} == last
    assert [row["epoch"] for row in events if row["kind"] == "evaluated"] == [0, 1, 2]
    steps = events[0]["steps_per_epoch"] * 2
    assert [row["step"] for row in events if row["kind"] == "step"] == list(range(1, steps + 1))
    saved = [row for row in events if row["kind"] == "checkpointed"]
    assert {row["encoder"] for row in saved} == {"encoder1", "encoder2"}
    newest = {row["encoder"]: row["file"] for row in saved}
    assert {file.name for file in folder.folder.glob("encoder*.safetensors")} == set(newest.values())
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert not [row for row in rows if row["kind"] == "damaged"]


def wait_for(root, run_id, kind):
    deadline = time.monotonic() + 30
    while kind not in kinds(root, run_id):
        assert time.monotonic() < deadline, f"no {kind} row: {kinds(root, run_id)}"
        time.sleep(0.01)


def test_a_running_job_is_steered_and_stopped_from_outside(root, configured):
    jobs = Service(root)
    run = jobs.submit(configured({"training.max_epochs": 900, "training.patience": 900}), name="", preset="corrected")
    wait_for(root, run, "step")
    steer(root, run, "weights.variance", 50, "anna")
    steer(root, run, "model.width", 16, "anna")
    wait_for(root, run, "refused")
    stop(root, run, "anna")
    jobs.wait()
    rows = journal(root, run)
    (changed,) = [row for row in rows if row["kind"] == "changed"]
    assert (changed["field"], changed["old"], changed["new"], changed["who"]) == ("weights.variance", 0.0, 50.0, "anna")
    steps = {row["step"]: row["values"] for row in rows if row["kind"] == "step"}
    assert "loss.variance" in steps[changed["step"]] and "loss.variance" not in steps[changed["step"] - 1]
    (refused,) = [row for row in rows if row["kind"] == "refused"]
    assert refused["field"] == "model.width"
    assert (rows[-1]["status"], rows[-1]["reason"]) == ("stopped", "stopped by anna")
    assert rows[-1]["results"]["test"]["encoder2_auc"] is not None


def test_importing_the_service_does_not_import_torch():
    code = "import sys, gainakt.jobs.service; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0
