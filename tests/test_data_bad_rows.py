"""Broken input: every row is accepted or reported with its place and reason, and nothing ends in a traceback."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gainakt.config import DataConfig
from gainakt.data import readers
from gainakt.data.sources import read
from gainakt.datasets.describe import write_rejected
from gainakt.errors import InputError

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADER = "user_id,skill,correct"
LABEL = st.text("abcxyz019 é,\"'~", min_size=1, max_size=5).filter(lambda text: text.strip(" ~") != "")
RESPONSES = st.sampled_from(["0", "1", "TRUE", "correct", "0.5", "2", "", "x", "-1", "nan", "inf"])
DAMAGE = st.sampled_from(["cut", "quote", "extra", "swap", "blank", "none"])
GOOD = {"0", "1", "TRUE", "correct"}


def quoted(cell, separator):
    return '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in (separator, '"')) else cell


def damaged(line, damage, place):
    at = place % (len(line) + 1)
    return {
        "cut": line[:at], "quote": line[:at] + '"' + line[at:], "extra": line + ",,7", "swap": line[::-1],
        "blank": "", "none": line,
    }[damage]  # fmt: skip


def accounted(path, config=None):
    """(rows, accepted interactions, rejected rows) whether or not anything was accepted."""
    try:
        data = read(path, config)
    except InputError as error:
        assert str(path) in str(error)
        return None
    assert data.rejected_rows == len(data.rejected) and (data.rejected["reason"].str.len() > 0).all()
    assert data.rejected["row"].is_unique
    return data.rows, len(data), data.rejected_rows


@FEW
@given(
    rows=st.lists(st.tuples(LABEL, LABEL, RESPONSES), min_size=1, max_size=12),
    separator=st.sampled_from([",", "\t", ";", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_of_any_values_is_accounted_for_by_value(tmp_path, rows, separator, encoding, end):
    path = tmp_path / "table.csv"
    rows = [("ann", "add", "0"), *rows]  # without a 0, 1 and -1 alone are refused
    lines = [separator.join(quoted(cell, separator) for cell in row) for row in rows]
    path.write_bytes(end.join([separator.join(HEADER.split(",")), *lines, ""]).encode(encoding))
    good = sum(response in GOOD for _, _, response in rows)
    assert accounted(path) == (len(rows), good, len(rows) - good)


@FEW
@given(
    rows=st.lists(st.tuples(LABEL, LABEL, RESPONSES, DAMAGE, st.integers(0, 30)), min_size=1, max_size=15),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_damaged_table_loses_no_line(tmp_path, rows, end):
    path = tmp_path / "table.csv"
    lines = [damaged(",".join(quoted(cell, ",") for cell in row[:3]), *row[3:]) for row in rows]
    path.write_text(end.join([HEADER, "ann,add,1", "ann,add,0", *lines]) + end, encoding="utf-8", newline="")
    found = accounted(path)
    assert found is not None
    total, accepted, rejected = found
    assert total == 2 + sum(bool(line.strip()) for line in lines) == accepted + rejected
    untouched = sum(row[3] == "none" and row[2] in GOOD for row in rows)
    assert accepted >= 2 + untouched


SEQUENCE = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("01")), min_size=2, max_size=8)
HARM = st.sampled_from(["none", "none", "response", "skill", "short", "id", "fold", "cut", "quote"])


@FEW
@given(students=st.lists(st.tuples(SEQUENCE, HARM), min_size=1, max_size=10))
def test_sequences_are_accounted_for_by_student(tmp_path, students):
    path = tmp_path / "sequences.csv"
    lines = ['0,first,"1,2","1,0"']
    for number, (sequence, harm) in enumerate(students):
        skills, responses = [str(skill) for skill, _ in sequence], [response for _, response in sequence]
        if harm == "response":
            responses[-1] = "7"
        elif harm == "skill":
            skills[0] = ""
        elif harm == "short":
            responses.pop()
        fold, student = "x" if harm == "fold" else 0, "" if harm == "id" else number
        line = f'{fold},{student},"{",".join(skills)}","{",".join(responses)}"'
        lines.append({"cut": line[:-9], "quote": line[:2] + '"' + line[2:]}.get(harm, line))
    path.write_text("fold,uid,concepts,responses\n" + "\n".join(lines) + "\n")
    good = [sequence for sequence, harm in students if harm == "none"]
    data = read(path)
    assert data.rows == 1 + len(students) and data.rejected_rows == len(students) - len(good)
    assert len(data) == 2 + sum(map(len, good))
    assert data.rejected["row"].tolist() == [i + 3 for i, (_, harm) in enumerate(students) if harm != "none"]


@FEW
@given(
    each=st.sampled_from([3, 4]),
    students=st.lists(
        st.tuples(SEQUENCE, st.sampled_from(["none", "none", "short", "drop", "text", "response"])), max_size=8
    ),
    dropped=st.integers(0, 2),
)
def test_lines_keep_every_whole_student_and_report_the_rest(tmp_path, each, students, dropped):
    path = tmp_path / "lines.csv"
    whole = [([(1, "1"), (2, "0"), (3, "1"), (4, "0"), (5, "1"), (6, "0")], "none")] * 3
    blocks = []
    for sequence, harm in [*students, *whole]:
        skills = ",".join(str(skill + 100) for skill, _ in sequence)
        responses = ",".join(response for _, response in sequence)
        block = [str(len(sequence)), *([skills] if each == 4 else []), skills, responses]
        if harm == "short":
            block[-1] = block[-1].rpartition(",")[0]
        elif harm == "drop":
            block.pop(dropped)
        elif harm == "text":
            block[0] = "three"
        elif harm == "response":
            block[-1] = "9" + block[-1][1:]
        blocks.append(block)
    path.write_text("\n".join(line for block in blocks for line in block) + "\n")
    data = read(path, DataConfig(format="lines"))
    good = [sequence for sequence, harm in [*students, *whole] if harm == "none"]
    assert len(data.students) == len(good) and len(data) == sum(map(len, good))
    assert data.rows == len(data.students) + data.rejected_rows
    harmed = sum(harm != "none" for _, harm in students)
    runs = sum(harm != "none" and before == "none" for before, harm in pairwise(["none", *[h for _, h in students]]))
    assert runs <= data.rejected_rows <= 2 * harmed


@settings(FEW, max_examples=20)
@given(
    content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    name=st.sampled_from(["a.csv", "a.txt", "a.parquet", "a.csv.gz"]),
)
def test_any_bytes_are_read_or_refused(tmp_path, content, name):
    path = tmp_path / name
    for start in (b"", b"user_id,skill,correct\n", b"fold,uid,concepts,responses\n", b"3\n", b"PAR1"):
        path.write_bytes(start + content)
        accounted(path)


REFUSED = {
    "empty": (b"", "file is empty"), "blank": (b"\n \n", "file is empty"),
    "header only": (b"user_id,skill,correct\n", "names of columns and no rows"),
    "zip": (b"PK\x03\x04abc", "Excel"), "binary": (bytes(range(32)) * 20 + b"\xff\xfe", "binary"),
    "no header": (b"1,2,0\n1,3,1\n", r"missing column\(s\).*data\.student_column"),
    "open header": (b'user_id,"skill,correct\nann,add,1\n', "row 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_to_do(tmp_path, case):
    content, reason = REFUSED[case]
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as error:
        read(path)
    assert "odd.csv" in str(error.value)


def test_stop_ends_at_the_first_bad_row(tmp_path):
    path = tmp_path / "class.csv"
    path.write_text(f"{HEADER}\nann,add,1\nann,add,9\nann,,1\n")
    with pytest.raises(InputError, match=r"class\.csv, row 3, column correct, value '9': .*; 2 such row\(s\)"):
        read(path, DataConfig(bad_rows="stop"))


def test_a_column_value_is_named_and_formulas_are_quoted(tmp_path):
    path = tmp_path / "class.csv"
    path.write_text(f"{HEADER}\nann,add,1\n\nann,add,=cmd()\n")
    data = read(path)
    write_rejected(data, tmp_path / "bad.csv")
    assert (tmp_path / "bad.csv").read_text().splitlines()[1].split(",")[1:4] == ["4", "correct", "'=cmd()"]


def test_all_rows_are_counted_beyond_those_listed(tmp_path, monkeypatch):
    monkeypatch.setattr("gainakt.data.sources.REJECTED_SHOWN", 5)
    path = tmp_path / "class.csv"
    path.write_text(f"{HEADER}\nann,add,1\n" + "ann,add,7\n" * 20)
    data = read(path)
    assert len(data.rejected) == 5 and data.rejected_rows == data.summary()["rejected"] == 20


def test_large_files_are_checked_without_a_copy(tmp_path, monkeypatch):
    path = tmp_path / "class.csv"
    path.write_text(
        f"{HEADER},order_id\n" + "".join(f"s{i % 7},k{i % 3},{i % 2},{i // 2}\n" for i in range(500)) + "s1,k,9,1\n"
    )
    whole = read(path)
    monkeypatch.setattr("gainakt.data.readers.MATERIALISED", 0)
    assert read(path).fingerprint == whole.fingerprint and whole.rejected_rows == 1


def test_the_exact_reader_agrees_with_the_fast_one(tmp_path, monkeypatch):
    path = tmp_path / "class.csv"
    path.write_text(
        "user_id,note,skill,correct\n" + "".join(f'"s{i % 7}","a, ""b""",k{i % 3},{i % 2}\n' for i in range(300))
    )
    fast = read(path)
    monkeypatch.setattr(readers, "_load_fast", lambda *_: None)
    assert read(path).fingerprint == fast.fingerprint
