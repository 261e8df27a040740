"""Files as people keep them by hand or export them from a course: each written here and compared with what is right."""

import json
import random

import pytest

from gainakt.config import DataConfig
from gainakt.data.sources import read
from gainakt.errors import InputError
from tests.test_file_kinds import said, seen, workbook, written

__all__ = ["written"]
HEAD = "student,question,skill,"


def test_scores_are_read_by_the_maximum_beside_them(written):
    path = written(HEAD + "score,max_score\nA,q1,x,1,1\nA,q2,x,1,2\nB,q1,x,0,1\nB,q2,y,2,2\nB,q3,y,1,\n")
    data = read(path)
    assert seen(data) == [("A", "x", 1), ("B", "x", 0), ("B", "y", 1)] and said(data, "divided by 'max_score'")
    assert data.rejected["row"].tolist() == [3, 6]
    assert read(path, DataConfig(partial_credit="incorrect")).response.tolist() == [1, 0, 0, 1]
    german = read(written("Student;Skill;Points;Max Points\nA;x;1,5;1,5\nA;x;0;2\n"))
    assert german.response.tolist() == [1, 0]


def test_many_scores_above_one_are_no_stray_values(written):
    rows = [f"s{n},q{n},x,{n % 3}\n" for n in range(30)]
    with pytest.raises(InputError, match=r"scores up to 2, .*data\.full_credit"):
        read(written(HEAD + "score\n" + "".join(rows)))
    assert read(written(HEAD + "score\n" + "".join(rows[:1] * 15 + rows[1:2] * 15 + rows[2:3]))).rejected_rows == 1


def test_of_numbered_attempts_the_first_counts(written):
    rows = "A,q1,x,2,1\nA,q1,x,1,0\nB,q1,x,1,1\nB,q2,y,1,0\nB,q2,y,2,1\n"
    path = written(HEAD + "attempt,correct\n" + rows)
    data = read(path)
    assert seen(data) == [("A", "x", 0), ("B", "x", 1), ("B", "y", 0)] and data.later_attempts == 2
    assert said(data, "'attempt' counts attempts; the first attempt of each student at each question")
    assert len(read(path, DataConfig(attempts="all"))) == 5
    met_again = "A,q1,x,1,0\nA,q1,x,2,1\nA,q1,x,1,1\nA,q2,x,1,1\n"
    assert len(read(written(HEAD + "attempt,correct\n" + met_again))) == 3
    gaps = "A,q1,x,,0\nA,q1,x,2,1\nA,q1,x,1,1\nA,q2,x,,1\n"
    assert len(read(written(HEAD + "attempt,correct\n" + gaps))) == 3
    tasks = "A,q1,x,1,0\nA,q2,x,2,1\n"  # the column counts tasks, not attempts at one
    assert not read(written(HEAD + "attempt,correct\n" + tasks)).warnings


def test_unnumbered_attempts_are_doubted(written):
    rows = [f"{student},q{n},x,{correct}\n" for student in "AB" for n in range(4) for correct in (0, 1)]
    assert said(
        read(written(HEAD + "correct\n" + "".join(rows))), "8 of 16 responses looked at follow an incorrect one"
    )
    assert not read(written(HEAD + "correct\n" + "".join(rows[::2]))).warnings


@pytest.mark.parametrize(("yes", "no"), [("ja", "Nein"), ("oui", "non"), ("Sí", "no"), ("C", "I"), ("2 / 2", "0 / 2")])
def test_words_for_correct(written, yes, no):
    assert read(written(f"student,skill,correct\nA,x,{yes}\nA,x,{no}\n")).response.tolist() == [1, 0]


def test_words_of_which_one_side_is_unknown_are_refused(written):
    for yes, no in (("tak", "no"), ("R", "W"), ("wahr", "unwahr")):
        rows = f"A,x,{yes}\nA,x,{no}\n" * 2
        with pytest.raises(InputError, match=rf"'{yes}' \(2\).*which of them is correct is not known"):
            read(written("student,skill,correct\n" + rows))
    assert read(written("student,skill,correct\nA,x,1\nA,x,dunno\n")).rejected_rows == 1


MOODLE = (
    '"Last name","Email address",Status,"Grade/6.00","Q. 1 /2.50","Q. 2 /2.50","Q. 3 /1.00"\n'
    "M,a@x,Finished,6.00,2.50,2.50,1.00\nM,b@x,Finished,0.00,0.00,0.00,-\nO,c@x,Finished,2.25,1.25,0.00,1.00\n"
    '"Overall average",,,2.75,1.25,0.83,1.00\n'
)
GOOGLE = (
    "Timestamp,Username,Total score,3*4?,3*4? [Score],3*4? [Feedback],1+1?,1+1? [Score]\n"
    "2025/11/03,a@x,2.00 / 2,12,1.00 / 1,,2,1.00 / 1\n2025/11/03,b@x,0.00 / 2,13,0.00 / 1,,3,0.00 / 1\n"
)


GERMAN = MOODLE.replace(",", ";").replace(".00", ",00").replace(".50", ",50").replace(".25", ",25")


@pytest.mark.parametrize(
    ("text", "items", "correct", "left"),
    [
        (MOODLE, ["Q. 1 /2.50", "Q. 2 /2.50", "Q. 3 /1.00"], [1, 1, 1, 0, 0, 0, 1], 4),
        (GERMAN, ["Q. 1 /2,50", "Q. 2 /2,50", "Q. 3 /1,00"], [1, 1, 1, 0, 0, 0, 1], 4),
        (GOOGLE, ["1+1? [Score]", "3*4? [Score]"], [1, 1, 0, 0], 0),
    ],
)
def test_marks_of_a_course(written, text, items, correct, left):
    path = written(text)
    with pytest.raises(InputError, match=rf"{len(items)} columns of marks: data\.format=wide"):
        read(path)
    data = read(path, DataConfig(format="wide"))
    assert data.skills == items and data.response.tolist() == correct and data.rejected_rows == left
    assert data.students == ["a@x", "b@x", "c@x"][: len(data.students)]


def test_rows_of_separators_alone_are_empty_lines(written):
    data = read(written("student;skill;correct;;\nA;x;1;;\n;;;;\n;;;;\nB;x;;;\n"))
    assert len(data) == 1 and data.rejected["row"].tolist() == [5]
    rows = [("student", "skill", "correct"), ("A", "x", 1), *[("", "", "")] * 3, ("", "x", 0)]
    data = read(written(workbook(A=rows), "class.xlsx"))
    assert len(data) == 1 and data.rejected["row"].tolist() == [6] and "merged" in data.rejected["reason"][0]


def test_names_that_look_wrong_are_said(written):
    head = "student,skill,correct\n"
    assert said(read(written(head + "A,Add up,1\nA,add  up,0\n")), "'Add up' and 'add  up'")
    data = read(written(head + "A,add; sub,1\nA,mul; add,0\nA,sub; mul,1\n"))
    assert said(data, "data.skill_separator=';'") and len(data.skills) == 3
    assert not read(written(head + "A,add; sub,1\nA,add,0\nA,sub,1\nB,see; also,1\n")).warnings[1:]
    cut = written(head + "1.23457E+14,x,1\n1.23457E+14,x,0\n")
    assert said(read(cut), "such as 1.23457E+14 have lost digits")
    assert not said(read(cut, DataConfig(pseudonymise=True)), "1.23457E+14")


def test_json_with_lists_of_responses_and_mixed_values(written):
    nested = [
        {"id": "A", "responses": [{"skill": "x", "correct": True}, {"skill": "y", "correct": False}]},
        {"id": "B"},
    ]
    named = DataConfig(
        student_column="id", skill_column="responses.skill", response_column="responses.correct"
    )  # one student has none
    data = read(written(json.dumps(nested), "class.json"), named)
    assert seen(data) == [("A", "x", 1), ("A", "y", 0)]
    mixed = [{"student": "A", "skill": "x", "correct": 1}, {"student": "A", "skill": ["x", "y"], "correct": 0}]
    assert seen(read(written(json.dumps(mixed), "mixed.json"))) == [("A", "x", 1), ("A", "x~~y", 0)]


def test_what_is_no_table_of_responses_says_what_it_is(written):
    for text, part in (
        ("-- SQLite\nPRAGMA foreign_keys=OFF;\nINSERT INTO r VALUES('A','x',1);\n", "dump of a database in SQL"),
        ("user_id,question_id,user_answer\nu,q,b\n", "'user_answer' seems to say what was answered"),
    ):
        with pytest.raises(InputError, match=part):
            read(written(text))


def test_any_shuffle_of_attempts_gives_the_same_first_ones(written):
    rows = [f"s{s},q{q},x,{n},{int(n == 3)}\n" for s in range(4) for q in range(3) for n in (1, 2, 3)]
    random.Random(0).shuffle(rows)
    data = read(written(HEAD + "attempt no,correct\n" + "".join(rows)))
    assert len(data) == 12 and not data.response.any()


def test_attempts_are_the_practice_where_questions_are_the_skills(written):
    path = written("SubjectID,ProblemID,Attempt,Score\nu1,P13,1,0\nu1,P13,2,1\n")
    assert len(read(path, DataConfig(skill_column="ProblemID"))) == 2


def test_what_is_very_long_or_deep_is_refused_in_few_words(written):
    rows = "".join(f"s{i},k{i % 2},{'x' * 50_000}\n" for i in range(4))
    with pytest.raises(InputError) as refused:
        read(written(f"student,skill,correct\n{rows}", "long.csv"))
    assert len(str(refused.value)) < 1_000
    with pytest.raises(InputError, match="cannot be read as JSON"):
        read(written("[" * 100_000, "deep.json"))
