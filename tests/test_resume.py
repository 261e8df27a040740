"""A training that goes on from a kept state gives the very numbers of one that never stopped."""

import json

import pytest
import torch

from gainakt.errors import InputError
from gainakt.training import state
from gainakt.training.events import Evaluated, Finished, Paused, Resumed, StateKept, Stepped
from gainakt.training.loop import train

CLOCK = ("interactions_per_second", "gradient.seconds")


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=60, lengths=(2, 20), seed=2)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def asking(requests):
    """Requests by the step that they come before."""
    calls = []

    def since_last():
        calls.append(1)
        return requests.get(len(calls), [])

    return since_last


def change(field, value):
    return {"kind": "set", "field": field, "value": value, "who": "tests"}


PAUSE, STOP = ({"kind": kind, "who": "tests"} for kind in ("pause", "stop"))


def recorded(events):
    """(step, kind) -> what was recorded, without the clock."""
    rows = {}
    for event in of(Stepped, events) + of(Evaluated, events):
        values = {name: value for name, value in event.values.items() if name not in CLOCK}
        rows.setdefault((event.step, type(event).__name__), {}).update(values)
    return rows


def weights(folder):
    return {file.name: json.loads(file.read_text())["sha256"] for file in folder.glob("encoder*.json")}


EVERYTHING = {"model.dropout": 0.2, "training.max_epochs": 3, "training.learning_rate": 0.02, "weights.adversary": 0.1,
              "model.gain_dropout": 0.1, "training.probe_every": 4, "pressure.reject_below": 0.001,
              "pressure.least_gain_std": 0.1, "model.student_velocity": "per_student"}  # fmt: skip
CASES = {"everything": (EVERYTHING, "corrected"), "original": ({"training.max_epochs": 3}, "v3-phase1"),
         "shared": ({"training.max_epochs": 3, "model.sharing": "first_block"}, "without-level")}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("at", [2, 7, 12])  # within an epoch of six steps, just after one, within the second
def test_paused_and_resumed_gives_the_same_bits(tiny, data, tmp_path, case, at):
    config = tiny(*CASES[case])
    whole = list(train(config, data, folder=make(tmp_path / "whole")))
    folder = make(tmp_path / "parts")
    first = list(train(config, data, asking({at: [PAUSE]}), folder))
    assert isinstance(first[-1], Paused) and first[-1].step == at - 1 and not of(Finished, first)
    torch.manual_seed(99)  # another process
    second = list(train(config, data, folder=folder, start=state.read(folder)))
    assert of(Resumed, second)[0].step == at - 1
    assert recorded(first) | recorded(second) == recorded(whole)
    assert weights(folder) == weights(tmp_path / "whole")
    assert second[-1].results == whole[-1].results and second[-1].skills == whole[-1].skills
    assert second[-1].best_epoch == whole[-1].best_epoch


def make(folder):
    folder.mkdir(exist_ok=True)
    return folder


def test_a_change_made_before_the_pause_goes_on_acting_after_it(tiny, data, tmp_path):
    config = tiny({"training.max_epochs": 2, "model.dropout": 0.2})
    steered = {3: [change("weights.variance", 50.0)]}
    whole = list(train(config, data, asking(steered), make(tmp_path / "whole")))
    folder = make(tmp_path / "parts")
    list(train(config, data, asking(steered | {5: [PAUSE]}), folder))
    start = state.read(folder)
    assert start.config.weights.variance == 50.0
    second = list(train(start.config, data, folder=folder, start=start))
    assert second[-1].results == whole[-1].results


def test_from_the_state_before_a_mark_the_run_goes_on_as_if_nothing_was_touched(tiny, data, tmp_path):
    config = tiny({"training.max_epochs": 2, "model.dropout": 0.2})
    alone = list(train(config, data, folder=make(tmp_path / "alone")))
    folder = make(tmp_path / "steered")
    list(train(config, data, asking({4: [change("weights.variance", 50.0)]}), folder))
    (mark,) = [moment for moment in state.moments(folder) if moment.why == "mark"]
    assert mark.step == 3
    twin = list(train(config, data, folder=make(tmp_path / "twin"), start=state.read(folder, 3)))
    assert twin[-1].results == alone[-1].results


def test_states_are_kept_at_marks_epochs_and_the_end_and_the_oldest_go(tiny, data, tmp_path):
    config = tiny({"training.max_epochs": 5})
    events = list(train(config, data, asking({4: [change("weights.variance", 5.0)], 20: [STOP]}), tmp_path, keep=3))
    kept = of(StateKept, events)
    assert [(event.step, event.why) for event in kept] == [
        (0, "epoch"), (3, "mark"), (6, "epoch"), (12, "epoch"), (18, "epoch"), (19, "stop"),
    ]  # fmt: skip
    assert [moment.step for moment in state.moments(tmp_path)] == [0, 3, 12, 18, 19], (
        "the first mark's and the oldest stay"
    )
    assert len(list((tmp_path / state.FOLDER).iterdir())) == 10


def test_a_stopped_run_can_go_on(tiny, data, tmp_path):
    config = tiny({"training.max_epochs": 2})
    whole = list(train(config, data, folder=make(tmp_path / "whole")))
    folder = make(tmp_path / "parts")
    assert list(train(config, data, asking({5: [STOP]}), folder))[-1].status == "stopped"
    assert list(train(config, data, folder=folder, start=state.read(folder)))[-1].results == whole[-1].results


def test_a_damaged_missing_or_foreign_state_is_refused(tiny, data, small_class, tmp_path):
    config = tiny({"training.max_epochs": 1})
    with pytest.raises(InputError, match="has kept no state"):
        state.read(tmp_path)
    list(train(config, data, folder=tmp_path))
    with pytest.raises(InputError, match="no state of step 3; kept are those of 0, 6"):
        state.read(tmp_path, 3)
    start = state.read(tmp_path, 0)
    with pytest.raises(InputError, match=r"with other model\.width \(8 there, 16 asked\)"):
        list(train(tiny({"model.width": 16}), data, start=start))
    with pytest.raises(InputError, match="the data have changed"):
        list(train(config, small_class(students=60, lengths=(2, 20), seed=3), start=start))
    file = tmp_path / state.FOLDER / "step-00000006.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        state.read(tmp_path, 6)
    file.with_suffix(".json").write_text("{")
    assert [moment.step for moment in state.moments(tmp_path)] == [0]


def test_a_checkpoint_of_an_epoch_that_is_done_again_gives_way_to_the_best(tiny, data, tmp_path):
    config = tiny({"training.max_epochs": 4, "training.learning_rate": 0.02})
    for at in (9, 11, 15, 17):
        folder = make(tmp_path / str(at))
        list(train(config, data, asking({at: [STOP]}), folder))
        last = list(train(config, data, folder=folder, start=state.read(folder)))[-1]
        saved = {one: json.loads((folder / f"{one}.json").read_text())["epoch"] for one in ("encoder1", "encoder2")}
        assert saved == last.best_epoch


def test_a_run_that_died_after_its_last_epoch_ends_there_when_resumed(tiny, data, tmp_path):
    config = tiny({"training.max_epochs": 40, "training.patience": 1, "training.learning_rate": 0.05})
    last = list(train(config, data, folder=tmp_path))[-1]
    assert last.reason.startswith("neither") and last.epochs < 40
    again = list(train(config, data, folder=tmp_path, start=state.read(tmp_path)))[-1]
    assert (again.epochs, again.results) == (last.epochs, last.results)


def test_a_constraint_that_a_branch_drops_has_no_multiplier(tiny, data, tmp_path):
    both = {"pressure.least_gain_std": 0.1, "pressure.least_skill_cv": 0.2, "training.max_epochs": 2}
    list(train(tiny(both), data, folder=tmp_path))
    one = tiny({**both, "pressure.least_skill_cv": 0.0, "training.max_epochs": 3})
    assert list(train(one, data, start=state.read(tmp_path)))[-1].status == "finished"
