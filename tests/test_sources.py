"""Raw files become canonical interactions; a bad row is named, a good one is kept."""

import errno
import os
import tempfile

import numpy as np
import pytest

from gainakt.config import DataConfig
from gainakt.data import sources
from gainakt.data.interactions import NO_FOLD, TEST
from gainakt.data.sources import read
from gainakt.errors import InputError

HEADER = "fold,uid,concepts,responses"
GOOD = '0,ann,"3,1,3","1,0,1"'


@pytest.fixture
def written(tmp_path):
    """A function that writes a CSV of these lines under the header and returns its path."""

    def write(*lines, name="class.csv", header=HEADER):
        path = tmp_path / name
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return path

    return write


def by_student(data):
    """label -> list of (skill label, response), in order."""
    found = {label: [] for label in data.students}
    for student, skill, response in zip(data.student, data.skill, data.response, strict=True):
        found[data.students[student]].append((data.skills[skill], int(response)))
    return found


def test_a_good_file_is_read_in_its_order(written):
    data = read(written(GOOD, '1,bob,"10,2","0,0"', '0,"carl",7,1'))
    assert by_student(data) == {
        "ann": [("3", 1), ("1", 0), ("3", 1)],
        "bob": [("10", 0), ("2", 0)],
        "carl": [("7", 1)],
    }
    assert data.skills == ["1", "2", "3", "7", "10"]  # numbers in the order of numbers
    assert data.fold.tolist() == [0, 1, 0]
    assert len(data) == 6 and data.rejected.empty and not data.warnings
    summary = data.summary()
    assert (summary["students"], summary["interactions"], summary["skills"]) == (3, 6, 5)
    assert summary["share_correct"] == 0.5 and summary["rejected"] == 0


@pytest.mark.parametrize("given, fold", [("0", 0), ("4", 4), ("-1", TEST), ("2.0", 2), (" 3 ", 3)])
def test_folds_are_kept(written, given, fold):
    assert read(written(f"{given},ann,1,1")).fold.tolist() == [fold]


BAD_ROWS = {
    "response 2": ('0,bob,"1,2,3","1,2,0"', "responses", "1,2,0", "neither 0 nor 1", 3),
    "response as text": ('0,bob,"1,2","1,x"', "responses", "1,x", "neither 0 nor 1", 2),
    "response as decimal": ('0,bob,"1,2","1,0.5"', "responses", "1,0.5", "neither 0 nor 1", 2),
    "negative response": ('0,bob,"1,2,3","1,-1,0"', "responses", "1,-1,0", "neither 0 nor 1", 3),
    "empty response": ('0,bob,"1,2,3","1,,0"', "responses", "1,,0", "neither 0 nor 1", 3),
    "no responses": ('0,bob,"1,2",', "responses", None, "neither 0 nor 1", 0),
    "fewer responses": ('0,bob,"1,2,3","1,0"', "responses", "1,0", "2 responses for 3 skills", 2),
    "more responses": ('0,bob,"1,2","1,0,1"', "responses", "1,0,1", "3 responses for 2 skills", 3),
    "empty id": ('0,,"1,2","1,0"', "uid", None, "student id is empty", 2),
    "blank id": ('0,"  ","1,2","1,0"', "uid", "  ", "student id is empty", 2),
    "fold as text": ('x,bob,"1,2","1,0"', "fold", "x", "no fold; allowed", 2),
    "empty fold": (',bob,"1,2","1,0"', "fold", None, "no fold; allowed", 2),
    "fold too large": ('99999,bob,"1,2","1,0"', "fold", "99999", "no fold; allowed", 2),
    "empty skill": ('0,bob,"1,,2","1,0,1"', "concepts", "1,,2", "a skill is empty", 3),
    "skill at the end": ('0,bob,"1,2,","1,0,1"', "concepts", "1,2,", "a skill is empty", 3),
    "no skills": ("0,bob,,1", "concepts", None, "a skill is empty", 1),
    "row cut short": ("0,bob", "", "0,bob", "2 values where the header has 4 columns", 0),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named_and_the_good_ones_kept(written, case):
    line, column, value, reason, interactions = BAD_ROWS[case]
    path = written(GOOD, line, '1,eve,"5","1"')
    data = read(path)
    assert data.students == ["ann", "eve"] and len(data) == 4 and data.skills == ["1", "3", "5"]
    (row,) = data.rejected.astype(object).where(data.rejected.notna(), None).to_dict("records")
    assert reason in row.pop("reason")
    assert row == {"file": str(path), "row": 3, "column": column, "value": value, "interactions": interactions}
    assert data.summary()["rejected"] == 1
    (warning,) = data.warnings
    place = f"{path}, row 3" + (f", column {column}" if column else "")
    assert "1 row(s) left out" in warning and place in warning and reason in warning


def test_several_bad_rows_add_up(written):
    lines = [line for line, *_ in BAD_ROWS.values()]
    data = read(written(GOOD, *lines, '1,eve,"5","1"'))
    told = dict(zip(data.rejected["row"], data.rejected["column"], strict=True))
    assert told == {row: column for row, (_, column, *_) in enumerate(BAD_ROWS.values(), 3)}
    lost = dict(zip(data.rejected["row"], data.rejected["interactions"], strict=True))
    known = {row: interactions for row, (*_, interactions) in enumerate(BAD_ROWS.values(), 3) if interactions}
    assert {row: lost[row] for row in known} == known
    assert len(data) == 4 and data.summary()["rejected"] == len(lines)


def test_a_file_of_bad_rows_only_is_refused_with_the_first(written):
    path = written('0,ann,"1,2","1,7"')
    with pytest.raises(InputError, match=r"no valid interaction; 1 row.*class\.csv, row 2, column responses.*'1,7'"):
        read(path)


@pytest.mark.parametrize("missing", ["uid", "concepts", "responses"])
def test_a_missing_column_is_named_with_those_that_are_there(written, missing):
    kept = [name for name in HEADER.split(",") if name != missing]
    path = written("0,1,1", header=",".join(kept))
    with pytest.raises(InputError) as error:
        read(path)
    text = str(error.value)
    role = {"uid": "student", "concepts": "skill", "responses": "response"}[missing]
    assert f"{path}, row 1: missing column(s) for " in text and role in text and ", ".join(kept) in text


def test_a_file_without_folds_has_none(written):
    data = read(written('ann,"1,2","1,0"', header="uid,concepts,responses"))
    assert data.fold.tolist() == [NO_FOLD] and len(data) == 2


def test_no_such_path_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such file or folder; give"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no file of responses here; expected one that ends in \.csv"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x00\xff\x00\xfe" * 50])
def test_a_file_that_is_no_csv_is_named(tmp_path, content):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"odd\.csv"):
        read(path)


def test_skills_and_students_that_are_text(written):
    data = read(written('0,Zoë,"add, subtract ,2","1, 0,1"', '0," ann ","10,größer,x y","0,1,1"'))
    assert by_student(data) == {
        "Zoë": [("add", 1), ("subtract", 0), ("2", 1)],
        "ann": [("10", 0), ("größer", 1), ("x y", 1)],
    }
    assert data.skills == ["2", "10", "add", "größer", "subtract", "x y"]


def test_quoted_labels_with_quotes_in_them(written):
    data = read(written('0,"ann ""the"" first","say ""1"",it\'s","1,0"', '"1","bob","7","1"'))
    assert by_student(data) == {'ann "the" first': [('say "1"', 1), ("it's", 0)], "bob": [("7", 1)]}


def test_windows_line_ends_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "class.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([HEADER, GOOD, '0,bob,"1,2","1,2"', "1,eve,5,1", ""]).encode())
    data = read(path)
    assert data.students == ["ann", "eve"] and data.rejected["row"].tolist() == [3]


def test_further_columns_in_another_order_do_no_harm(written):
    data = read(written('"1,0","9,9",bob,"3,4",0', header="responses,cidxs,uid,concepts,fold"))
    assert by_student(data) == {"bob": [("3", 1), ("4", 0)]}


def test_a_folder_joins_its_files_and_test_students_are_marked(written):
    written(GOOD, '1,bob,"4","0"', name="train_valid.csv")
    path = written('0,zed,"4,9","1,1"', '-1,yan,"3","7"', name="test.csv")
    data = read(path.parent)
    folds = dict(zip(data.students, data.fold.tolist(), strict=True))
    assert folds == {"ann": 0, "bob": 1, "zed": TEST}  # whatever the test file says of folds
    assert data.skills == ["1", "3", "4", "9"]
    assert data.rejected[["file", "row"]].to_numpy().tolist() == [[str(path), 3]]
    assert data.overlapping_students == 0
    assert (np.diff(data.student) >= 0).all()


def test_an_id_in_both_files_is_two_students_and_counted(written):
    written(GOOD, '1,bob,"4","0"', name="train_valid.csv")
    path = written('-1,ann,"4,9","1,1"', name="test.csv")
    data = read(path.parent)
    assert data.overlapping_students == data.summary()["overlapping_students"] == 1
    assert by_student(data)["ann"] == [("3", 1), ("1", 0), ("3", 1)]
    assert by_student(data)["ann (test)"] == [("4", 1), ("9", 1)]
    folds = dict(zip(data.students, data.fold.tolist(), strict=True))
    assert folds == {"ann": 0, "bob": 1, "ann (test)": TEST}
    assert any("different people" in warning for warning in data.warnings)


def test_a_student_on_several_rows_is_one_student(written):
    data = read(written(GOOD, "0,bob,1,0", '0,ann,"8","0"'))
    assert by_student(data)["ann"] == [("3", 1), ("1", 0), ("3", 1), ("8", 0)]
    assert data.overlapping_students == 0 and not data.warnings


def test_equal_data_have_equal_fingerprints_and_any_change_another(written):
    base = read(written(GOOD, '1,bob,"4","0"', name="a.csv")).fingerprint
    assert read(written(GOOD, '1,bob,"4","0"', name="b.csv")).fingerprint == base
    changes = ['1,bob,"4","1"', '0,bob,"4","0"', '1,bob,"5","0"', '1,rob,"4","0"', '1,bob,"4,4","0,0"']
    prints = {read(written(GOOD, line, name=f"c{i}.csv")).fingerprint for i, line in enumerate(changes)}
    assert len(prints | {base}) == len(changes) + 1


def test_a_fold_that_nothing_declares_is_none(small_class):
    data = small_class()
    assert (data.fold == NO_FOLD).all() and data.fingerprint == small_class().fingerprint


@pytest.mark.parametrize("fold", ["1.5", "-3"])
def test_a_fold_that_is_no_fold_is_rejected(written, fold):
    data = read(written(GOOD, f"{fold},bob,1,1"))
    assert data.rejected["column"].tolist() == ["fold"]


def test_an_empty_line_does_not_shift_row_numbers(written):
    assert read(written(GOOD, "", "0,bob,1,7")).rejected["row"].tolist() == [4]


def test_assistments_2015(real_data):
    data = read(real_data)
    assert (len(data.students), len(data), len(data.skills)) == (19_093, 682_797, 100)
    assert data.summary()["share_correct"] == pytest.approx(0.7325, abs=5e-5)
    assert data.rejected.empty and data.overlapping_students == 0
    assert sorted(set(data.fold.tolist())) == [TEST, 0, 1, 2, 3, 4]
    lines = (real_data / "train_valid.csv").read_text().splitlines()
    assert by_first(data) == lines[1].split('"')[1]


def by_first(data):
    """The first student's skills, as the file writes them."""
    return ",".join(data.skills[skill] for skill in data.skill[data.student == data.students.index("16894")])


def test_very_many_responses_lie_in_temporary_files(written, monkeypatch, tmp_path):
    path = written("ann,3~~1,1", "bob,10,0", "ann,1,0", header="student,skill,response")
    config = DataConfig(several_skills="expanded")
    held = read(path, config)
    monkeypatch.setattr(sources, "IN_MEMORY", 2)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    mapped = read(path, config)
    for name in ("student", "skill", "response", "group"):
        assert isinstance(getattr(mapped, name), np.memmap)
        np.testing.assert_array_equal(getattr(mapped, name), getattr(held, name))
    assert mapped.fingerprint == held.fingerprint and not list((tmp_path / "scratch").iterdir())


def test_a_disk_without_room_for_them_is_named(written, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources, "IN_MEMORY", 1)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match="set TMPDIR to a roomier one"):
        read(written(GOOD))
