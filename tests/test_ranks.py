"""One training in two processes gives the numbers of one process, and only the first process writes."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from gainakt.config import Config, flatten
from gainakt.datasets.load import load
from gainakt.errors import InputError
from gainakt.jobs import processes
from gainakt.jobs.service import execute, queue_run
from gainakt.losses import TERMS
from gainakt.store import RunFolder, runs_root
from gainakt.training import ranks
from gainakt.training.loop import train
from tests.conftest import ROOT, free_port

OF_LOSSES = {f"weights.{name}": 0.3 for name in TERMS if f"weights.{name}" in flatten(Config())}


@pytest.fixture(scope="module")
def config(tiny, class_file):
    """Every loss term at once, also those of a mean or correlation over the batch; no dropout, batches of odd size."""
    off = {"model.dropout": 0.0, "training.batch_size": 7, "losses.sampled_skills": 3, "pressure.least_gain_std": 0.2}
    return tiny({"data.path": str(class_file), "model.gain_head": "mixture", **OF_LOSSES, **off}, "corrected")


@pytest.fixture(scope="module")
def in_two(config, tmp_path_factory):
    """The journal's rows of the training in two processes, which are told what torchrun tells."""
    store = tmp_path_factory.mktemp("two") / "x.duckdb"
    settings = [f"--set={name}={value}" for name, value in flatten(config).items() if value not in ("", None)]
    command = [sys.executable, "-m", "gainakt", "train", *settings, f"--store={store}"]
    told = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    both = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **told, "RANK": str(n), "LOCAL_RANK": str(n)})
        for n in range(2)
    ]
    try:
        assert [process.wait(timeout=300) for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()
    (run,) = (folder for folder in runs_root(store).iterdir() if folder.is_dir())
    return RunFolder(run.parent, run.name).rows(0)[0]


@pytest.mark.timeout(360)
def test_two_processes_give_the_numbers_of_one(config, in_two):
    alone = [event.as_row() for event in train(config, load(config.data))]
    values = [
        {
            (row["kind"], row["step"], name): value
            for row in rows
            if row["kind"] in ("step", "evaluated")
            for name, value in row["values"].items()
            if name != "interactions_per_second"
        }
        for rows in (alone, in_two)
    ]
    assert values[0].keys() == values[1].keys() and len(values[0]) > 200
    aucs = {key for key in values[0] if key[2].endswith("_auc")}  # one pair that turns moves an AUC by 2e-5 here
    for keys, tolerance in ((aucs, 1e-4), (values[0].keys() - aucs, 1e-5)):
        first, second = ({key: one[key] for key in keys} for one in values)
        assert second == pytest.approx(first, abs=tolerance, rel=tolerance)
    first, second = (
        next(row for row in rows if row["kind"] == "finished")["results"]["test"] for rows in (alone, in_two)
    )
    assert second == pytest.approx(first, abs=1e-4, rel=1e-4)


def test_torchrun_starts_nothing_but_trainings(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert processes.helps(["train", "--json"])
    with pytest.raises(InputError, match="train, resume"):
        processes.helps(["runs"])
    monkeypatch.setenv("RANK", "0")
    assert not processes.helps(["train"])
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert not processes.helps(["runs"])


def test_a_stop_before_the_start_ends_every_process(config, tmp_path, monkeypatch):
    jobs = []

    @contextmanager
    def joined(job=None):
        jobs.append(job)
        yield jobs[0]

    monkeypatch.setattr(processes, "several", lambda: True)
    monkeypatch.setattr(ranks, "joined", joined)
    folder = queue_run(tmp_path, config, name="one", preset="corrected")
    folder.request_stop("someone")
    assert execute(folder, config)["status"] == "stopped" and jobs == [None]
    processes.help_to_train()
    assert jobs == [None, None], "the other process waited for a job, got none and ended"
