"""Every setting with values that it should refuse, from --set, a file, a sweep's plan and the control file of a run."""

import contextlib
import os

import pytest

from gainakt.config import Config, changed, fields, flatten
from gainakt.config.file import read, written
from gainakt.errors import InputError, RunFailed
from gainakt.jobs.sweep.space import read as read_plan
from gainakt.training.events import Changed, Refused
from gainakt.training.loop import train
from tests.reliability.nasty import LONGEST, TEXTS, VALUES, trouble

SHARES = 5
"""Each setting is given every fifth value, and each value to every fifth setting; the harness gives all to all."""


def test_no_setting_trips_over_a_value():
    wrong = {
        (name, repr(value)[:30]): problem
        for place, name in enumerate(fields())
        for value in (*TEXTS, *VALUES)[place % SHARES :: SHARES]
        if (problem := trouble(Config(), name, value))
    }
    assert wrong == {}


ODD_FILES = {
    "not finite": b"[training]\nlearning_rate = nan\n", "huge": b"[training]\nseed = " + b"9" * 5000 + b"\n",
    "deep": b"[training]\nseed = " + b"[" * 5000 + b"\n", "a date": b"[training]\nseed = 2020-01-01\n",
    "a table": b"[training.seed]\na = 1\n", "a list of tables": b"[[training]]\nseed = 1\n", "no UTF-8": b"\xff\xfe[",
    "NUL": b"[data]\npath = '\x00'\n", "preset is no text": b"preset = 5\n", "loose": b"seed = 1\n",
    "another section": b"[nothing]\nseed = 1\n", "unknown": b"[training]\nepochs = 1\n", "half": b"[training\n",
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_FILES)
def test_an_odd_file_of_settings_is_refused_in_words(tmp_path, case):
    path = tmp_path / "run.toml"
    path.write_bytes(ODD_FILES[case])
    with pytest.raises(InputError) as error:
        changed(Config(), read(path)[1])
    assert len(str(error.value)) <= LONGEST
    with pytest.raises(InputError):
        read_plan(ODD_FILES[case].decode("latin-1"))


def test_a_pipe_or_a_folder_is_no_file_of_settings(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=place.name):
            read(place)


def test_every_setting_is_written_and_read_as_it_is(tmp_path):
    path = tmp_path / "run.toml"
    config = changed(Config(), {"data.path": 'a "b" \\ \x7f\n\t é 🙂', "data.simulate": "x" * 500})
    path.write_text(written(config.model_dump(), "corrected", ["a\x01name\nof \x7f two lines"]), encoding="utf-8")
    preset, settings = read(path)
    assert preset == "corrected" and changed(Config(), settings) == config


def test_the_control_file_of_a_run_may_say_anything(tiny, small_class):
    live = [spec for spec in fields().values() if spec.live]
    odd = [
        (name, value) for place, name in enumerate(fields()) for value in (*VALUES, *TEXTS)[place % SHARES :: SHARES]
    ]
    odd += [("", 1), ("training", 1), ("weights.variance.x", 1), ("__class__", 1), (None, 1), (["weights"], 1)]
    bounds = [(spec.name, getattr(spec, end)) for end in ("low", "default", "high", "default") for spec in live]
    asked = iter([odd, bounds])
    events = []
    with contextlib.suppress(RunFailed):  # the bounds of the weights together may well end a training, in words
        for event in train(
            tiny({"training.max_epochs": 2}),
            small_class(),
            lambda: [{"kind": "set", "field": name, "value": value, "who": "fuzz"} for name, value in next(asked, [])],
        ):
            events.append(event)
    refused = [event for event in events if isinstance(event, Refused)]
    assert len(refused) + sum(isinstance(event, Changed) for event in events) >= len(odd) // 2
    assert [event.reason for event in refused if len(event.reason) > LONGEST] == []
    assert set(flatten(Config())) == set(fields())
