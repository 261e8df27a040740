"""Each format, encoding and spelling that the field uses becomes the same canonical interactions."""

import gzip

import duckdb
import numpy as np
import pytest

from gainakt.config import Config, DataConfig, changed
from gainakt.data.interactions import NO_FOLD, TEST
from gainakt.data.sources import read
from gainakt.datasets.load import load
from gainakt.errors import InputError

ROWS = [("ann", "add", 1), ("ann", "sub", 0), ("bob", "add", 1)]


def seen(data):
    """(student, skill, response) in order, by labels."""
    names, skills = data.students, data.skills
    return [(names[a], skills[b], int(r)) for a, b, r in zip(data.student, data.skill, data.response, strict=True)]


def table(header, rows, separator=","):
    return "\n".join(separator.join(str(cell) for cell in row) for row in [header, *rows]) + "\n"


@pytest.fixture
def written(tmp_path):
    def write(content, name="class.csv", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


HEADERS = {
    "pyBKT": ("user_id", "skill_name", "correct"),
    "ASSISTments 2009": ("user_id", "skill_name", "correct", "problem_id", "order_id"),
    "ASSISTments 2012": ("user_id", "skill", "correct", "problem_id", "start_time"),
    "ASSISTments 2015": ("user_id", "sequence_id", "correct", "log_id"),
    "ASSISTments 2017": ("studentId", "skill", "correct", "problemId", "startTime"),
    "Junyi 2015": ("user_id", "exercise", "correct", "time_done"),
    "Junyi 2019": ("uuid", "ucid", "is_correct", "upid", "timestamp_TW"),
    "EdNet with answers": ("user_id", "tags", "correct", "question_id", "timestamp"),
    "KDD Cup": ("Anon Student Id", "KC(Default)", "Correct First Attempt", "Problem Name", "First Transaction Time"),
    "simulated": ("student", "skill", "response", "item", "order"),
    "Riiid-like": ("user_id", "tags", "answered_correctly", "content_id", "timestamp"),
}


@pytest.mark.parametrize("source", HEADERS)
def test_known_headers_need_no_mapping(written, source):
    header = HEADERS[source]
    rows = [(*row, *[f"{100 + i}" for _ in header[3:]]) for i, row in enumerate(ROWS)]
    data = read(written(table(header, rows)))
    assert seen(data) == ROWS and not data.rejected_rows
    assert (data.fold == NO_FOLD).all()


def test_columns_are_named_by_settings_and_reach_the_run(written):
    path = written(table(("kid", "theme!", "ok", "when"), [(s, k, r, 9 - i) for i, (s, k, r) in enumerate(ROWS)]))
    with pytest.raises(InputError, match=r"missing column\(s\) for student, skill, response .*kid, theme!, ok, when"):
        read(path)
    config = changed(Config(), {
        "data.path": str(path), "data.student_column": "kid", "data.skill_column": "theme!",
        "data.response_column": "OK", "data.time_column": "when",
    })  # fmt: skip
    data = load(config.data)
    assert seen(data) == [("bob", "add", 1), ("ann", "sub", 0), ("ann", "add", 1)] or data.students == ["ann", "bob"]
    assert [row for row in seen(data) if row[0] == "ann"] == [("ann", "sub", 0), ("ann", "add", 1)]
    with pytest.raises(InputError, match=r"no column 'nope'.*columns here"):
        read(path, DataConfig(student_column="nope"))


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("quoted", [False, True])
def test_separators_and_quotes(written, separator, quoted):
    rows = [(s, f'"{k}"' if quoted else k, r) for s, k, r in ROWS]
    assert seen(read(written(table(("user_id", "skill", "correct"), rows, separator)))) == ROWS


def test_quoted_separators_quotes_and_line_breaks_in_other_columns(written):
    text = 'user_id,note,skill,correct\nann,"a, ""b""\nc","add, carry",1\nbob,,sub,0\n'
    assert seen(read(written(text))) == [("ann", "add, carry", 1), ("bob", "sub", 0)]


ENCODINGS = {
    "utf-8": "größer", "utf-8-sig": "größer", "utf-16": "größer", "utf-16-le": "größer", "utf-16-be": "größer",
    "latin-1": "größer", "cp1252": "größer – kleiner", "gbk": "分数加法与减法", "utf-32": "größer",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(written, encoding):
    skill = ENCODINGS[encoding]
    content = table(("user_id", "skill", "correct"), [("ann", skill, 1), ("bob", "add", 0)]).encode(encoding)
    path = written(content)
    data = read(path)
    assert seen(data) == [("ann", skill, 1), ("bob", "add", 0)]
    assert path.read_bytes() == content
    assert any("not UTF-8" in text for text in data.warnings) == (encoding in ("latin-1", "cp1252", "gbk"))
    if encoding == "gbk":
        assert seen(read(path, DataConfig(encoding="gbk"))) == seen(data)
    with pytest.raises(InputError, match=r"data\.encoding: 'klingon' is unknown"):
        read(path, DataConfig(encoding="klingon"))


def test_damaged_utf8_costs_its_own_rows(written):
    lines = [f"ann{i},grö\xdfer".encode() + b",1" for i in range(50)]
    lines[7] = b"an\xffn,add,1"
    data = read(written(b"user_id,skill,correct\n" + b"\n".join(lines)))
    assert len(data) == 49 and data.rejected["row"].tolist() == [9]
    assert "data.encoding" in data.rejected["reason"][0]


def test_packed_text_is_read(written):
    path = written(gzip.compress(table(("user_id", "skill", "correct"), ROWS).encode()), "class.csv.gz")
    assert seen(read(path)) == ROWS
    with pytest.raises(InputError, match="cannot be read"):
        read(written(path.read_bytes()[:30], "cut.csv.gz"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(written, end, last):
    text = table(("user_id", "skill", "correct"), ROWS).replace("\n", end)
    assert seen(read(written(text if last else text.rstrip("\r\n")))) == ROWS


SPELLINGS = {
    "TRUE": 1,
    "False": 0,
    "t": 1,
    "1.0": 1,
    "0.00": 0,
    " 1 ": 1,
    "CORRECT": 1,
    "incorrect": 0,
    "HINT": 0,
    "yes": 1,
}


def test_spellings_of_a_response(written):
    rows = [("ann", "add", text) for text in SPELLINGS]
    assert read(written(table(("user_id", "skill", "correct"), rows))).response.tolist() == list(SPELLINGS.values())


@pytest.mark.parametrize("choice, kept", [("reject", [1]), ("correct", [1, 1]), ("incorrect", [1, 0])])
def test_partial_credit_is_a_choice(written, choice, kept):
    path = written(table(("user_id", "skill", "correct"), [("ann", "add", 1), ("ann", "add", 0.5)]))
    data = read(path, DataConfig(partial_credit=choice))
    assert data.response.tolist() == kept and len(kept) + data.rejected_rows == 2


TIMES = {
    "seconds": ["1700000300", "1700000200", "1700000100"],
    "microseconds": ["1700000000000003", "1700000000000002", "1700000000000001"],
    "beyond doubles": ["1700000000000000003", "1700000000000000002", "1700000000000000001"],
    "ISO": ["2024-02-01T10:00:00Z", "2024-02-01T11:00:00+02:00", "2024-01-31T09:00:00.5"],
    "spaced": ["2024-02-01 10:00:00", "2024-02-01 09:00:00.250", "2024-01-31 23:00:00"],
    "month first": ["2/1/2024 10:00", "01/31/2024 9:00", "1/2/2024 9:00"],
    "day first": ["1/2/2024 10:00:00", "31/01/2024 9:00:00", "5/1/2024 9:00:00"],
    "half-days": ["1/31/2024 1:00 PM", "1/31/2024 9:00 AM", "1/31/2024 8:00 AM"],
    "dots": ["01.02.2024 10:00", "31.01.2024 9:00", "05.01.2024 9:00"],
    "dates": ["2024-03-01", "2024-02-28", "2023-12-31"],
}


@pytest.mark.parametrize("form", TIMES)
def test_times_order_the_responses(written, form):
    rows = [("ann", skill, 1, time) for skill, time in zip("cba", TIMES[form], strict=True)]
    data = read(written(table(("user_id", "skill", "correct", "timestamp"), rows)))
    assert [skill for _, skill, _ in seen(data)] == ["a", "b", "c"] and not data.rejected_rows
    assert [s for _, s, _ in seen(read(written(table(("user_id", "skill", "correct", "timestamp"), rows)),
        DataConfig(time_column="-")))] == ["c", "b", "a"]  # fmt: skip


def test_a_time_unlike_the_others_is_rejected(written):
    rows = [
        ("ann", "add", 1, "2024-01-01"),
        ("ann", "add", 0, "2024-01-02"),
        ("ann", "sub", 0, "soon"),
        ("b", "sub", 1, ""),
    ]
    data = read(written(table(("user_id", "skill", "correct", "timestamp"), rows)))
    assert data.rejected[["row", "column", "value"]].fillna("").to_numpy().tolist() == [
        [4, "timestamp", "soon"],
        [5, "timestamp", ""],
    ]


def test_parquet_of_numbers_text_and_timestamps(tmp_path):
    path = tmp_path / "it's [one] *.parquet"
    duckdb.sql(
        "SELECT * FROM (VALUES (7, 'add', true, TIMESTAMP '2024-01-02'), (7, 'sub', false, TIMESTAMP '2024-01-01'),"
        " (NULL, 'sub', true, TIMESTAMP '2024-01-01')) t(user_id, skill, correct, start_time)"
    ).write_parquet(str(tmp_path / "plain.parquet"))
    (tmp_path / "plain.parquet").rename(path)
    data = read(path)
    assert seen(data) == [("7", "sub", 0), ("7", "add", 1)]
    assert data.rejected["row"].tolist() == [3] and data.rejected["column"].tolist() == ["user_id"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read(path)


def test_three_and_four_lines(written):
    three = read(written("3\n5,6,5,\n1,0,1,\n1\n7\n0\n", "train.csv"))
    assert seen(three) == [("train-1", "5", 1), ("train-1", "6", 0), ("train-1", "5", 1), ("train-2", "7", 0)]
    four = read(written("2\n11,12\n5,6\n1,0\n2\n11,13\n5,7\n0,1\n", "four.txt"))
    assert [row[1:] for row in seen(four)] == [("5", 1), ("6", 0), ("5", 0), ("7", 1)]
    assert four.questions == ["11", "12", "13"] and four.question.tolist() == [0, 1, 0, 2]


def test_pykt_padding_and_questions(written):
    text = 'fold,uid,questions,concepts,responses\n0,ann,"q1,q2,-1,-1","3,4_5,-1,-1","1,0,-1,-1"\n'
    data = read(written(text))
    assert seen(data) == [("ann", "3", 1), ("ann", "4~~5", 0)] and data.questions == ["q1", "q2"]


def test_pykt_repeats_are_one_question(written):
    text = 'fold,uid,concepts,responses,is_repeat\n0,ann,"3,4,5,3","1,1,0,0","0,1,0,0"\n'
    assert [row[1:] for row in seen(read(written(text)))] == [("3~~4", 1), ("5", 0), ("3", 0)]
    expanded = read(written(text), DataConfig(several_skills="expanded"))
    assert expanded.group.tolist() == [0, 0, 1, 2] and [row[1] for row in seen(expanded)] == ["3", "4", "5", "3"]


DATASHOP = """Row\tAnon Student Id\tProblem Name\tStep Name\tFirst Transaction Time\tFirst Attempt\tKC (A)\
\tOpportunity (A)\tKC (B)
1\tS1\tp1\ts1\t2007-05-18 20:21:07\tcorrect\tx~~y\t1~~1\tz
2\tS1\tp1\ts2\t2007-05-18 20:20:07\thint\ty~~x\t2~~2\tz
3\tS1\tp2\ts1\t2007-05-18 20:23:07\tincorrect\t\t\tz
4\tS2\tp2\ts1\t2007-05-18 20:23:07\tincorrect\tx\t1\t
"""


def test_datashop_steps_models_and_joined_skills(written):
    path = written(DATASHOP, "export.txt")
    first = read(path)
    assert seen(first) == [("S1", "x~~y", 0), ("S1", "x~~y", 1), ("S2", "x", 0)]
    assert first.rejected[["row", "column"]].to_numpy().tolist() == [[4, "KC (A)"]]
    assert first.questions == ["p1 / s1", "p1 / s2", "p2 / s1"]
    assert read(path, DataConfig(skill_model="B")).skills == ["z"]
    assert read(path, DataConfig(skill_model="KC (B)")).rejected["row"].tolist() == [5]
    assert [s for _, s, _ in seen(read(path, DataConfig(several_skills="first")))] == ["y", "x", "x"]
    expanded = read(path, DataConfig(several_skills="expanded"))
    assert [s for _, s, _ in seen(expanded)] == ["y", "x", "x", "y", "x"] and expanded.group.tolist() == [0, 0, 1, 1, 2]
    with pytest.raises(InputError, match=r"no skill model 'C'.*A, B"):
        read(path, DataConfig(skill_model="C"))


def test_datashop_transactions_repeat_a_models_column(written):
    text = (
        "Anon Student Id\tTime\tProblem Name\tStep Name\tOutcome\tKC (A)\tKC Category (A)\tKC (A)\tKC Category (A)\n"
        "S1\t2007-05-18 20:21:07\tp\ts\tINCORRECT\tx\t\ty\t\nS1\t2007-05-18 20:21:09\tp\ts\tHINT\tx\t\t\t\n"
        "S1\t2007-05-18 20:21:10\tp\ts\tCORRECT\tx\t\t\t\nS1\t2007-05-18 20:21:11\tp\ts\t\tx\t\t\t\n"
    )
    data = read(written(text, "tx.txt"))
    assert seen(data) == [("S1", "x~~y", 0), ("S1", "x", 0), ("S1", "x", 1)]
    assert data.rejected["column"].tolist() == ["Outcome"]


def test_rows_of_one_attempt_are_one_question(written):
    rows = [(1, 9, 3, 1), (1, 9, 4, 1), (2, 9, 4, 0), (3, 8, 4, 1)]
    path = written(table(("order_id", "user_id", "skill_id", "correct"), rows))
    data = read(path)
    assert seen(data) == [("9", "3~~4", 1), ("9", "4", 0), ("8", "4", 1)] and data.rows == 4
    assert len(read(path, DataConfig(attempt_column="-"))) == 4


def test_duplicate_columns_take_the_first_and_say_so(written):
    data = read(written("user_id,skill,correct,Correct\nann,add,1,0\n"))
    assert data.response.tolist() == [1] and any("'correct' stands more than once" in text for text in data.warnings)


def test_train_and_test_files_with_overlapping_ids(written):
    header = ("user_id", "skill", "correct")
    written(table(header, [(1, "a", 1), (2, "a", 0)]), "pair/train.csv")
    path = written(table(header, [(2, "b", 1), (3, "b", 0)]), "pair/test.csv")
    local = read(path.parent)
    assert local.students == ["1", "2", "2 (test)", "3"] and local.overlapping_students == 1
    assert local.fold.tolist() == [NO_FOLD, NO_FOLD, TEST, TEST]
    same = read(path.parent, DataConfig(overlap="same"))
    assert same.students == ["1", "2", "3"] and same.fold.tolist() == [NO_FOLD, TEST, TEST]
    assert seen(same)[1:3] == [("2", "a", 0), ("2", "b", 1)] and same.overlapping_students == 1
    named = read(f"{path.parent / 'train.csv'}", DataConfig(test_path=str(path)))
    assert named.fingerprint == local.fingerprint
    assert read(f"{path.parent / 'train.csv'}; {path}").fingerprint == local.fingerprint


def test_a_validation_file_is_fold_0(written):
    header = ("user_id", "skill", "correct")
    for number, name in enumerate(("train", "valid", "test")):
        path = written(table(header, [(number, "a", 1)]), f"three/{name}.csv")
    assert dict(zip(read(path.parent).students, read(path.parent).fold.tolist(), strict=True)) == {
        "0": 1,
        "1": 0,
        "2": TEST,
    }


def test_pseudonyms_leave_no_id(written):
    rows = [("secret1", "add", 1), ("secret2", "add", 0), ("secret3", "add", "x"), ("secret4", "add")]
    data = read(written(table(("user_id", "skill", "correct"), rows)), DataConfig(pseudonymise=True))
    assert data.students == ["p1", "p2"] and data.rejected_rows == 2
    assert "secret" not in repr(data.rejected.to_dict()) + repr(data.warnings) + repr(data.students)


def test_one_long_student_and_thousands_of_skills(written):
    rows = [("ann", i % 5000, i % 2) for i in range(10_000)]
    data = read(written(table(("user_id", "skill", "correct"), rows)))
    assert len(data.skills) == 5000 and len(data) == 10_000 and data.skills[:3] == ["0", "1", "2"]
    lists = ",".join(str(i % 5000) for i in range(10_000)), ",".join(str(i % 2) for i in range(10_000))
    one = read(written('fold,uid,concepts,responses\n0,ann,"{}","{}"\n'.format(*lists)))
    assert np.array_equal(one.skill, data.skill) and np.array_equal(one.response, data.response)
    assert len(read(written("user_id,skill,correct\nann,add,1\n"))) == 1


def test_ednet_as_published(written):
    head = "timestamp,solving_id,question_id,user_answer,elapsed_time\n"
    for name, rows in {"u1": "20,1,q1,b,9\n10,2,q2,c,9\n", "u2": "5,1,q2,a,9\n6,1,q9,a,9\n7,1,q1,,9\n"}.items():
        path = written(head + rows, f"KT1/{name}.csv")
    with pytest.raises(InputError, match=r"put questions\.csv"):
        read(path.parent)
    written("question_id,bundle_id,correct_answer,part,tags\nq1,b1,b,1,1;2\nq2,b1,a,1,3\n", "KT1/questions.csv")
    data = read(path.parent)
    assert seen(data) == [("u1", "3", 0), ("u1", "1~~2", 1), ("u2", "3", 1)] and data.rows == 5
    assert data.rejected[["file", "row", "column"]].to_numpy().tolist() == [
        [str(path), 3, "tags"], [str(path), 4, "correct"]
    ]  # fmt: skip
