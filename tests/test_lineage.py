"""Runs paused, resumed, branched and replayed through their folders and the store."""

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from gainakt.config import changed, flatten
from gainakt.errors import InputError
from gainakt.jobs import lineage
from gainakt.jobs.service import execute, queue_run
from gainakt.store import RunFolder, Store
from gainakt.store.lines import Appender
from gainakt.training import checkpoints
from tests.journals import rewrite


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


def train_to_the_end(root, config):
    """What a process of its own does."""
    execute(queue_run(root, config, name="killed", preset="corrected"), config)


@pytest.fixture(scope="module")
def processes():
    """Processes that are forked from one which has loaded torch already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gainakt.training.loop", "gainakt.datasets.load", "tests.test_lineage"])
    return context


@pytest.mark.parametrize("moment", range(3))
def test_a_killed_run_with_marks_ends_with_the_bits_of_an_uninterrupted_one(
    store, tmp_path, tiny, class_file, processes, moment
):
    random = np.random.default_rng(moment)
    config = tiny({"data.path": str(class_file), "training.max_epochs": 400, "training.patience": 400,
                   "model.dropout": 0.2})  # fmt: skip
    process = processes.Process(target=train_to_the_end, args=(tmp_path, config))
    process.start()
    try:
        wait_for(lambda: list(tmp_path.glob("*/journal.jsonl")))
        folder = RunFolder(tmp_path, next(tmp_path.iterdir()).name)
        wait_for(lambda: steps(folder) > random.integers(0, 8))
        folder.request("weights.variance", 50.0, "tests")
        folder.request("training.learning_rate", 0.002, "tests")
        wait_for(lambda: steps(folder) > 12 + random.integers(0, 12))
        folder.request("weights.variance", 5.0, "tests")
        time.sleep(float(random.uniform(0, 0.2)))
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    until = steps(folder)
    store.take_in()
    again, resumed_config, begin = lineage.resume(tmp_path, taken(store, folder), "tests")
    last = max(until + 5, (begin.step or 0) + 5)
    execute(again, resumed_config, at_step(again, last, lambda one: one.request_stop("tests")), begin)
    stopped = taken(store, again)
    assert stopped.status == "stopped"
    made = [mark["value"] for _, mark in lineage.marks_of(lineage.journal(folder)) if mark["kind"] == "set"]
    assert made == [50.0, 0.002, 5.0], "each mark once, also one that was not read before the end"
    whole, config2, begin2 = lineage.replay(tmp_path, stopped)
    execute(whole, config2, begin=begin2)
    assert lineage.differences(tmp_path, stopped, taken(store, whole)) == []
    assert tables(store, stopped.run_id) == tables(store, whole.run_id)


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
    assert (
        made.lineage
        == {
            "parent": run.run_id,
            "step": 4,
            "changes": changes,
            "before": {name: flatten(config)[name] for name in changes},
        }
        and made.config["weights"]["variance"] == 20.0
    )
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


def resumed(root, store, folder, ask=None, step=0):
    """The run as the store has it after its resumption has ended."""
    again, config, begin = lineage.resume(root, taken(store, folder), "tests")
    execute(again, config, at_step(again, step, ask) if ask else None, begin)
    return taken(store, folder)


def killed_before_its_start(folder):
    """The journal of a run whose process died while the run waited."""
    gone = {"pid": 2**22 + 1, "pid_started": 1.0}
    rewrite(folder, [row | gone if "pid" in row else row for row in lineage.journal(folder)])


def cut(folder, last):
    """Kill a run after the fact: its journal ends with step `last` and its process is gone."""
    folder.close()
    rows = lineage.journal(folder)
    end = max(place for place, row in enumerate(rows) if row["kind"] == "step" and row["step"] == last)
    rewrite(folder, rows[: end + 1])
    killed_before_its_start(folder)
    for file in (folder.folder / "states").glob("step-*"):
        if int(file.stem.removeprefix("step-")) > last:
            file.unlink()


def test_a_run_can_be_paused_and_resumed_twice(store, tmp_path, config):
    whole = trained(tmp_path, config)
    parts = trained(tmp_path, config, lambda folder: folder.request_pause("tests"), 3)
    assert resumed(tmp_path, store, parts, lambda folder: folder.request_pause("tests"), 6).status == "paused"
    run = resumed(tmp_path, store, parts)
    assert lineage.differences(tmp_path, run, taken(store, whole)) == []
    assert tables(store, run.run_id) == tables(store, whole.run_id)


def test_a_change_that_came_along_with_the_pause_stays_a_mark(store, tmp_path, config):
    def ask(folder):
        folder.request("weights.variance", 50.0, "anna")
        folder.request("weights.variance", -1.0, "anna")
        folder.request_pause("anna")

    parts = trained(tmp_path, config, ask, 4)
    before = taken(store, parts)
    events = store.events(before.run_id)
    assert list(events.loc[events["kind"].isin(["changed", "refused"]), "step"]) == [5, 5]
    run = resumed(tmp_path, store, parts)
    events = store.events(run.run_id)
    assert list(events.loc[events["kind"].isin(["changed", "refused"]), "step"]) == [5, 5]
    replayed, again, begin = lineage.replay(tmp_path, run)
    execute(replayed, again, begin=begin)
    assert lineage.differences(tmp_path, run, taken(store, replayed)) == []
    assert [mark["value"] for _, mark in lineage.marks_of(lineage.journal(replayed))] == [50.0]


@pytest.mark.parametrize("preset", ["corrected", "parametric"])
def test_a_run_without_a_kept_state_begins_again(store, tmp_path, tiny, class_file, preset):
    config = tiny({"data.path": str(class_file), "training.max_epochs": 2}, preset)
    whole = trained(tmp_path, config)
    waited = queue_run(tmp_path, config, name="waited", preset=preset)
    killed_before_its_start(waited)
    broken = trained(tmp_path, config)
    cut(broken, lineage.journal(broken)[-2]["step"] if preset == "parametric" else 2)
    shutil.rmtree(broken.folder / "states", ignore_errors=True)
    for folder in (waited, broken):
        taken(store, folder)
        store.take_in()
        run = resumed(tmp_path, store, folder)
        assert run.status == "finished"
        assert lineage.differences(tmp_path, run, taken(store, whole)) == []
        assert tables(store, run.run_id) == tables(store, whole.run_id)


def test_a_run_whose_process_ran_on_another_machine_is_resumed_once_that_is_silent(store, tmp_path, config):
    whole = trained(tmp_path, config)
    elsewhere = trained(tmp_path, config)
    cut(elsewhere, 6)
    rewrite(elsewhere, [row | {"host": "elsewhere"} if "pid" in row else row for row in lineage.journal(elsewhere)])
    assert taken(store, elsewhere).status == "running"
    interrupted = replace(store.run(elsewhere.run_id), status="interrupted")
    with pytest.raises(InputError, match=r"belongs to process \d+ on elsewhere, which works on it"):
        lineage.resume(tmp_path, interrupted, "tests")
    rewrite(elsewhere, [row | {"time": row["time"] - 1000} for row in lineage.journal(elsewhere)])
    os.utime(elsewhere.journal, (time.time() - 1000,) * 2)
    store.take_in()
    run = resumed(tmp_path, store, elsewhere)
    assert lineage.differences(tmp_path, run, taken(store, whole)) == []


def test_of_two_that_resume_a_run_at_once_one_is_refused(store, tmp_path, config):
    parts = trained(tmp_path, config, lambda folder: folder.request_pause("tests"), 3)
    run = taken(store, parts)
    barrier, said = threading.Barrier(4), []

    def ask():
        barrier.wait()
        try:
            said.append(lineage.resume(tmp_path, run, "tests"))
        except InputError as error:
            said.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [text for text in said if isinstance(text, str)]
    assert len(refused) == 3
    assert all("is being resumed" in text or "which works on it" in text for text in refused)
    assert [row["kind"] for row in lineage.journal(parts)].count("resuming") == 1
    assert not list(parts.folder.glob("*.lock"))


def test_a_branch_outlives_its_parent_and_keeps_its_own_settings(store, tmp_path, config):
    parent = trained(tmp_path, config)
    changes = {"weights.variance": 20.0, "training.max_epochs": 3}
    made = [lineage.branch(tmp_path, taken(store, parent), 4, changes) for _ in range(2)]
    whole, waited = made
    execute(whole[0], whole[1], begin=whole[2])
    killed_before_its_start(waited[0])
    shutil.rmtree(parent.folder)
    taken(store, waited[0])
    store.take_in()
    run = resumed(tmp_path, store, waited[0])
    assert (run.status, run.config["weights"]["variance"]) == ("finished", 20.0)
    assert lineage.differences(tmp_path, run, taken(store, whole[0])) == []
    with pytest.raises(InputError, match="is gone, from which others went on"):
        lineage.replay(tmp_path, run, seed=7)
    again = lineage.replay(tmp_path, run)
    execute(again[0], again[1], begin=again[2])
    third = lineage.replay(tmp_path, taken(store, again[0]))
    execute(third[0], third[1], begin=third[2])
    assert lineage.differences(tmp_path, run, taken(store, third[0])) == [], "a replay of a replay of a branch"


@pytest.mark.parametrize("end", ["paused", "interrupted"])
def test_a_run_that_did_not_finish_is_compared_until_its_last_step(store, tmp_path, config, end):
    parts = trained(tmp_path, config, lambda folder: folder.request_pause("tests"), 6)
    if end == "interrupted":  # its process died after a step, before it could say anything
        rows = parts.journal.read_text().splitlines(keepends=True)
        last = max(place for place, row in enumerate(rows) if '"kind": "step"' in row)
        parts.journal.write_text("".join(rows[: last + 1]))
    run = taken(store, parts)
    replayed, again, begin = lineage.replay(tmp_path, replace(run, status=end))
    execute(replayed, again, begin=begin)
    other = taken(store, replayed)
    assert other.status == "finished" and lineage.common_step(tmp_path, run, other) == 6
    assert lineage.differences(tmp_path, run, other) == []
    rows = lineage.journal(parts)
    step = next(row for row in rows if row["kind"] == "step" and row["step"] == 5)
    step["values"]["loss.total"] += 1
    rewrite(parts, rows)
    (said,) = lineage.differences(tmp_path, run, other)
    assert said.startswith("loss.total at step 5: ")


def test_a_replay_that_is_interrupted_still_makes_the_marks_to_come(store, tmp_path, config):
    def ask(folder):
        folder.request("weights.variance", 50.0, "anna")

    run = taken(store, trained(tmp_path, config, ask, 9))
    folder, again, begin = lineage.replay(tmp_path, run)
    execute(folder, again, at_step(folder, 5, lambda one: one.request_pause("tests")), begin)
    done = resumed(tmp_path, store, folder)
    assert lineage.differences(tmp_path, run, done) == []


def test_a_damaged_newest_state_gives_way_to_the_one_before(store, tmp_path, config):
    whole = trained(tmp_path, config)
    parts = trained(tmp_path, config, lambda folder: folder.request_pause("tests"), 6)
    (parts.folder / "states" / "step-00000006.safetensors").write_bytes(b"damaged")
    run = resumed(tmp_path, store, parts)
    assert lineage.differences(tmp_path, run, taken(store, whole)) == []


def test_another_seed_of_a_branch_is_its_parent_until_the_branch(store, tmp_path, config):
    parent = trained(tmp_path, config, lambda folder: folder.request("weights.contrastive", 0.1, "anna"), 2)
    changes = {"weights.variance": 20.0, "training.max_epochs": 5}
    folder, again, begin = lineage.branch(tmp_path, taken(store, parent), 8, changes)
    last = execute(folder, again, begin=begin)
    assert (last["kind"], last["epochs"]) == ("finished", 5), "the learning rate's schedule ends with the run"
    other = lineage.replay(tmp_path, taken(store, folder), seed=config.training.seed + 1)
    assert other[1].training.max_epochs == 5 and other[1].weights.variance == config.weights.variance
    assert [(at, mark["field"], mark["value"]) for at, mark in other[2].marks] == [
        (3, "weights.contrastive", 0.1), (9, "weights.variance", 20.0),
    ]  # fmt: skip


def test_a_branch_that_never_beats_its_parents_best_has_its_checkpoints(store, tmp_path, config):
    parent = taken(store, trained(tmp_path, config))
    last = max(moment["step"] for moment in kept_steps(tmp_path, parent))
    ends = {"training.max_epochs": 4, "training.learning_rate": 1.0, "training.clip_norm": 1e30}
    before = sorted(moment["step"] for moment in kept_steps(tmp_path, parent))[-2]
    folder, changed, begin = lineage.branch(tmp_path, parent, before, ends)
    assert execute(folder, changed, begin=begin)["kind"] == "finished"
    for encoder in ("encoder1", "encoder2"):
        assert checkpoints.load(folder.folder, encoder)
    with pytest.raises(InputError, match="would train nothing"):
        lineage.branch(tmp_path, parent, last, {"weights.variance": 50.0})


def kept_steps(root, run):
    folder = root / run.run_id / "states"
    return [json.loads(file.read_text())["about"] for file in folder.glob("step-*.json")]


def test_rows_that_no_reader_expects_do_not_hinder_a_resumption(store, tmp_path, config):
    paused = trained(tmp_path, config, lambda folder: folder.request_pause("tests"), 4)
    paused.append({"kind": "changed"})
    odd = {"kind": "set", "field": "weights.variance", "value": 11.0, "who": "tests", "time": "yesterday"}
    Appender(paused.control).write(odd)
    folder, again, begin = lineage.resume(tmp_path, taken(store, paused), "tests")
    assert execute(folder, again, begin=begin)["kind"] == "finished"


def test_a_branch_of_a_branch_at_its_beginning_starts_from_the_branchs_settings(store, tmp_path, config):
    parent = taken(store, trained(tmp_path, config))
    folder, again, begin = lineage.branch(tmp_path, parent, 4, {"weights.variance": 50.0})
    execute(folder, again, begin=begin)
    child = taken(store, folder)
    moment = next(moment for moment in lineage.kept_moments(tmp_path, child) if moment.why == "branch")
    assert lineage.config_at(child, moment) == again
    _, twice, _ = lineage.branch(tmp_path, child, 4, {"training.max_epochs": 5})
    assert twice == changed(again, {"training.max_epochs": 5})


def test_a_branch_cannot_move_students_between_the_splits(store, tmp_path, config):
    parent = taken(store, trained(tmp_path, config))
    with pytest.raises(InputError, match=r"training\.fold"):
        lineage.branch(tmp_path, parent, 4, {"training.fold": 1})
