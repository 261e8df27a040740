"""Level and history against their definitions, interaction by interaction; batches that weigh interactions equally."""

import math

import numpy as np
import pytest
import torch

from gainakt.config import Config, changed
from gainakt.data.sequences import Batch, Windows, batches_per_epoch
from gainakt.errors import InputError
from gainakt.model.history import FEATURES, history
from gainakt.model.level import Level
from gainakt.training.prior import usual_share
from gainakt.training.setup import build

SKILLS, STEPS, WINDOWS = 4, 15, 3
CPU = torch.device("cpu")


def drawn(valid=(15, 9, 2), group=False):
    numbers = torch.Generator().manual_seed(7)
    order = torch.sort(torch.randint(0, 8, (WINDOWS, STEPS), generator=numbers)).values if group else None
    return Batch(
        student=torch.tensor([0, 1, -1]),
        skill=torch.randint(0, SKILLS, (WINDOWS, STEPS), generator=numbers),
        response=torch.randint(0, 2, (WINDOWS, STEPS), generator=numbers),
        valid=torch.arange(STEPS) < torch.tensor(valid)[:, None],
        interactions=sum(valid),
        group=order,
    )


@pytest.fixture
def level():
    torch.manual_seed(3)
    level = Level("student_skill", SKILLS).double()
    with torch.no_grad():
        for name, parameter in level.named_parameters():
            parameter.add_(torch.rand_like(parameter) + (name == "size"))
    return level


def by_definition(level, skill, response, visible, asked):
    """The level of `asked` after the first `visible` interactions, in plain Python."""
    usual, trend, size = level.usual.tolist(), level.trend.tolist(), level.size.tolist()
    fade = [1 / (1 + math.exp(-x)) for x in level.fade.tolist()]
    evidence = [math.log1p(math.exp(x)) for x in level.evidence.tolist()]
    surprise = []
    for t, (s, r) in enumerate(zip(skill, response, strict=True)):
        surprise.append(r - 1 / (1 + math.exp(-usual[s] - trend[s] * math.log1p(skill[:t].count(s)))))
    total = 0.0
    for part, kept in enumerate([list(range(visible)), [t for t in range(visible) if skill[t] == asked]]):
        weights = [fade[part] ** (len(kept) - 1 - i) for i in range(len(kept))]
        total += (
            size[part]
            * sum(w * surprise[t] for w, t in zip(weights, kept, strict=True))
            / (sum(weights) + evidence[part])
        )
    return total


@torch.no_grad()
def test_the_level_is_the_shrunken_fading_mean_of_surprises(level):
    batch = drawn()
    asked, own = level(batch, batch.asked), level(batch, batch.skill)
    every = level.every(batch, torch.arange(SKILLS))
    for row in range(WINDOWS):
        count = int(batch.valid[row].sum())
        skill, response = batch.skill[row, :count].tolist(), batch.response[row, :count].tolist()
        for t in range(count):
            expected = [by_definition(level, skill, response, t + 1, s) for s in range(SKILLS)]
            assert every[row, t].tolist() == pytest.approx(expected, abs=1e-12)
            assert float(own[row, t]) == pytest.approx(expected[skill[t]], abs=1e-12)
            if t + 1 < count:
                assert float(asked[row, t]) == pytest.approx(expected[skill[t + 1]], abs=1e-12)


@torch.no_grad()
def test_a_correct_response_raises_the_level_and_an_incorrect_one_lowers_it(level):
    batch = drawn(valid=(15, 15, 15))
    before, after = level(batch, batch.asked)[:, :-1], level(batch, batch.skill)[:, 1:-1]  # of the same skill
    right = batch.response[:, 1:-1] > 0
    assert bool((after[right] > before[right]).float().mean() > 0.9)
    assert bool((after[~right] < before[~right]).float().mean() > 0.9)


def history_by_definition(skill, response, usual, t):
    own = [i for i in range(t) if skill[i] == skill[t]]
    answers = [response[i] for i in own]
    right, wrong = (next((k for k, r in enumerate(reversed(answers)) if r == other), len(own)) for other in (0, 1))
    since = t - own[-1] if own else 0
    counts = [sum(answers), len(own) - sum(answers), len(own), right, wrong, since]
    codes = [float(len(own) >= back and answers[-back] == answer) for back in (1, 2, 3) for answer in (0, 1)]
    surprise = [response[i] - usual[skill[i]] for i in range(t)]
    recent = [2 * sum(surprise[-back:]) / max(1, min(t, back)) for back in (2, 5, 10)]
    return [
        *(math.log1p(count) for count in counts),
        *((sum(answers) + 1) / (len(own) + 2), float(since == 1), float(not own), *codes),
        *(4 * sum(surprise) / (t + 5), *recent, math.log1p(t) / 2, math.log1p(len(set(skill[:t]))) / 2),
        math.log(usual[skill[t]] / (1 - usual[skill[t]])),
    ]


def test_history_counts_what_came_before():
    batch, usual = drawn(), torch.tensor([0.3, 0.6, 0.7, 0.9])
    told = history(batch, usual)
    assert told.shape == (WINDOWS, STEPS, FEATURES)
    for row in range(WINDOWS):
        count = int(batch.valid[row].sum())
        skill, response = batch.skill[row, :count].tolist(), batch.response[row, :count].tolist()
        for t in range(count):
            expected = history_by_definition(skill, response, usual.tolist(), t)
            assert told[row, t].tolist() == pytest.approx(expected, abs=1e-5), (row, t)


def test_a_question_tells_its_own_rows_nothing():
    """Not even where a question names a skill twice."""
    batch, usual = drawn(valid=(15, 15, 15), group=True), torch.full((SKILLS,), 0.5)
    twice = batch.group[:, 1:] == batch.group[:, :-1]
    assert bool((twice & (batch.skill[:, 1:] == batch.skill[:, :-1])).any())
    before = history(batch, usual)
    for question in range(8):
        own = batch.group == question
        other = Batch(**(vars(batch) | {"response": torch.where(own, 1 - batch.response, batch.response)}))
        after = history(other, usual)
        first = batch.group <= question
        assert torch.equal(before[first], after[first])


def test_even_batches_cover_each_window_once_with_about_equally_many_interactions(small_class):
    data = small_class(students=60, lengths=(2, 40))
    windows = Windows(data, np.arange(60), 40, True, CPU)
    batches = list(windows.shuffled(8, 0, 1, even=True))
    assert len(batches) == batches_per_epoch(windows, 8)
    students = torch.cat([batch.student for batch in batches]).tolist()
    assert sorted(students) == list(range(60))
    share = windows.interactions / len(batches)
    assert max(abs(batch.interactions - share) for batch in batches) <= 40
    rest = list(windows.shuffled(8, 0, 1, skip=3, even=True))
    assert [batch.student.tolist() for batch in rest] == [batch.student.tolist() for batch in batches[3:]]


def test_windows_longer_than_a_batchs_share_leave_no_batch_empty(small_class):
    data = small_class(students=7, lengths=(2, 40))
    windows = Windows(data, np.arange(7), 40, True, CPU)
    batches = list(windows.shuffled(1, 0, 1, even=True))
    assert len(batches) == 7 and all(len(batch.skill) == 1 for batch in batches)


def test_the_usual_share_comes_from_training_students(small_class):
    data = small_class(students=20)
    share = usual_share(data, np.arange(10))
    trains = data.student < 10
    for skill in range(len(data.skills)):
        answers = data.response[trains & (data.skill == skill)]
        overall = (data.response[trains].sum() + 1) / (trains.sum() + 2)
        assert share[skill] == pytest.approx((answers.sum() + 2 * overall) / (len(answers) + 2))


def test_without_a_level_there_is_nothing_of_it(tiny):
    names = build(tiny(), 5, 9, CPU).state_dict()
    assert not any("level" in name.split(".") or "usual" in name for name in names)


def test_ability_is_read_as_the_level_of_the_student():
    assert changed(Config(), {"model.ability": True}).model.level == "student"
    assert Config.model_validate({"model": {"ability": False}}).model.level == "none"


def test_encoders_share_only_between_transformers():
    with pytest.raises(InputError, match=r"set model\.sharing to apart"):
        changed(Config(), {"model.encoder1": "recurrent", "model.sharing": "embeddings"})
