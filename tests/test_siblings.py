"""Rows of one question share an answer: no row may see a sibling's, and a question is scored once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gainakt.data.interactions import NO_FOLD, Interactions
from gainakt.data.sequences import Windows
from gainakt.measures.predictions import Split
from gainakt.model.gainakt import GainAKT
from gainakt.training.evaluate import predict
from gainakt.training.loop import train

CPU = torch.device("cpu")


def expanded(students=30, questions=8, skills=6, seed=0):
    """Each student answers `questions` questions of one to three skills, one row per skill."""
    rng = np.random.default_rng(seed)
    rows = []
    for student in range(students):
        for question in range(questions):
            answer = int(rng.random() < 0.6)
            for skill in rng.choice(skills, rng.integers(1, 4), replace=False):
                rows.append((student, skill, answer, student * questions + question))
    student, skill, response, group = np.array(rows).T
    return Interactions(
        name="expanded", source="test",
        students=[f"s{i}" for i in range(students)], skills=[str(i) for i in range(skills)],
        student=student.astype(np.int32), skill=skill.astype(np.int32), response=response.astype(np.int8),
        fold=np.full(students, NO_FOLD, np.int16), group=group,
    )  # fmt: skip


@pytest.fixture
def data():
    return expanded()


@pytest.fixture(params=["without-level", "corrected"])
def model(request, tiny, data):
    torch.manual_seed(0)
    return GainAKT(tiny(name=request.param).model, len(data.skills), len(data.students), 200).eval()


@torch.no_grad()
def test_no_prediction_sees_the_answer_that_it_is_scored_against(model, data):
    windows = Windows(data, np.arange(30), 200, True, CPU)
    batch = windows.batch(np.arange(30))
    before = model(batch)
    for question in range(1, 8):
        number = torch.arange(30)[:, None] * 8 + question
        flipped = replace(batch, response=torch.where(batch.group == number, 1 - batch.response, batch.response))
        after = model(flipped)
        own = (batch.group == number)[:, 1:] & batch.scored
        assert own.any()
        for name in ("logits1", "logits2", "mastery"):
            assert torch.equal(getattr(before, name)[own], getattr(after, name)[own]), name
        later = (batch.group > number)[:, 1:] & batch.scored
        assert question == 7 or not torch.equal(before.logits2[later], after.logits2[later])


def test_the_first_question_is_not_scored_and_each_other_once(model, data):
    seen = predict(model, Windows(data, np.arange(30), 200, True, CPU))
    split = Split(seen, 1)
    target, student, p1, p2, mastery = split.target, split.student, split.p1, split.p2, split.mastery
    assert len(target) == len(p1) == len(p2) == len(mastery) == 30 * 7 and (np.bincount(student) == 7).all()
    first = seen.question == seen.question.min()
    assert p1[0] == pytest.approx(seen.p1[first].mean(), rel=1e-6)


def test_a_window_never_parts_a_question(data):
    windows = Windows(data, np.arange(30), 5, True, CPU)
    assert windows.length.max() <= 5
    for row in range(1, len(windows)):
        if windows.students[row] == windows.students[row - 1]:
            here, before = windows.batch(np.array([row])), windows.batch(np.array([row - 1]))
            assert here.group[0, 0] > before.group[0, before.interactions - 1]


def test_expanded_data_train(tiny, data):
    last = list(train(tiny({"training.max_epochs": 1}), data))[-1]
    assert last.status == "finished" and 0 <= last.results["test"]["encoder2_auc"] <= 1
    assert last.results["test"]["gain_correlation"] is None
