"""The unsteered twin: what a steered run would have been, and what the steering did."""

import numpy as np
import pytest
import torch
from scipy.stats import ttest_1samp

from gainakt.errors import InputError
from gainakt.jobs import lineage, twin
from gainakt.jobs.service import execute, queue_run
from gainakt.jobs.turns import Cancelled
from gainakt.store import Store
from gainakt.store.facts import results_of
from gainakt.training import state


@pytest.fixture(scope="module")
def config(tiny, class_file):
    return tiny({"data.path": str(class_file), "training.max_epochs": 2, "model.dropout": 0.2})


@pytest.fixture
def store(tmp_path):
    with Store.open(":memory:", runs=tmp_path) as opened:
        yield opened


def trained(root, config, asked=None):
    """A run, asked for the values in `asked` (step -> what to do) once those steps are recorded."""
    folder = queue_run(root, config, name="a run", preset="corrected")
    asked = dict(asked or {})

    def listen(row):
        if row["kind"] == "step" and row["step"] in asked:
            asked.pop(row["step"])(folder)

    execute(folder, config, listen)
    return folder


def steer(folder):
    folder.request("weights.variance", 50.0, "anna")
    folder.request("model.temperature_start", 0.2, "anna")


def taken(store, folder):
    store.take_in()
    return store.run(folder.run_id)


def silent(_done, _says):
    """Progress that nobody looks at."""


def along_with_a_pause(root, config):
    """The mark's state is replaced by that of the pause, which holds the mark already."""
    folder = trained(root, config, {3: lambda one: (steer(one), one.request_pause("anna"))})
    with Store.open(":memory:", runs=root) as store:
        again, kept, begin = lineage.resume(root, taken(store, folder), "anna")
    execute(again, kept, begin=begin)
    return folder


CASES = {
    "its state is kept": lambda root, config: trained(root, config, {3: steer}),
    "steered along with a pause": along_with_a_pause,
    "steered at once": lambda root, config: trained(root, config, {1: steer}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_twin_is_a_run_that_was_never_touched_bit_for_bit(store, tmp_path, config, case):
    run = taken(store, CASES[case](tmp_path, config))
    alone = taken(store, trained(tmp_path, config))
    if case == "steered at once":
        for moment in state.moments(tmp_path / run.run_id):
            moment.file.unlink()
    ((pair,), effects) = twin.twins(tmp_path, run, 1, silent)
    store.take_in()
    untouched = store.run(pair.unsteered)
    own = {name.split(" at step")[0] for name in lineage.differences(tmp_path, alone, run)}
    assert "gain_std" in own, "steering changed the run"
    recorded = [line for line in lineage.differences(tmp_path, alone, untouched) if "and missing" not in line]
    assert recorded == [], "and its twin knows nothing of it; what comes before the first mark is the run's"
    first, second = (state.read(tmp_path / one.run_id, alone.step).tensors for one in (alone, untouched))
    assert all(torch.equal(first[name], second[name]) for name in first if name.startswith(("model/", "optimiser/")))
    assert [effect.measure for effect in effects] == list(twin.MEASURES)
    assert all(effect.low is None and effect.seeds == 1 for effect in effects if effect.difference is not None)


def test_the_interval_is_that_of_the_differences_over_seeds_and_nothing_is_trained_twice(store, tmp_path, config):
    run = taken(store, trained(tmp_path, config, {3: steer}))
    said = []
    pairs, effects = twin.twins(tmp_path, run, 3, lambda done, says: said.append((round(done, 2), says)))
    seed = config.training.seed
    assert [pair.seed for pair in pairs] == [seed, seed + 1, seed + 2]
    assert list(dict.fromkeys(said)) == [
        (0.0, f"seed {seed}: the unsteered twin"), (0.2, f"seed {seed + 1}: the steered run again"),
        (0.4, f"seed {seed + 1}: the unsteered twin"), (0.6, f"seed {seed + 2}: the steered run again"),
        (0.8, f"seed {seed + 2}: the unsteered twin"),
    ]  # fmt: skip
    store.take_in()
    assert twin.pairs_of(store, run) == pairs
    assert list(twin.effects(store, pairs)) == effects
    results = results_of(store, [one for pair in pairs for one in (pair.steered, pair.unsteered)])
    for effect in effects:
        split = "run" if effect.measure == "rate_cv" else "test"
        values = [[results[one][split][effect.measure] for one in (pair.steered, pair.unsteered)] for pair in pairs]
        values = np.array([pair for pair in values if None not in pair])
        assert effect.seeds == len(values)
        if effect.measure != "rate_cv":
            assert len(values) == 3
        if len(values) > 1:
            test = ttest_1samp(values[:, 0] - values[:, 1], 0).confidence_interval(0.95)
            assert (effect.low, effect.high) == pytest.approx((test.low, test.high), abs=1e-12)
            assert effect.difference == pytest.approx(np.mean(values[:, 0] - values[:, 1]))
    marks = [lineage.marks_of(lineage.journal(store.folder(pair.steered))) for pair in pairs]
    assert marks[0] == marks[1] == marks[2]
    folders = sorted(tmp_path.iterdir())
    assert twin.twins(tmp_path, run, 3, silent)[0] == pairs
    assert sorted(tmp_path.iterdir()) == folders


def test_runs_that_can_have_no_twin_say_why(store, tmp_path, config):
    with pytest.raises(InputError, match="was not steered, so it is its own twin"):
        twin.twins(tmp_path, taken(store, trained(tmp_path, config)), 1, silent)
    paused = trained(tmp_path, config, {3: lambda one: (steer(one), one.request_pause("anna"))})
    with pytest.raises(InputError, match="is paused; a twin is compared with a run that is finished or stopped"):
        twin.twins(tmp_path, taken(store, paused), 1, silent)


def test_the_twin_of_a_stopped_run_stops_where_it_was_stopped(store, tmp_path, config):
    asked = {2: steer, 5: lambda one: one.request_stop("anna")}
    run = taken(store, trained(tmp_path, config, asked))
    ((pair, _), _) = twin.twins(tmp_path, run, 2, silent)
    store.take_in()
    assert (run.status, run.step) == ("stopped", 5)
    assert (store.run(pair.unsteered).status, store.run(pair.unsteered).step) == ("stopped", 5)
    assert len(twin.pairs_of(store, run)) == 2


@pytest.mark.parametrize("when", ["between trainings", "in a training"])
def test_cancelled_it_leaves_what_is_done_and_goes_on_from_there(store, tmp_path, config, when):
    run = taken(store, trained(tmp_path, config, {3: steer}))
    calls = []

    def cancel(_done, says):
        calls.append(says)
        second = [call for call in calls if "steered run again" in call]
        if len(second) > (0 if when == "between trainings" else 3):
            raise Cancelled

    with pytest.raises(Cancelled):
        twin.twins(tmp_path, run, 2, cancel)
    store.take_in()
    (pair,) = twin.pairs_of(store, run)
    runs = store.runs()
    assert len(runs) == (2 if when == "between trainings" else 3)
    assert set(runs["status"]) == ({"finished"} if when == "between trainings" else {"finished", "stopped"})
    pairs, _ = twin.twins(tmp_path, run, 2, silent)
    assert pairs[0] == pair and len(pairs) == 2
    store.take_in()
    assert all(store.run(one).status == "finished" for pair in pairs for one in (pair.steered, pair.unsteered))


def test_a_twin_that_somebody_stops_is_not_compared(store, tmp_path, config):
    run = taken(store, trained(tmp_path, config, {3: steer}))

    def stop_it(_done, _says):
        for folder in tmp_path.iterdir():
            if folder.name != run.run_id and not (folder / "control.jsonl").exists():
                lineage.RunFolder(tmp_path, folder.name).request_stop("bert")

    with pytest.raises(twin.RunFailed, match=r"was stopped by bert; start it again"):
        twin.twins(tmp_path, run, 1, stop_it)
    store.take_in()
    assert twin.pairs_of(store, run) == []
