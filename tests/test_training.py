"""`train` as a sequence of events: reproducible, stopping early, keeping each encoder's best, failing loudly."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from gainakt.data.sequences import Windows, split_students, windows_of
from gainakt.errors import InputError
from gainakt.simulate import simulate
from gainakt.training import checkpoints, loop, results
from gainakt.training.evaluate import predict
from gainakt.training.events import Checkpointed, Evaluated, Finished, GainHistograms, Started, Stepped
from gainakt.training.loop import Diverged, train
from gainakt.training.results import final_results
from gainakt.training.setup import build, pick_device

CPU = torch.device("cpu")
TIMED = ("seconds", "train_interactions_per_second", "interactions_per_second")


@pytest.fixture(scope="module")
def data(small_class):
    return small_class(students=40, lengths=(2, 20), seed=2)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def untimed(event):
    row = event.as_row()
    for name in TIMED:
        row.pop(name, None)
        row.get("values", {}).pop(name, None)
    return row


@pytest.mark.parametrize("name", ["corrected", "without-level", "v3-phase1"])
def test_the_same_seed_gives_the_same_numbers(tiny, data, name):
    config = tiny({"training.max_epochs": 2, "weights.variance": 1.0, "model.dropout": 0.2}, name)
    torch.manual_seed(1)
    first = [untimed(event) for event in train(config, data)]
    torch.manual_seed(2)
    torch.rand(5)
    assert [untimed(event) for event in train(config, data)] == first
    other = tiny({"training.max_epochs": 2, "weights.variance": 1.0, "training.seed": 1}, name)
    steps = [row["values"]["loss.total"] for row in first if row["kind"] == "step"]
    assert [event.values["loss.total"] for event in of(Stepped, train(other, data))] != steps


def test_the_order_of_events(tiny, data, tmp_path):
    events = list(train(tiny({"training.max_epochs": 2}), data, folder=tmp_path))
    started, finished = events[0], events[-1]
    assert isinstance(started, Started) and isinstance(finished, Finished)
    assert started.skills == data.skills and started.max_epochs == 2
    assert {name: part["students"] for name, part in started.data["split"].items()} == {
        "train": 28, "validation": 4, "test": 8,
    }  # fmt: skip
    assert [event.step for event in of(Stepped, events)] == list(range(1, 2 * started.steps_per_epoch + 1))
    assert [event.epoch for event in of(Evaluated, events)] == [0, 1, 2]
    assert finished.step == 2 * started.steps_per_epoch and finished.epochs == 2
    assert (finished.status, finished.reason) == ("finished", "all epochs done")
    assert [row["skill"] for row in finished.skills] == data.skills
    assert all(event.as_row()["kind"] == event.kind for event in events)


def test_no_epochs_evaluates_the_untrained_model(tiny, data):
    events = list(train(tiny({"training.max_epochs": 0, "model.prior": "none"}), data))
    assert not of(Stepped, events) and len(of(Evaluated, events)) == 1
    finished = events[-1]
    assert (finished.status, finished.step, finished.epochs) == ("finished", 0, 0)
    assert finished.best_epoch == {"encoder1": 0, "encoder2": 0}
    assert finished.train_interactions_per_second is None
    fresh = build(tiny(), len(data.skills), 28, CPU).eval()
    students = split_students(data, 0, 0).test
    seen = predict(fresh, Windows(data, students, 20, False, CPU))
    assert finished.results["test"]["gain_mean"] == pytest.approx(float(seen.gain.mean()), abs=1e-7)
    assert set(finished.results) == {"train", "validation", "test", "run"}


def test_a_log_interval_leaves_steps_out_and_nothing_else(tiny, data):
    every = list(train(tiny({"training.log_every": 1}), data))
    some = list(train(tiny({"training.log_every": 3}), data))
    told = {event.step: event.values["loss.total"] for event in of(Stepped, every)}
    ends = [event.step for event in of(Evaluated, some)]
    assert [event.step for event in of(Stepped, some)] == [step for step in told if step % 3 == 0 or step in ends]
    assert all(event.values["loss.total"] == told[event.step] for event in of(Stepped, some))
    assert some[-1].results == every[-1].results


def test_every_epoch_records_a_step_however_short_it_is(tiny, data):
    events = list(train(tiny({"training.log_every": 1000, "training.max_epochs": 3}), data))
    assert [event.step for event in of(Stepped, events)] == [event.step for event in of(Evaluated, events)][1:]


def test_each_split_is_predicted_once_at_the_end(tiny, monkeypatch):
    read = []
    monkeypatch.setattr(results, "predict", lambda model, windows: read.append(windows) or predict(model, windows))
    last = list(train(tiny(), simulate("demo", students=40)))[-1]
    assert len(read) == 3 and "oracle_auc" in last.results["recovery"]


def test_the_splits_share_one_copy_of_the_data_in_its_own_small_types(data):
    windows = windows_of(data, split_students(data, 0, 0), 20, CPU)
    (held,) = {id(part.held): part.held for part in windows.values()}.values()
    assert (held.skill.dtype, held.response.dtype) == (torch.int32, torch.int8)
    batch = windows["train"].batch(np.arange(3))
    assert batch.skill.dtype == batch.response.dtype == torch.long


@pytest.mark.parametrize("every", [1, 3])
def test_probes_come_at_their_steps_and_change_nothing(tiny, data, every):
    changes = {"weights.variance": 2.0, "model.dropout": 0.2, "training.max_epochs": 2}
    plain = list(train(tiny(changes), data))
    seen = list(train(tiny({**changes, "training.probe_every": every}), data))
    looks = [event for event in of(Stepped, seen) if "gradient.seconds" in event.values]
    assert [event.step for event in looks] == list(range(1, plain[-1].step + 1, every))
    assert all("gradient.gains.cosine.im.variance" in event.values for event in looks)
    assert seen[-1].results == plain[-1].results


def test_the_state_is_told_before_training_and_after_every_epoch(tiny, data):
    told = of(Evaluated, train(tiny({"training.max_epochs": 2}), data))
    assert len(told) == 3 and all(0 < event.values["state.curve_slope"] <= 0.25 for event in told)
    assert told[0].values["state.distinct_gains"] != told[-1].values["state.distinct_gains"]


def best_so_far(values):
    """Epoch of the first largest value."""
    return int(np.argmax(values))


@pytest.mark.parametrize("patience", [1, 3])
def test_it_stops_when_neither_encoder_improves_for_the_patience(tiny, data, patience):
    config = tiny({"training.max_epochs": 60, "training.patience": patience, "training.schedule": "constant"})
    events = list(train(config, data))
    finished = events[-1]
    aucs = {
        name: [event.values[f"validation.{name}_auc"] for event in of(Evaluated, events)]
        for name in ("encoder1", "encoder2")
    }
    stops = next(
        epoch
        for epoch in range(1, 61)
        if epoch - max(best_so_far(values[: epoch + 1]) for values in aucs.values()) >= patience
    )
    assert finished.epochs == stops < 60
    assert finished.status == "finished" and f"improved for {patience} epochs" in finished.reason
    assert finished.best_epoch == {name: best_so_far(values) for name, values in aucs.items()}


def test_each_encoder_is_read_and_saved_at_its_own_best_epoch(tiny, data, tmp_path):
    changes = {"training.max_epochs": 12, "training.learning_rate": 0.05, "training.schedule": "constant"}
    config = tiny({**changes, "model.prior": "none"})
    events = list(train(config, data, folder=tmp_path))
    finished, evaluated = events[-1], of(Evaluated, events)
    assert finished.best_epoch["encoder1"] != finished.best_epoch["encoder2"], "the case under test"
    for encoder, epoch in finished.best_epoch.items():
        value = evaluated[epoch].values[f"validation.{encoder}_auc"]
        assert value == max(event.values[f"validation.{encoder}_auc"] for event in evaluated)
        assert finished.results["validation"][f"{encoder}_auc"] == pytest.approx(value, abs=1e-9)
        last = [event for event in of(Checkpointed, events) if event.encoder == encoder][-1]
        assert (last.epoch, last.auc) == (epoch, value)
    assert finished.results["validation"]["gain_std"] == pytest.approx(
        evaluated[finished.best_epoch["encoder2"]].values["validation.gain_std"], abs=1e-9
    )
    model = build(config, len(data.skills), 28, CPU)
    for encoder in ("encoder1", "encoder2"):
        getattr(model, encoder).load_state_dict(checkpoints.load(tmp_path, encoder))
    split = split_students(data, 0, 0)
    windows = {
        name: Windows(data, getattr(split, name), 20, name == "train", CPU) for name in ("train", "validation", "test")
    }
    measured, skills = final_results(model, data, split, windows)
    assert skills == finished.skills
    for name, values in measured.items():
        told = finished.results[name]
        assert values == pytest.approx({key: told[key] for key in values}, abs=1e-9)


def test_a_damaged_or_missing_checkpoint_is_refused(tiny, data, tmp_path):
    list(train(tiny(), data, folder=tmp_path))
    assert list(tmp_path.glob("*.new")) == []
    (file,) = tmp_path.glob("encoder2-*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"encoder2-[0-9a-f]+\.safetensors: damaged"):
        checkpoints.load(tmp_path, "encoder2")
    (tmp_path / "encoder1.json").write_text('{"file": "../encoder1.safetensors", "sha256": ""}')
    with pytest.raises(InputError, match=r"encoder1\.json: damaged"):
        checkpoints.load(tmp_path, "encoder1")
    (tmp_path / "encoder1.json").unlink()
    with pytest.raises(InputError, match="no checkpoint of encoder1"):
        checkpoints.load(tmp_path, "encoder1")


class Killed(BaseException):
    """In place of a kill: nothing after it is done."""


@pytest.mark.parametrize("former", ["encoder2.safetensors", "encoder2-0123456789ab.safetensors"])
def test_a_kill_at_any_moment_leaves_weights_with_their_own_description(tmp_path, monkeypatch, former):
    """The file's name in runs of before had no content in it."""
    for at in range(9):
        folder = tmp_path / str(at)
        folder.mkdir()
        checkpoints.save({"w": torch.zeros(3)}, folder, "encoder2", {"epoch": 0})
        about = json.loads((folder / "encoder2.json").read_text())
        (folder / about["file"]).rename(folder / former)
        (folder / "encoder2.json").write_text(json.dumps(about | {"file": former}))
        left = [at]

        def counted(given, left=left):
            def call(*args, **others):
                if not left[0]:
                    raise Killed
                left[0] -= 1
                return given(*args, **others)

            return call

        with monkeypatch.context() as patch:
            for name in ("replace", "write_text", "unlink"):
                patch.setattr(Path, name, counted(getattr(Path, name)))
            try:
                checkpoints.save({"w": torch.ones(3)}, folder, "encoder2", {"epoch": 1})
            except Killed:
                assert at < 5
        assert (
            checkpoints.load(folder, "encoder2")["w"].tolist() == [float(checkpoints.epoch_of(folder, "encoder2"))] * 3
        )
        checkpoints.save({"w": torch.full((3,), 2.0)}, folder, "encoder2", {"epoch": 2})
        assert len(list(folder.iterdir())) == 2, "what a kill left is gone with the next checkpoint"


def test_training_learns_what_the_class_holds(tiny, small_class):
    data = small_class(students=60, lengths=(15, 20), seed=1)
    config = tiny({"training.max_epochs": 8, "training.learning_rate": 0.03, "model.prior": "none"})
    events = list(train(config, data))
    first, last = of(Stepped, events)[0].values, of(Stepped, events)[-1].values
    assert last["loss.bce"] < first["loss.bce"] - 0.03 and last["loss.im"] < first["loss.im"] - 0.03
    assert events[-1].results["test"]["encoder1_auc"] > 0.65 and events[-1].results["test"]["encoder2_auc"] > 0.65


def test_what_is_fixed_stays_and_what_is_learned_moves(tiny, data):
    first, *_, last = of(Evaluated, train(tiny({"model.accumulation": "all", "model.temperature": "fixed"}), data))
    for name in ("temperature", "gamma", "transfer"):
        assert last.parameters[name] == first.parameters[name], name
    for name in ("beta", "saturation", "threshold", "offset"):
        assert last.parameters[name]["quantiles"] != first.parameters[name]["quantiles"], name
    free = {"model.temperature": "learned", "model.student_velocity": "per_student", "model.accumulation": "transfer"}
    first, *_, last = of(Evaluated, train(tiny(free), data))
    for name in ("temperature", "gamma", "transfer"):
        assert last.parameters[name]["quantiles"] != first.parameters[name]["quantiles"], name


@pytest.mark.parametrize("when", ["first epoch", "second epoch"])
def test_a_poisoned_parameter_stops_the_run_and_says_where(tiny, data, tmp_path, monkeypatch, when):
    kept, calls = {}, []
    monkeypatch.setattr(loop, "build", lambda *given: kept.setdefault("model", build(*given)))

    def poison():
        calls.append(1)
        if len(calls) == poisoned:
            next(kept["model"].encoder2.gains.parameters()).data[0] = math.nan
        return []

    steps = math.ceil(28 / 8)
    poisoned = {"first epoch": 2, "second epoch": steps + 2}[when]
    epoch = 1 if poisoned <= steps else 2
    events = []
    with pytest.raises(Diverged) as error:
        for event in train(tiny({"training.max_epochs": 3}), data, poison, tmp_path):
            events.append(event)
    text = str(error.value)
    assert f"at step {poisoned} (epoch {epoch})" in text and "became nan" in text
    assert "Last good checkpoints: encoder1 of epoch" in text and "training.learning_rate (now 0.003)" in text
    assert max(event.step for event in of(Stepped, events)) == poisoned - 1
    for encoder in ("encoder1", "encoder2"):
        weights = checkpoints.load(tmp_path, encoder)
        assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_v3_phase1_trains_and_its_aggregate_gain_is_nearly_a_constant(tiny, data):
    config = tiny({"model.width": 32, "model.heads": 4, "training.max_epochs": 2}, "v3-phase1")
    events = list(train(config, data))
    test = events[-1].results["test"]
    assert 0.57 < test["aggregate_gain_mean"] < 0.62 and test["aggregate_gain_std"] < 0.012
    assert test["gain_std"] > 5 * test["aggregate_gain_std"]  # the per-skill gains are another quantity
    for event in of(Stepped, events):
        assert {"loss.variance", "loss.contrastive", "aggregate_gain_std"} <= set(event.values)
        assert event.values["loss.variance"] == event.values["loss.contrastive"] < 0


def test_live_gain_statistics_and_histograms_are_those_of_the_batches(tiny, data):
    events = list(train(tiny({"training.max_epochs": 5, "training.log_every": 1}), data))
    seen = [event for event in of(GainHistograms, events) if event.split == "train"]
    interactions = events[0].data["split"]["train"]["interactions"]
    assert [event.step for event in seen] == [4, 8, 12, 16, 20]
    assert [sum(event.counts) for event in seen] == [interactions] * 5  # four steps are an epoch here
    for event in of(GainHistograms, events):
        per_skill = np.array(list(event.skills.values()))
        assert per_skill.sum() == sum(event.counts)
        assert len(event.counts) == 50 and per_skill.shape[1] == 20
    held = [event for event in of(GainHistograms, events) if event.split == "validation"]
    assert [sum(event.counts) for event in held] == [events[0].data["split"]["validation"]["interactions"]] * 6


@pytest.mark.parametrize(
    "since, holds", [(None, []), (None, [True, False]), (1.0, [True] * 3), (3.0, [True, False, True])]
)
def test_uniform_since_is_the_epoch_from_which_it_stays(since, holds):
    assert results._since(holds) == since


def test_parameters_are_told_at_every_epoch(tiny, data):
    first, *_, last = of(Evaluated, train(tiny({"training.max_epochs": 2, "model.prior": "none"}), data))
    start = build(tiny(), len(data.skills), 28, CPU).encoder2.mastery.beta.detach().numpy()
    told = first.parameters["beta"]
    assert told["mean"] == pytest.approx(start.mean(), abs=1e-6) and told["std"] == pytest.approx(start.std(), abs=1e-6)
    assert len(told["quantiles"]) == 101 and told["quantiles"] == sorted(told["quantiles"])
    assert told["quantiles"][0] == pytest.approx(start.min(), rel=1e-5)
    assert set(first.parameters) == {"beta", "gamma", "saturation", "threshold", "offset", "temperature", "transfer"}
    assert last.parameters["beta"] != first.parameters["beta"]


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"training\.device: mps is not available here; available: .*cpu, or auto"):
        pick_device("mps")
    assert pick_device("cpu") == CPU


def test_events_travel_as_plain_json(tiny, data, tmp_path):
    for event in train(tiny(), data, folder=tmp_path):
        row = json.loads(json.dumps(event.as_row(), allow_nan=False))
        assert row["kind"] == event.kind and set(row) == {"kind", *asdict(event)}
