"""Simulated files: the same bytes however they are made, read back as simulated, with the truth found beside them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gainakt.data.sources import read
from gainakt.errors import InputError
from gainakt.simulate import Scenario, scenario, simulated, trajectory, truth_beside, with_truth, write
from tests.command import gainakt

ITEMS = Scenario(students=2300, skills=7, items_per_skill=2, item_sd=0.5, two_skill_share=0.5, groups=2, transfer=0.2)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv"])
def test_same_seed_same_bytes_whatever_the_parts(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gainakt.simulate.files._ROWS", 5000)  # several row groups
    files = [tmp_path / f"{blocks}{suffix}" for blocks in (1, 2, 5)]
    done = [write("mine", ITEMS, 11, file, blocks=int(file.stem)) for file in files]
    assert len({file.read_bytes() for file in files}) == 1
    assert len({Path(f"{file}.truth.json").read_bytes() for file in files}) == 1
    assert len({one.interactions for one in done}) == 1
    write("mine", ITEMS, 12, files[1])
    assert files[0].read_bytes() != files[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([*files, *(Path(f"{file}.truth.json") for file in files)])


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv"])
def test_a_file_reads_back_as_what_was_simulated(tmp_path: Path, suffix: str) -> None:
    chosen = scenario("demo", {"students": 1200})
    written = write("demo", chosen, 1, tmp_path / f"class{suffix}")
    there, here = with_truth(read(written.files[0]), written.files[0]), simulated(chosen, 1)
    assert (there.students, there.skills) == (here.students, here.skills)
    assert written.summary()["interactions"] == len(there) == len(here)
    assert there.skill.tolist() == here.skill.tolist()
    assert there.response.tolist() == here.response.tolist()
    for mine, theirs in zip(trajectory(here), trajectory(there), strict=True):
        assert mine.tolist() == theirs.tolist()
    assert there.truth["effective_rate"].tolist() == here.truth["effective_rate"].tolist()


def test_joined_skills_keep_their_truth_in_a_file(tmp_path: Path) -> None:
    out = tmp_path / "items.parquet"
    write("mine", ITEMS, 0, out)
    table = pd.read_parquet(out)
    assert list(table.columns) == ["student", "order", "skill", "response", "item"]
    here, there = simulated(ITEMS, 0), with_truth(read(out), out)
    assert set(table["skill"]) == set(here.skills)
    for mine, theirs in zip(trajectory(here), trajectory(there), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-12)


def test_many_students_are_kept_beside_the_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gainakt.simulate.truth._MANY", 100)
    out = tmp_path / "many.csv"
    written = write("mine", Scenario(students=300), 0, out)
    assert [file.name for file in written.files] == ["many.csv", "many.csv.truth.json", "many.csv.truth.parquet"]
    assert "students" not in json.loads(written.files[1].read_text())
    assert (
        with_truth(read(out), out).truth["gamma"].tolist()
        == simulated(Scenario(students=300), 0).truth["gamma"].tolist()
    )


def theirs(folder: Path, truth: object | None) -> Path:
    """A file of somebody else's generator: labels of its own, rows in no order of students."""
    out = folder / "theirs.csv"
    rng = np.random.default_rng(0)
    rows = [
        (f"kid {i}", t, "fractions" if t % 2 else "sums", int(rng.random() < 0.6)) for t in range(8) for i in range(9)
    ]
    pd.DataFrame(rows, columns=["student", "order", "skill", "response"]).to_csv(out, index=False)
    if truth is not None:
        Path(f"{out}.truth.json").write_text(json.dumps(truth))
    return out


def test_another_generator_s_rates_are_found_by_label(tmp_path: Path) -> None:
    skills = {"label": ["sums", "unused", "fractions"], "effective_rate": [0.2, 0.9, None]}
    out = theirs(tmp_path, {"skills": skills})
    data = with_truth(read(out), out)
    assert data.skills == ["fractions", "sums"]
    assert data.truth["effective_rate"].tolist() == pytest.approx([np.nan, 0.2], nan_ok=True)
    assert trajectory(data) is None  # rates alone give no probabilities


def test_another_generator_s_parameters_give_the_oracle(tmp_path: Path) -> None:
    skills = {"label": ["sums", "fractions"], "rate": [0.3, 0.1], "offset": [0.5, -0.5]}
    out = theirs(tmp_path, {"family": "pfa", "skills": skills, "gain_after_correct": 2})
    data = with_truth(read(out), out)
    mastery, probability = trajectory(data)
    first = np.searchsorted(data.student, np.arange(9))
    assert probability[first] == pytest.approx(1 / (1 + np.exp(0.5)))  # "sums" at its offset, ability 0
    assert mastery.tolist() == probability.tolist()
    after = np.where(data.response[first] > 0, 2, 1) * 0.3 - 0.5
    assert probability[first + 2] == pytest.approx(1 / (1 + np.exp(-after)))


def test_students_that_the_truth_does_not_hold_are_not_guessed(tmp_path: Path) -> None:
    skills = {"label": ["sums", "fractions"], "rate": [0.3, 0.1], "offset": [0.5, -0.5]}
    out = theirs(tmp_path, {"family": "pfa", "skills": skills, "students": {"label": ["kid 1"], "gamma": [1.0]}})
    data = with_truth(read(out), out)
    _, probability = trajectory(data)
    known = {data.students[student] for student in data.student[~np.isnan(probability)]}
    assert known == {"kid 1"}


def test_no_truth_is_no_truth(tmp_path: Path) -> None:
    out = theirs(tmp_path, None)
    assert truth_beside(out) == {}
    assert with_truth(read(out), out).truth == {}
    assert trajectory(read(out)) is None


@pytest.mark.parametrize(
    ("truth", "part"),
    [
        ([1], "not a JSON object"),
        ({"family": "own"}, "skills must be"),
        ({"skills": {"label": ["a"], "rate": [1, 2]}}, "skills.rate"),
        ({"skills": {"label": ["a"], "rate": ["x"]}}, "skills.rate"),
        ({"skills": {"label": ["a"]}, "family": "irt"}, "irt"),
        ({"skills": {"label": ["a"]}, "temperature": "warm"}, "temperature"),
    ],
)
def test_a_truth_that_is_none_is_explained(tmp_path: Path, truth: object, part: str) -> None:
    out = theirs(tmp_path, truth)
    with pytest.raises(InputError) as error:
        truth_beside(out)
    assert part in str(error.value) and "theirs.csv.truth.json" in str(error.value)


def test_a_broken_truth_is_explained(tmp_path: Path) -> None:
    out = theirs(tmp_path, None)
    Path(f"{out}.truth.json").write_text('{"skills": ')
    with pytest.raises(InputError, match="cannot be read as JSON"):
        truth_beside(out)


@pytest.mark.parametrize(("name", "part"), [("class.xls", "known: .parquet"), ("no/such/class.csv", "no folder")])
def test_a_wrong_place_is_explained(tmp_path: Path, name: str, part: str) -> None:
    with pytest.raises(InputError) as error:
        write("demo", scenario("demo"), 0, tmp_path / name)
    assert part in str(error.value)


def test_nothing_is_left_when_it_fails(tmp_path: Path) -> None:
    def fail(_students: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write("demo", scenario("demo"), 0, tmp_path / "class.csv", report=fail)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_writes_the_same_bytes_twice(tmp_path: Path) -> None:
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file in files:
        done = gainakt("simulate", "demo", "--seed", "7", "--out", str(file), "--set", "students=80", "--json")
        said = json.loads(done.stdout.splitlines()[-1])
        assert (done.returncode, said["students"], said["truth"]) == (0, 80, [f"{file}.truth.json"])
    assert files[0].read_bytes() == files[1].read_bytes()
    wrong = gainakt("simulate", "demos", "--out", str(tmp_path / "c.csv"))
    assert wrong.returncode == 2 and "heterogeneous-truth" in wrong.stderr.splitlines()[-1]
