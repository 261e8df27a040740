"""Runs written for MLflow and Weights & Biases hold the same numbers when read back as these tools store them."""

import json
import sys

import pytest

from gainakt.errors import InputError
from gainakt.store import RunFolder, Store, runs_root
from gainakt.store.mlflow import export_mlflow
from gainakt.store.wandb import export_wandb

CONFIG = {"weights": {"variance": 0.5}, "data": {"path": "a b.csv"}, "training": {"seed": 3}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two finished runs, one with more values than the tools take at once."""
    path = tmp_path_factory.mktemp("trackers") / "a.duckdb"
    for name, steps in (("long – <i>x</i>", 1500), ("short", 3)):
        folder = RunFolder.create(runs_root(path), name=name, preset="corrected", config=CONFIG)
        data = {"name": "demo", "fingerprint": "f", "students": 3, "split": {}, "warnings": []}
        folder.append({"kind": "started", "device": "cpu", "versions": {}, "data": data, "skills": ["a"],
                       "steps_per_epoch": 10, "max_epochs": 4, "parameters": 9})  # fmt: skip
        for step in range(1, steps + 1):
            folder.append(
                {"kind": "step", "step": step, "epoch": 1, "values": {"loss.total": 1 / step, "gain_std": step}}
            )
        folder.append({"kind": "finished", "status": "finished", "reason": "done", "step": steps, "epochs": 1,
                       "best_epoch": {}, "seconds": 3.0, "train_interactions_per_second": 9.0, "skills": [],
                       "results": {"test": {"encoder1_auc": 0.7}}})  # fmt: skip
        folder.close()
    with Store.open(path) as opened:
        opened.take_in()
        yield opened


def runs_of(store):
    return [store.run(run_id) for run_id in store.runs()["run_id"]]


def losses(store, run):
    series = store.series([run.run_id], ["loss.total"])
    return list(zip(series["step"], series["value"], series["time"], strict=True))


@pytest.mark.filterwarnings("default")  # MLflow's own
def test_mlflow_reads_settings_numbers_steps_and_times(store, tmp_path):
    for needed in ("sqlalchemy", "alembic"):
        pytest.importorskip(needed)
    tracking = pytest.importorskip("mlflow.tracking")
    rows = export_mlflow(store, runs_of(store), tmp_path / "it's")
    client = tracking.MlflowClient(f"sqlite:///{tmp_path}/it's/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'gainakt'")
    there = {one.data.tags["run_id"]: one for one in client.search_runs([experiment.experiment_id])}
    for run in runs_of(store):
        back = there[run.run_id]
        assert (back.info.run_name, back.info.status) == (run.name, "FINISHED")
        assert (back.info.start_time, back.info.end_time) == (round(1000 * run.started), round(1000 * run.ended))
        assert back.data.params == {"weights.variance": "0.5", "data.path": "a b.csv", "training.seed": "3"}
        history = client.get_metric_history(back.info.run_id, "loss/total")
        assert sorted((one.step, one.value, one.timestamp) for one in history) == [
            (step, value, round(1000 * time)) for step, value, time in losses(store, run)
        ]
        assert back.data.metrics["final/test/encoder1_auc"] == 0.7 and rows[run.run_id] == 2 * len(history) + 1
    with pytest.raises(InputError, match="there already"):
        export_mlflow(store, runs_of(store), tmp_path / "it's")


def records(file):
    """The records of a .wandb file: a log in LevelDB's format (blocks of 32 KiB) of W&B's messages."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, whole = file.read_bytes(), 7, b""  # behind the file's own head
    while at < len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        size, part = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        whole, at = whole + content[at + 7 : at + 7 + size], at + 7 + size
        if part in (1, 4):  # full, last
            yield Record.FromString(whole)
            whole = b""


def history_of(found):
    for one in found:
        if one.WhichOneof("record_type") == "history":
            yield {(item.key or "/".join(item.nested_key)): json.loads(item.value_json) for item in one.history.item}


@pytest.mark.filterwarnings("default")  # W&B's own
def test_offline_runs_of_wandb_hold_settings_numbers_steps_and_times(store, tmp_path, capfd):
    pytest.importorskip("wandb")
    rows = export_wandb(store, runs_of(store), tmp_path / "it's")
    for run in runs_of(store):
        (file,) = (tmp_path / "it's").glob(f"wandb/offline-run-*/run-{run.run_id}.wandb")
        found = list(records(file))
        about = next(one.run for one in found if one.WhichOneof("record_type") == "run")
        assert (about.run_id, about.display_name, about.run_group) == (run.run_id, run.name, "corrected on demo")
        config = {item.key: json.loads(item.value_json) for item in about.config.update}
        assert {name: config[name] for name in CONFIG} == CONFIG
        history = list(history_of(found))
        assert [(one["_step"], one["loss/total"]) for one in history] == [row[:2] for row in losses(store, run)]
        assert history[0]["_timestamp"] == pytest.approx(losses(store, run)[0][2])
        assert history[-1]["final/test/encoder1_auc"] == 0.7 and rows[run.run_id] == 2 * len(history) + 1
    assert capfd.readouterr() == ("", "")
    with pytest.raises(InputError, match="there already"):
        export_wandb(store, runs_of(store), tmp_path / "it's")


@pytest.mark.parametrize(
    ("write", "package", "says"),
    [(export_mlflow, "mlflow.tracking", "mlflow-skinny=="), (export_wandb, "wandb", "wandb==")],
)
def test_without_the_package_it_says_what_to_install(store, tmp_path, monkeypatch, write, package, says):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"pip install {says}"):
        write(store, runs_of(store), tmp_path / "x")
    assert not (tmp_path / "x").exists()
