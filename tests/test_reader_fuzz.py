"""Readers of files given broken ones: an error in words or a load in which every row is accounted for."""

import json
import os

import pytest

from gainakt.config import DataConfig
from gainakt.data.sources import read
from gainakt.errors import InputError
from gainakt.jobs.sweep.space import read as read_plan
from gainakt.store import tensors
from tests.reliability.imports import STORED, Readings
from tests.reliability.readers import bombs, good_files, outcome, spoiled_read

TRIES = 3


@pytest.mark.parametrize("kind", ["table", "sequences", "lines", "json", "parquet", "packed", "datashop", "workbook"])
def test_a_spoiled_file_is_read_or_refused_in_words(tmp_path, kind):
    content, name = good_files(tmp_path / "good")[kind]
    for seed in range(TRIES):
        told = spoiled_read(tmp_path, content, name, seed)
        assert not told.startswith("LOST"), f"seed {seed}: {told}"


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "again").symlink_to(tmp_path / "loop")
    (tmp_path / "loop" / "self.csv").symlink_to(tmp_path / "loop" / "self.csv")
    for place in (tmp_path / "pipe.csv", tmp_path / "loop", tmp_path / "loop" / "self.csv", "/dev/zero", tmp_path):
        with pytest.raises(InputError):
            read(place, DataConfig())


def test_files_that_unpack_to_much_are_refused_soon(tmp_path):
    for name, path in bombs(tmp_path, 20).items():
        assert outcome(path) == "refused in words", name


def test_all_else_that_is_read_is_read_or_refused_in_words(tmp_path):
    readings = Readings(tmp_path)
    for kind in readings.all:
        for seed in range(2 if kind in STORED else 25):
            told = readings.once(kind, seed)
            assert not told.startswith("LOST"), f"{kind}, seed {seed}: {told}"
    readings.taken.close()


@pytest.mark.parametrize("plan", ["preset = 2", "preset = []", f"preset = '{'x' * 9000}'", "seeds = 1000000000000000"])
def test_an_odd_plan_of_a_sweep_is_refused_in_a_sentence(plan):
    with pytest.raises(InputError) as error:
        read_plan(f"weights.variance = [0, 1]\n{plan}\n")
    assert len(str(error.value)) < 1000


def test_a_description_names_a_file_that_can_be_there(tmp_path):
    about = {"file": f"encoder1-{'9' * 400}.safetensors", "sha256": "0" * 64}
    (tmp_path / "encoder1.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="damaged"):
        tensors.read(tmp_path, "encoder1")
