"""Runs paused, resumed, branched and replayed through their folders and the store."""

import json
import signal
import subprocess
import sys
import time

import pytest

from gainakt.errors import InputError
from gainakt.jobs import lineage
from gainakt.jobs.service import execute, queue_run
from gainakt.store import RunFolder, Store


@pytest.fixture
def config(tiny, class_file):
    return tiny({"data.path": str(class_file), "training.max_epochs": 4, "model.dropout": 0.2})


@pytest.fixture
def store(tmp_path):
    with Store.open(":memory:", runs=tmp_path) as opened:
        yield opened


def at_step(folder, step, ask):
    """A listener that asks for something once a step is recorded."""

    def listen(row):
        if row["kind"] == "step" and row["step"] == step:
            ask(folder)

    return listen


def trained(root, config, ask=None, step=0):
    folder = queue_run(root, config, name="a run", preset="corrected")
    execute(folder, config, at_step(folder, step, ask) if ask else None)
    return folder


def taken(store, folder):
    store.take_in()
    return store.run(folder.run_id)


def tables(store, run_id):
    """What the store holds of a run's course, without clocks."""
    series = store.series([run_id], store.names(run_id)).drop(columns=["run_id", "time"])
    series = series[~series["name"].isin(["interactions_per_second", "gradient.seconds"])]
    parameters = store.parameters([run_id]).drop(columns="run_id")
    histograms = store.histograms(run_id, "train"), store.histograms(run_id, "validation")
    return [json.loads(part.to_json(orient="records")) for part in (series, parameters, *histograms)]


def test_a_paused_run_is_resumed_and_the_store_holds_what_an_unpaused_one_gives(store, tmp_path, config):
    whole = trained(tmp_path, config)
    parts = trained(tmp_path, config, lambda folder: folder.request_pause("tests"), 4)
    run = taken(store, parts)
    assert run.status == "paused" and not run.active
    folder, again, begin = lineage.resume(tmp_path, run, "tests")
    assert taken(store, parts).status == "queued"
    assert execute(folder, again, begin=begin)["kind"] == "finished"
    run, other = taken(store, parts), taken(store, whole)
    assert run.status == "finished" and run.reason == "all epochs done"
    assert lineage.differences(tmp_path, run, other) == []
    assert tables(store, run.run_id) == tables(store, other.run_id)
    assert {"paused", "resuming", "resumed", "state"} <= set(store.events(run.run_id)["kind"])


def test_a_rebuilt_store_holds_the_same_of_a_resumed_run(store, tmp_path, config):
    parts = trained(tmp_path, config, lambda folder: folder.request_stop("tests"), 4)
    folder, again, begin = lineage.resume(tmp_path, taken(store, parts), "tests")
    execute(folder, again, begin=begin)
    run = taken(store, parts)
    with Store.open(":memory:", runs=tmp_path) as rebuilt:
        rebuilt.take_in()
        assert tables(rebuilt, run.run_id) == tables(store, run.run_id)
        assert rebuilt.events(run.run_id).equals(store.events(run.run_id))
        assert rebuilt.run(run.run_id) == run


def test_a_stopped_run_that_is_resumed_ends_as_one_that_was_not_stopped(store, tmp_path, config):
    whole = trained(tmp_path, config)
    parts = trained(tmp_path, config, lambda folder: folder.request_stop("tests"), 4)
    folder, again, begin = lineage.resume(tmp_path, taken(store, parts), "tests")
    execute(folder, again, begin=begin)
    assert lineage.differences(tmp_path, taken(store, parts), taken(store, whole)) == []
    assert tables(store, parts.run_id) == tables(store, whole.run_id)


SCRIPT = """
import json, sys
import torch
from gainakt.config import Config
from gainakt.jobs.service import execute, queue_run
torch.set_num_threads(1)
config = Config.model_validate_json(sys.argv[2])
folder = queue_run(sys.argv[1], config, name="killed", preset="corrected")
print(folder.run_id, flush=True)
execute(folder, config)
"""


def test_a_killed_run_with_marks_ends_with_the_bits_of_an_uninterrupted_one(store, tmp_path, tiny, class_file):
    config = tiny({"data.path": str(class_file), "training.max_epochs": 400, "training.patience": 400,
                   "model.dropout": 0.2})  # fmt: skip
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), config.model_dump_json()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        folder = RunFolder(tmp_path, process.stdout.readline().strip())
        wait_for(lambda: steps(folder) > 20)
        folder.request("weights.variance", 50.0, "tests")
        wait_for(lambda: any(row["kind"] == "changed" for row in lineage.journal(folder)))
        wait_for(lambda: steps(folder) > 60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    until = steps(folder)
    marks = lineage.marks_of(lineage.journal(folder))
    assert [mark["value"] for _, mark in marks] == [50.0]
    run = taken(store, folder)
    store.take_in()
    again, resumed_config, begin = lineage.resume(tmp_path, store.run(run.run_id), "tests")
    last = max(until + 5, (begin.step or 0) + 5)
    execute(again, resumed_config, at_step(again, last, lambda one: one.request_stop("tests")), begin)
    stopped = taken(store, again)
    assert stopped.status == "stopped"
    folder2, config2, begin2 = lineage.replay(tmp_path, stopped)
    execute(folder2, config2, begin=begin2)
    assert lineage.differences(tmp_path, stopped, taken(store, folder2)) == []


def steps(folder):
    return max((row["step"] for row in lineage.journal(folder) if row["kind"] == "step"), default=0)


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_steered_run_is_replayed_to_the_same_bits_and_its_twin_is_untouched(store, tmp_path, config):
    steered = trained(tmp_path, config, lambda folder: folder.request("weights.variance", 50.0, "anna"), 3)
    run = taken(store, steered)
    ((step, mark),) = lineage.marks_of(lineage.journal(steered))
    assert (step, mark["who"]) == (4, "anna")
    folder, again, begin = lineage.replay(tmp_path, run)
    execute(folder, again, begin=begin)
    assert lineage.differences(tmp_path, run, taken(store, folder)) == []
    assert store.run(folder.run_id).lineage == {"replay": run.run_id}
    twin, again, begin = lineage.replay(tmp_path, run, marks=False)
    execute(twin, again, begin=begin)
    alone = trained(tmp_path, config)
    assert lineage.differences(tmp_path, taken(store, twin), taken(store, alone)) == []
    assert lineage.differences(tmp_path, store.run(twin.run_id), run)


def test_a_branch_goes_on_from_a_moment_with_other_settings(store, tmp_path, config):
    whole = trained(tmp_path, config)
    run = taken(store, whole)
    changes = {"weights.variance": 20.0, "training.learning_rate": 0.001}
    folder, again, begin = lineage.branch(tmp_path, run, 4, changes, "a branch")
    last = execute(folder, again, begin=begin)
    assert last["kind"] == "finished", last
    made = taken(store, folder)
    assert made.lineage == {"parent": run.run_id, "step": 4} and made.config["weights"]["variance"] == 20.0
    recorded = store.series([made.run_id], ["loss.total", "learning_rate"])
    assert recorded["step"].min() == 5
    before = store.series([run.run_id], ["learning_rate"]).set_index("step")["value"]
    after = recorded[recorded["name"] == "learning_rate"].set_index("step")["value"]
    assert after[5] == pytest.approx(before[5] * 0.001 / config.training.learning_rate)
    replayed, again, begin = lineage.replay(tmp_path, made)
    execute(replayed, again, begin=begin)
    assert lineage.differences(tmp_path, made, taken(store, replayed)) == []


def test_a_finished_run_is_trained_on_by_a_branch_of_more_epochs(store, tmp_path, config):
    run = taken(store, trained(tmp_path, config))
    folder, again, begin = lineage.branch(tmp_path, run, None, {"training.max_epochs": 6})
    last = execute(folder, again, begin=begin)
    assert last["kind"] == "finished" and last["epochs"] == 6, last
    rates = store.series([taken(store, folder).run_id], ["learning_rate"]).set_index("step")["value"]
    assert rates.index.tolist() == list(range(17, 25)) and rates[18] > rates[23] > 0


def test_what_cannot_be_continued_says_why(store, tmp_path, config):
    run = taken(store, trained(tmp_path, config))
    with pytest.raises(InputError, match="is finished; branch it"):
        lineage.resume(tmp_path, run, "tests")
    with pytest.raises(InputError, match="kept no state of step 1; kept are those of"):
        lineage.branch(tmp_path, run, 1, {})
    with pytest.raises(InputError, match=r"other model\.width"):
        lineage.branch(tmp_path, run, None, {"model.width": 16})
    with pytest.raises(InputError, match="less than or equal to 5000"):
        lineage.branch(tmp_path, run, None, {"weights.variance": 9999})
    queued = queue_run(tmp_path, config, name="waits", preset="corrected")
    with pytest.raises(InputError, match="is queued; only a run that has ended"):
        lineage.resume(tmp_path, taken(store, queued), "tests")
