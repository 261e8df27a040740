"""Split by student, windows, alignment, batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gainakt.data.interactions import NO_FOLD, TEST, Interactions
from gainakt.data.sequences import UNSEEN, Windows, batches_per_epoch, split_students
from gainakt.errors import InputError

CPU = torch.device("cpu")


def sequences(*skills_and_responses, fold=NO_FOLD):
    """Interactions of one student per (skills, responses)."""
    lengths = [len(skills) for skills, _ in skills_and_responses]
    skill = np.concatenate([skills for skills, _ in skills_and_responses])
    return Interactions(
        name="by hand", source="by hand", students=[str(i) for i in range(len(lengths))],
        skills=[str(i) for i in range(int(skill.max()) + 1)],
        student=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths), skill=skill.astype(np.int32),
        response=np.concatenate([responses for _, responses in skills_and_responses]).astype(np.int8),
        fold=np.full(len(lengths), fold, np.int16),
    )  # fmt: skip


def of_lengths(*lengths):
    return sequences(*((np.arange(n) % 7, (np.arange(n) // 2) % 2) for n in lengths))


def everyone(data, window=200, training=True):
    return Windows(data, np.arange(len(data.students)), window, training, CPU)


def test_alignment_of_a_sequence_by_hand():
    data = sequences(([4, 2, 2, 0], [1, 0, 1, 1]), ([3, 1], [0, 1]))
    batch = everyone(data).batch(np.array([0, 1]))
    assert batch.skill.tolist() == [[4, 2, 2, 0], [3, 1, 0, 0]]
    assert batch.response.tolist() == [[1, 0, 1, 1], [0, 1, 0, 0]]
    assert batch.valid.tolist() == [[True] * 4, [True, True, False, False]]
    assert batch.asked.tolist() == [[2, 2, 0], [1, 0, 0]]
    assert batch.target.tolist() == [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    assert batch.scored.tolist() == [[True, True, True], [True, False, False]]
    assert batch.target.dtype == torch.float32


def test_450_interactions_are_windows_of_200_200_and_50_whose_first_is_never_scored():
    data = of_lengths(450, 7)
    windows = everyone(data)
    assert windows.length.tolist() == [200, 200, 50, 7]
    assert windows.students.tolist() == [0, 0, 0, 1]
    batch = windows.batch(np.arange(4))
    assert batch.student.tolist() == [0, 0, 0, 1]
    joined = batch.skill[batch.valid].numpy()
    np.testing.assert_array_equal(joined, data.skill)
    np.testing.assert_array_equal(batch.response[batch.valid].numpy(), data.response)
    assert int(batch.scored.sum()) == 199 + 199 + 49 + 6
    first = data.response[[0, 200, 400]]
    assert batch.response[:3, 0].tolist() == first.tolist()
    assert windows.interactions == 457 and windows.left_out == 0


def test_a_window_of_one_interaction_is_left_out_and_counted():
    windows = everyone(of_lengths(1, 5, 401))
    assert windows.length.tolist() == [5, 200, 200] and windows.left_out == 2
    assert windows.students.tolist() == [1, 2, 2]


def test_students_are_training_students_by_their_place_or_unseen():
    data, chosen = of_lengths(3, 4, 5, 6), np.array([1, 3])
    seen = Windows(data, chosen, 4, True, CPU)
    assert seen.students.tolist() == [1, 3, 3]
    assert seen.batch(np.arange(3)).student.tolist() == [0, 1, 1]
    unseen = Windows(data, chosen, 4, False, CPU)
    assert unseen.batch(np.arange(3)).student.tolist() == [UNSEEN] * 3
    assert unseen.batch(np.arange(3)).skill.shape == (3, 4)


def told(batches):
    """The windows that batches hold, as (student, skills, responses)."""
    windows = []
    for batch in batches:
        for student, skill, response, valid in zip(
            batch.student, batch.skill, batch.response, batch.valid, strict=True
        ):
            windows.append((int(student), tuple(skill[valid].tolist()), tuple(response[valid].tolist())))
    return windows


def test_shuffled_covers_each_window_once_and_depends_on_seed_and_epoch_only(small_class):
    windows = everyone(small_class(lengths=(2, 70), seed=4), window=30)
    orders = {}
    for seed in (0, 1):
        for epoch in (1, 2):
            np.random.seed(epoch)
            torch.manual_seed(seed + 7)
            batches = list(windows.shuffled(8, seed, epoch))
            assert len(batches) == batches_per_epoch(windows, 8)
            assert all(len(batch.student) <= 8 for batch in batches)
            orders[seed, epoch] = told(batches)
            assert sorted(orders[seed, epoch]) == sorted(told([windows.batch(np.arange(len(windows)))]))
            torch.manual_seed(99)
            assert told(windows.shuffled(8, seed, epoch)) == orders[seed, epoch]
    assert len({tuple(order) for order in orders.values()}) == 4


def test_batches_hold_windows_of_similar_length(small_class):
    windows = everyone(small_class(students=200, lengths=(2, 200), seed=4))
    padded = sum(batch.valid.numel() for batch in windows.shuffled(16, 0, 1))
    assert windows.interactions / padded > 0.8  # a random order fills about half


def test_in_order_covers_each_window_once_within_its_budget(small_class):
    windows = everyone(small_class(lengths=(2, 70), seed=4), window=30)
    rows, sizes = [], []
    for chosen, batch in windows.in_order(tokens=100):
        rows += chosen.tolist()
        sizes.append((batch.valid.numel(), len(chosen)))
        assert told([batch]) == told([windows.batch(chosen)])
    assert sorted(rows) == list(range(len(windows)))
    assert all(size <= 100 or count == 1 for size, count in sizes)


def disjoint_and_whole(data, split):
    joined = np.concatenate([split.train, split.validation, split.test])
    assert sorted(joined.tolist()) == list(range(len(data.students)))
    assert all((np.diff(part) > 0).all() for part in (split.train, split.validation, split.test))


def test_given_folds_and_test_students_are_kept(small_class):
    data = replace(small_class(students=40), fold=np.tile([TEST, 0, 1, 2], 10).astype(np.int16))
    for fold in (0, 2):
        split = split_students(data, fold, seed=5)
        disjoint_and_whole(data, split)
        assert (data.fold[split.validation] == fold).all() and (data.fold[split.test] == TEST).all()
        assert len(split.train) == 20 and f"fold {fold} validates" in split.rule
        assert split_students(data, fold, seed=6).train.tolist() == split.train.tolist()


def test_folds_without_test_students_lend_the_next_fold(small_class):
    data = replace(small_class(students=30), fold=np.tile([0, 1, 2], 10).astype(np.int16))
    split = split_students(data, 2, seed=0)
    disjoint_and_whole(data, split)
    assert (data.fold[split.test] == 0).all() and (data.fold[split.validation] == 2).all() and len(split.train) == 10
    assert "fold 0 tests" in split.rule


def test_a_train_and_test_pair_holds_out_ten_percent(small_class):
    for rest in (0, NO_FOLD):
        data = replace(small_class(students=50), fold=np.repeat([rest, TEST], [40, 10]).astype(np.int16))
        split = split_students(data, 0, seed=1)
        disjoint_and_whole(data, split)
        assert split.test.tolist() == list(range(40, 50)) and len(split.validation) == 4 and len(split.train) == 36
        assert split_students(data, 0, seed=2).validation.tolist() != split.validation.tolist()


def test_a_plain_file_is_split_70_10_20_by_its_seed(small_class):
    data = small_class(students=60)
    split = split_students(data, 0, seed=1)
    disjoint_and_whole(data, split)
    assert (len(split.train), len(split.validation), len(split.test)) == (42, 6, 12)
    again, other = split_students(data, 0, seed=1), split_students(data, 0, seed=2)
    assert again.test.tolist() == split.test.tolist() and again.validation.tolist() == split.validation.tolist()
    assert other.test.tolist() != split.test.tolist()
    one_fold = replace(data, fold=np.zeros(60, np.int16))
    assert split_students(one_fold, 0, seed=1).test.tolist() == split.test.tolist()


def test_a_fold_that_is_not_there_is_named_with_those_that_are(small_class):
    data = replace(small_class(students=30), fold=np.tile([0, 1, 4], 10).astype(np.int16))
    with pytest.raises(InputError, match=r"training\.fold: 2 .*folds there: 0, 1, 4"):
        split_students(data, 2, seed=0)


@pytest.mark.parametrize(
    "students, fold",
    [(1, [NO_FOLD]), (2, [NO_FOLD] * 2), (3, [TEST] * 3), (2, [0, TEST]), (4, [0, 0, 1, 1])],
)
def test_too_few_students_for_three_parts_are_refused(small_class, students, fold):
    data = replace(small_class(students=students), fold=np.array(fold, np.int16))
    with pytest.raises(InputError, match="cannot be split into training, validation and test"):
        split_students(data, 0, seed=0)


def test_three_students_are_enough(small_class):
    disjoint_and_whole(data := small_class(students=3), split_students(data, 0, seed=0))


def test_a_part_without_anything_to_predict_is_refused_with_the_reason(tiny):
    from gainakt.training.loop import train

    with pytest.raises(InputError):
        list(train(tiny(), of_lengths(1, 1, 1, 1, 1)))


def test_some_windows_are_whole_ones_and_always_the_same(small_class):
    data = small_class(students=200, lengths=(2, 60))
    windows = Windows(data, np.arange(200), 20, True, CPU)
    some, again = windows.some(1_000), windows.some(1_000)
    assert windows.some() is windows
    assert 1_000 <= some.interactions < 1_020 and len(some) < len(windows)
    assert (some.start == again.start).all()
    there = dict(zip(windows.start, zip(windows.length, windows.students, strict=True), strict=True))
    assert all(there[at] == (n, who) for at, n, who in zip(some.start, some.length, some.students, strict=True))
    read = [
        (int(s), int(k))
        for _, b in some.in_order()
        for row, s in enumerate(b.student)
        for k in b.skill[row][b.valid[row]]
    ]
    assert len(read) == some.interactions == sum(int(b.valid.sum()) for _, b in some.in_order())
