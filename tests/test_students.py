"""One student of a saved run: their course, one prediction recomputed by hand from what `explain` prints, the table."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gainakt.data.sequences import split_students
from gainakt.errors import InputError
from gainakt.jobs.service import execute, queue_run
from gainakt.model.gainakt import GainAKT
from gainakt.store import Store
from gainakt.training.saved import opened
from gainakt.training.setup import build, without_weights
from gainakt.training.student_table import student_rows
from gainakt.training.students import explain, student_number, view
from tests.command import gainakt
from tests.test_siblings import expanded

CPU = torch.device("cpu")
LEVELLED = {"training.max_epochs": 3, "training.learning_rate": 0.01}
RUNS = {  # settings and preset of each run
    "corrected": ({"training.max_epochs": 3}, "without-level"),
    "original": ({"training.max_epochs": 2}, "v3-phase1"),
    "per student, windows of 6": (
        {"model.student_velocity": "per_student", "data.window": 6, "training.max_epochs": 3}
        | {"training.learning_rate": 0.01},
        "without-level",
    ),
    "transfer": ({"model.accumulation": "transfer", "model.transfer_start": 0.3}, "without-level"),
    "level of the student": (LEVELLED | {"model.level": "student"}, "without-level"),
    "level of student and skill": (LEVELLED | {"model.level": "student_skill"}, "without-level"),
}  # fmt: skip


def by_hand(printed):
    """The probability that follows from the printed numbers, step by step, and the practice on the way."""
    practice = sum(one["gain"] * one["share"] for one in printed["contributions"])
    level = sum(one["level"] for one in printed["contributions"])
    z = printed["slope"] * printed["velocity"] * practice + level - printed["offset"]
    mastery = printed["ceiling"] / (1 + math.exp(-z))
    return 1 / (1 + math.exp(-(mastery - printed["threshold"]) / printed["temperature"])), practice


@pytest.fixture(scope="module")
def trained(tiny, class_file, tmp_path_factory):
    """A function that trains a run of `RUNS` once; the run, its root."""
    made = {}

    def of(name):
        if name not in made:
            root = tmp_path_factory.mktemp("runs")
            changes, preset = RUNS[name]
            config = tiny({"data.path": str(class_file), **changes}, preset)
            folder = queue_run(root, config, name=name, preset=preset)
            assert execute(folder, config)["kind"] == "finished"
            with Store.open(":memory:", runs=root) as store:
                store.take_in()
                made[name] = store.run(folder.run_id), root
        return made[name]

    return of


def asked(run):
    return run.model, run.data, run.split


def longest(run, students):
    """The one of these students with the most interactions."""
    return int(students[np.argmax(np.bincount(run.data.student)[students])])


@pytest.mark.parametrize("name", RUNS)
def test_a_prediction_follows_from_the_printed_numbers(trained, name):
    run = opened(*trained(name))
    window = run.config.data.window
    for student in (longest(run, run.split.train), longest(run, run.split.test)):
        course = view(*asked(run), student, window)
        predicted = course.interaction[~np.isnan(course.p2)]
        for interaction in predicted[[0, len(predicted) // 2, -1]]:
            explanation = explain(*asked(run), student, int(interaction), window)
            printed = json.loads(json.dumps(explanation.as_json()))
            probability, practice = by_hand(printed)
            assert probability == pytest.approx(printed["probability"], abs=1e-12)
            assert probability == pytest.approx(printed["model_probability"], abs=1e-6)
            assert practice == pytest.approx(printed["practice"], abs=1e-9)
            for whole, part in (("practice", "added"), ("level", "level")):
                total = sum(one[part] for one in printed["contributions"])
                assert total == pytest.approx(printed[whole], abs=1e-9)
            at = int(np.flatnonzero(course.interaction == interaction)[0])
            assert printed["model_probability"] == pytest.approx(float(course.p2[at]), abs=1e-6)
            assert printed["encoder1_probability"] == pytest.approx(float(course.p1[at]), abs=1e-6)
            assert printed["response"] == course.response[at]
            assert printed["skill"] == course.skills[course.practised[at]]
            before = course.interaction[(course.window == course.window[at]) & (course.interaction < interaction)]
            assert [one["interaction"] for one in printed["contributions"]] == before.tolist()
            assert (abs(printed["level"]) > 1e-4) == ("level" in name)
            if len(before):  # mastery after the interaction before is what the prediction comes from
                mastery = float(course.mastery[at - 1, course.practised[at]])
                assert printed["mastery"] == pytest.approx(mastery, abs=1e-6)
    if name.startswith("per student"):
        velocities = run.model.encoder2.mastery.gamma
        assert float(velocities.std()) > 1e-3 and course.window.max() > 0


def test_a_training_student_has_their_own_velocity_and_others_the_mean(trained):
    run = opened(*trained("per student, windows of 6"))
    gamma = run.model.encoder2.mastery.gamma
    student = longest(run, run.split.train)
    place = run.split.train.tolist().index(student)
    assert explain(*asked(run), student, 3, 6).velocity == float(gamma[place])
    other = longest(run, run.split.test)
    assert explain(*asked(run), other, 2, 6).velocity == pytest.approx(float(gamma.mean()))


def test_later_interactions_change_no_explanation(trained):
    run = opened(*trained("corrected"))
    student = longest(run, run.split.test)
    own = np.flatnonzero(run.data.student == student)
    for interaction in (2, len(own) // 2, len(own)):
        before = explain(*asked(run), student, interaction, 20)
        response = run.data.response.copy()
        response[own[interaction - 1 :]] = (
            1 - response[own[interaction - 1 :]]
        )  # its own response is none of its causes
        after = explain(run.model, replace(run.data, response=response), run.split, student, interaction, 20)
        assert after == replace(before, response=1 - before.response)


def test_rows_of_the_same_question_explain_nothing(tiny):
    data = expanded()
    split = split_students(data, 0, 0)
    torch.manual_seed(0)
    model = GainAKT(tiny().model, len(data.skills), len(split.train), 20).eval()
    for student in range(10):
        group = data.group[data.student == student]
        course = view(model, data, split, student, 20)
        refused = 0
        for at, interaction in enumerate(course.interaction.tolist()):
            try:
                explanation = explain(model, data, split, student, interaction, 20)
            except InputError as error:
                assert "first question" in str(error) and np.isnan(course.p2[at]) and np.isnan(course.p1[at])
                refused += 1
                continue
            used = [one.interaction for one in explanation.contributions]
            assert used and all(group[i - 1] < group[interaction - 1] for i in used)
            earlier = course.interaction[
                (course.window == course.window[at]) & (group[course.interaction - 1] < group[interaction - 1])
            ]
            assert used == earlier.tolist()
            assert by_hand(explanation.as_json())[0] == pytest.approx(explanation.model_probability, abs=1e-6)
            assert explanation.model_probability == pytest.approx(float(course.p2[at]), abs=1e-6)
        assert refused == sum(
            (
                group[course.interaction[course.window == w] - 1]
                == group[course.interaction[course.window == w][0] - 1]
            ).sum()
            for w in range(course.window.max() + 1)
        )


def test_interactions_keep_their_numbers_where_a_window_of_one_is_left_out(tiny, small_class):
    data = replace(
        small_class(students=6, lengths=(5, 5)), group=np.arange(30) - np.isin(np.arange(30) % 5, (2, 3)) * 0
    )
    # a question of three rows behind a question of one, in windows of two: the first window holds a single row
    data = replace(data, group=np.repeat(np.arange(12), [1, 4] * 6), skill=np.tile([0, 1, 2, 3, 4], 6).astype(np.int32))
    split = split_students(data, 0, 0)
    torch.manual_seed(0)
    model = GainAKT(tiny({"data.window": 2}).model, 5, len(split.train), 4).eval()
    course = view(model, data, split, 0, 2)
    assert course.interaction.tolist() == [2, 3, 4, 5] and np.isnan(course.p2).all()
    assert [course.skills[place] for place in course.practised] == [data.skills[i] for i in (1, 2, 3, 4)]


def test_what_cannot_be_explained_says_so_in_a_sentence(trained, tiny, small_class):
    run = opened(*trained("per student, windows of 6"))
    student = longest(run, run.split.train)
    label, count = run.data.students[student], int((run.data.student == student).sum())
    with pytest.raises(InputError, match=r"there is no student 'nobody' in .*; students are named like s"):
        student_number(run.data, "nobody")
    for interaction in (0, -3, count + 1):
        with pytest.raises(InputError, match=f"has interactions 1 to {count}; got {interaction}"):
            explain(*asked(run), student, interaction, 6)
    for interaction in (1, 7):
        with pytest.raises(InputError, match=f"interaction {interaction} of student {label} .* so it is not predicted"):
            explain(*asked(run), student, interaction, 6)
    data = small_class(students=7, lengths=(1, 2))
    lonely = int(np.flatnonzero(np.bincount(data.student) == 1)[0])
    split = split_students(data, 0, 0)
    model = GainAKT(tiny().model, 5, len(split.train), 20)
    for ask in (lambda: view(model, data, split, lonely, 20), lambda: explain(model, data, split, lonely, 1, 20)):
        with pytest.raises(InputError, match="has a single interaction, so nothing is predicted"):
            ask()


def test_the_table_says_who_is_predicted_worst_and_whose_mastery_rises(trained):
    run = opened(*trained("per student, windows of 6"))
    students = np.concatenate([run.split.train[:6], run.split.test])
    table = student_rows(*asked(run), students, 6)
    assert table["student"].tolist() == [run.data.students[student] for student in students]
    assert table["split"].tolist() == ["train"] * 6 + ["test"] * len(run.split.test)
    for row, student in zip(table.itertuples(), students.tolist(), strict=True):
        course = view(*asked(run), student, 6)
        rows = run.data.student == student
        assert row.interactions == rows.sum() and row.share_correct == pytest.approx(run.data.response[rows].mean())
        predicted = ~np.isnan(course.p2)
        p, r = course.p2[predicted].astype(float), course.response[predicted]
        assert row.surprise == pytest.approx(-np.mean(r * np.log(p) + (1 - r) * np.log(1 - p)), rel=1e-4)
        rises = []
        for window in range(course.window.max() + 1):
            for skill in range(len(course.skills)):
                at = np.flatnonzero((course.window == window) & (course.practised == skill) & predicted)
                if len(at) > 1:
                    rises.append(course.mastery[at[-1] - 1, skill] - course.mastery[at[0] - 1, skill])
        if rises:
            assert row.mastery_rise == pytest.approx(np.mean(rises), abs=1e-6)
        else:
            assert np.isnan(row.mastery_rise)


def test_a_table_of_students_with_a_single_interaction(tiny, small_class):
    data = small_class(students=7, lengths=(1, 2))
    split = split_students(data, 0, 0)
    torch.manual_seed(0)
    model = GainAKT(tiny().model, 5, len(split.train), 20)
    lonely = np.flatnonzero(np.bincount(data.student) == 1)
    for students in (lonely, np.arange(7)):
        table = student_rows(model, data, split, students, 20)
        assert len(table) == len(students) and table["surprise"].isna().sum() == len(lonely)


@pytest.mark.parametrize(
    "changes", [{}, {"model.hidden": "skill"}, {"model.gain_head": "mixture"}, {"model.sharing": "first_block"},
                {"model.level": "student_skill", "model.counts": True}, {"model.gain_head": "hierarchical"}]
)  # fmt: skip
def test_a_model_is_opened_without_a_random_number(tiny, changes):
    config = tiny(changes)
    built = build(config, 5, 20, CPU)
    before = torch.get_rng_state()
    empty = without_weights(config, 5, 20)
    empty.load_state_dict(built.state_dict(), assign=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert [(name, value.tolist()) for name, value in empty.state_dict().items()] == [
        (name, value.tolist()) for name, value in built.state_dict().items()
    ]


def test_the_command_line_prints_the_same_numbers(trained):
    run, root = trained("corrected")
    store = root.with_suffix(".duckdb")
    if not store.with_name(f"{store.stem}.runs").exists():
        root = root.rename(store.with_name(f"{store.stem}.runs"))
    done = gainakt("explain", run.run_id, "--student", "s004", "--step", "2", "--json", "--store", store)
    had = opened(run, root)
    assert json.loads(done.stdout) == {
        "run_id": run.run_id,
        **explain(*asked(had), student_number(had.data, "s004"), 2, 20).as_json(),
    }
