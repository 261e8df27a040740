"""Kinds of files that learning scientists have: each written here, read, and compared with what is right."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pytest

from gainakt.config import DataConfig
from gainakt.data.interactions import NO_FOLD, TEST
from gainakt.data.sources import read
from gainakt.datasets.preview import preview
from gainakt.errors import InputError
from tests.benchmarks import cases


def seen(data):
    """(student, skill, response) in order, by labels."""
    rows = zip(data.student, data.skill, data.response, strict=True)
    return [(data.students[a], data.skills[b], int(r)) for a, b, r in rows]


def said(data, part):
    return any(part in text for text in data.warnings)


@pytest.fixture
def written(tmp_path):
    def write(content, name="class.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("comma", ["", ","])
def test_a_quoted_line_break_is_part_of_the_cell(written, mark, end, comma):
    lines = [
        f"student,skill,correct{comma}",
        f'u0,"a{end}b",1{comma}',
        f'u1,"c, d{end}e, f",0{comma}',
        f"u2,g,1{comma}",
    ]
    data = read(written(mark + end.join([*lines, ""])))
    assert seen(data) == [("u0", "a\nb", 1), ("u1", "c, d\ne, f", 0), ("u2", "g", 1)] and not data.rejected_rows


def test_long_cells_and_an_open_quote_after_them(written):
    code = "\n".join(f"line {i}" for i in range(300))
    data = read(written(f'user_id,skill,correct,input\n1,a,1,"{code}"\n2,b,0,x\n'))
    assert seen(data) == [("1", "a", 1), ("2", "b", 0)]
    data = read(written(f'user_id,skill,correct,input\n1,a,1,"{code}"\n2,"b,0,x\n3,c,1,y\n'))
    assert [row[0] for row in seen(data)] == ["1", "3"] and data.rejected["row"].tolist() == [302]


TRANSACTIONS = "Anon Student Id\tTime\tProblem Name\tProblem View\tStep Name\tAttempt At Step\tOutcome\tKC (Default)\n"


def test_a_transaction_export_gives_first_attempts(written):
    rows = [
        ("s1", "10:00", "p", "1", "a", "1", "HINT"), ("s1", "10:01", "p", "1", "a", "2", "CORRECT"),
        ("s1", "10:02", "p", "2", "a", "1", "CORRECT"), ("s1", "10:03", "p", "1", "b", "1", "INCORRECT"),
        ("s2", "10:00", "p", "", "a", "1", "CORRECT"), ("s2", "10:01", "p", "1", "a", "1", "INCORRECT"),
    ]  # fmt: skip
    lines = ("\t".join((row[0], f"2020-01-01 {row[1]}:00", *row[2:], "add")) for row in rows)
    path = written(TRANSACTIONS + "\n".join(lines) + "\n", "tx.txt")
    first = read(path)
    assert [row[::2] for row in seen(first)] == [("s1", 0), ("s1", 1), ("s1", 0), ("s2", 1)]
    assert first.later_attempts == 2 and first.rows == 4 and said(first, "data.attempts")
    assert len(read(path, DataConfig(attempts="all"))) == 6


STEPS = "Anon Student Id\tFirst Attempt\tProblem Name\tStep Name\t"


def steps(names, rows):
    lines = ["\t".join((f"s{i % 3}", str(i % 2), "p", f"q{i}", *row)) for i, row in enumerate(rows)]
    return STEPS + "\t".join(f"KC ({name})" for name in names) + "\n" + "\n".join(lines) + "\n"


def test_of_several_skill_models_the_rule_prefers_one_and_says_so(written):
    names = ("Single-KC", "Geometry", "Unique-step", "Half", "Good", "Good", "Later")
    rows = [("Single-KC", "g", f"u{i}", "h" if i % 2 else "", f"k{i % 2}", f"m{i % 3}", f"k{i % 2}") for i in range(24)]
    data = read(written(steps(names, rows), "steps.txt"))
    assert data.skills == ["k0", "k1"] and said(data, "KC model 'Good' is read")
    models = {one["name"]: one for one in data.skill_models}
    assert list(models) == ["Single-KC", "Geometry", "Unique-step", "Half", "Good", "Good (2)", "Later"]
    assert [one["name"] for one in data.skill_models if one["used"]] == ["Good"]
    assert models["Half"]["coverage"] == 0.5 and models["Unique-step"]["practised"] == 0
    assert models["Good"] == {"name": "Good", "skills": 2, "coverage": 1, "practised": 1, "used": True}
    second = read(written(steps(names, rows), "steps.txt"), DataConfig(skill_model="Good (2)"))
    assert second.skills == ["m0", "m1", "m2"]


def test_where_no_model_meets_the_rule_its_last_conditions_go_first(written):
    rows = [("Single-KC", f"u{i}", f"k{i}") for i in range(3)]
    data = read(written(steps(("Single-KC", "Unique-step", "Skills"), rows), "steps.txt"))
    assert data.skills == ["k0", "k1", "k2"] and said(data, "KC model 'Skills' is read")


HEADERS = {
    "R": '"","Anon.Student.Id","Time","Outcome","KC..Default."',
    "R, no model": ",student.id,order,is.correct,skill.name",
    "spelled apart": ",USER ID,Time-Stamp,Is_Correct,Skill-Name", "Eedi": ",UserId,DateAnswered,IsCorrect,SubjectId",
    "ProgSnap2": ",SubjectID,ServerTimestamp,Score,ConceptName", "DAFM": ",user_id,time,correctness,skill_name",
    "pandas": ",user_id,time,correct,skill_name,skill_name.1", "pandas model": ",user_id,time,correct,KC (A)",
}  # fmt: skip


@pytest.mark.parametrize("source", HEADERS)
def test_names_are_compared_by_letters_and_digits(written, source):
    further = ",z" if ".1" in HEADERS[source] else ""
    data = read(written(f"{HEADERS[source]}\n1,ann,1,1,a{further}\n2,bob,2,0,b{further}\n"))
    assert seen(data) == [("ann", "a", 1), ("bob", "b", 0)]
    assert said(data, "stands more than once") == bool(further)


ROWS = [("ann", "a", 1, 3), ("ann", "b", 0, 2), ("bob", "a", 1, 1)]
RIGHT = [("ann", "b", 0), ("ann", "a", 1), ("bob", "a", 1)]


def test_json_of_objects_as_lines_and_as_a_list(written):
    rows = [{"student": s, "skill": k, "correct": bool(r), "time": t} for s, k, r, t in ROWS]
    assert seen(read(written("\n".join(map(json.dumps, rows)), "a.jsonl"))) == RIGHT
    data = read(written(json.dumps(rows, indent=1), "b.json"))
    assert seen(data) == RIGHT and data.read_as[0]["format"] == "JSON"
    lists = {"student": "ann", "skill": ["b", "a"], "correct": 1}
    assert read(written(json.dumps(lists), "c.json")).skills == ["a~~b"]
    with pytest.raises(InputError, match="cannot be read as JSON"):
        read(written('{"student": "ann", "skill": \n', "d.json"))


def test_json_of_pairs(written):
    data = read(written("[[12, 1], [12, 0]]\n[[7, 1]]\n", "edudata.json"))
    assert seen(data) == [("edudata-1", "12", 1), ("edudata-1", "12", 0), ("edudata-2", "7", 1)]
    with pytest.raises(InputError, match="student 2: expected a list of pairs"):
        read(written("[[12, 1]]\n[[7]]\n", "edudata.json"))


def test_feather_and_what_is_packed_or_archived(written, tmp_path):
    columns = dict(zip(("student", "skill", "correct", "time"), map(list, zip(*ROWS, strict=True)), strict=True))
    pyarrow.feather.write_feather(pa.table(columns), tmp_path / "x.feather")
    assert seen(read(tmp_path / "x.feather")) == RIGHT
    text = b"user_id,skill,correct\n1,a,1\n"
    assert seen(read(written(gzip.compress(text), "plain.csv"))) == [("1", "a", 1)]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("x"), None)
    for content, name in ((packed.getvalue(), "tar"), (b"7z\xbc\xaf'", "7z"), (b"SQLite format 3\0", "SQLite")):
        with pytest.raises(InputError, match=name):
            read(written(content, "odd.gz" if name == "tar" else "odd.csv"))


def test_a_workbook_needs_its_reader_and_no_more_than_its_size(written, monkeypatch, tmp_path):
    pytest.importorskip("python_calamine")
    path = written(workbook(A=[("student", "skill", "correct", "time"), *ROWS]), "class.xlsx")
    assert seen(read(path)) == RIGHT
    monkeypatch.setattr("gainakt.data.convert.LARGEST_WORKBOOK", 1000)
    with pytest.raises(InputError, match="unpacks to more than 1,000 bytes"):
        read(path)
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(InputError, match=r"\.\[excel\]"):
        read(path)


@pytest.mark.parametrize(("byte", "value"), [(6, 84), (8, 1), (10, 99)])  # version needed, password, packing
def test_a_workbook_packed_in_an_unknown_way_is_refused_in_words(written, byte, value):
    pytest.importorskip("python_calamine")
    content = bytearray(workbook(A=[("student", "skill", "correct", "time"), *ROWS]))
    content[content.find(b"PK\1\2") + byte] = value
    with pytest.raises(InputError, match=r"class\.xlsx: this workbook cannot be read: .*; save the sheet as CSV"):
        read(written(bytes(content), "class.xlsx"))


def test_of_several_sheets_the_one_with_responses_is_read_or_the_one_asked_for(written):
    pytest.importorskip("python_calamine")
    names = ("student", "skill", "correct", "time")
    about, other = [("made by", "a school"), ("year", 2024)], [names, ("zoe", "add", 1, 1)]
    path = written(workbook(About=about, Responses=[names, *ROWS], Other=other), "class.xlsx")
    data = read(path)
    assert seen(data) == RIGHT
    (note,) = [text for text in data.warnings if "not read: " in text]
    assert "sheet 'Responses' is read, the first with columns for student, skill and response" in note
    assert note.endswith("not read: About, Other (data.sheet)")
    assert read(path, DataConfig(sheet=" other ")).students == ["zoe"]
    with pytest.raises(InputError, match=r"no sheet 'Answers' .*there: About, Responses, Other"):
        read(path, DataConfig(sheet="Answers"))
    with pytest.raises(InputError, match=r"class\.xlsx, row 1: missing column"):
        read(path, DataConfig(sheet="About"))


def workbook(**sheets):
    """The least that a reader takes for an .xlsx file: rows by the name of their sheet."""
    import zipfile

    def cells(rows):
        return "".join(
            "<row>" + "".join(
                f"<c><v>{value}</v></c>" if isinstance(value, int) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'
                for value in row
            ) + "</row>"
            for row in rows
        )  # fmt: skip

    numbered = list(enumerate(sheets, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="r" Type="{office}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in numbered)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
        )
        + "</Relationships>",
        **{
            f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{main}"><sheetData>{cells(sheets[name])}</sheetData>'
            "</worksheet>"
            for n, name in numbered
        },
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return packed.getvalue()


def test_scores_out_of_a_hundred(written):
    head = "user_id,skill,score\n"
    data = read(written(head + "1,a,0\n1,a,100\n2,a,100\n"))
    assert data.response.tolist() == [0, 1, 1] and said(data, "data.full_credit")
    path = written(head + "1,a,0\n1,a,50\n2,a,100\n")
    with pytest.raises(InputError, match=r"scores up to 100, .*data\.full_credit"):
        read(path)
    data = read(path, DataConfig(full_credit=100, partial_credit="incorrect"))
    assert data.response.tolist() == [0, 0, 1]
    assert read(path, DataConfig(full_credit=100)).rejected["value"].tolist() == ["50"]


def test_mostly_partial_credit_is_refused_whole(written):
    rows = [f"s{n},add,{value}%" for n, value in enumerate((0, 25, 50, 75, 100) * 5)]
    path = written("student,skill,score\n" + "\n".join(rows) + "\n")
    with pytest.raises(
        InputError, match=r"15 responses, more than all others, are partial credit.*data\.partial_credit"
    ):
        read(path)
    for full in (0.0, 100.0):
        data = read(path, DataConfig(full_credit=full, partial_credit="incorrect"))
        assert len(data) == 25 and data.response.sum() == 5


def test_a_table_without_a_header(written):
    path = written("ann,1,alg,7\nbob,0,geo,8\n")
    with pytest.raises(InputError, match=r"columns here: column 1, .*looks like data.*data\.student_column='column 1'"):
        read(path)
    named = DataConfig(student_column="column 1", skill_column="column 3", response_column="column 2")
    data = read(path, named)
    assert seen(data) == [("ann", "alg", 1), ("bob", "geo", 0)] and data.rows == 2
    with pytest.raises(InputError, match="column 1, column 2, column 3"):  # a known word that comes again is a value
        read(written("ann,add,correct\nbob,add,wrong\ncat,sub,correct\n"))
    text = written("x,y,z\nann,a,1\n")
    asked = DataConfig(header="no", student_column="column 1", skill_column="column 2", response_column="column 3")
    assert read(text, asked).rejected["row"].tolist() == [1]


@pytest.mark.parametrize("head", ["student,q1,q2,q3,total\n", ""])
def test_a_matrix_of_students_by_items(written, head):
    path = written(head + "7,1,0,1,12\n8,,1,0,11\n9,x,1,1,10\n" if head else "1,0,1\n,1,0\n")
    with pytest.raises(InputError, match=r"matrix of students by items.*data\.format=wide"):
        read(written(head + "7,1,0,1,12\n8,,1,0,11\n" if head else "1,0,1\n,1,0\n"))
    data = read(written(head + "7,1,0,1,12\n8,,1,0,11\n" if head else "1,0,1\n,1,0\n"), DataConfig(format="wide"))
    assert len(data) == 5 and data.response.tolist() == [1, 0, 1, 1, 0] and not data.rejected_rows
    assert data.skills == (["q1", "q2", "q3"] if head else ["column 1", "column 2", "column 3"])
    assert data.students == (["7", "8"] if head else ["class-1", "class-2"]) and said(data, "order of the responses")
    assert path.exists()


def test_questions_of_several_skills_on_rows_of_their_own(written):
    text = "5\n74,74,73,73,82\n37,54,37,54,45\n0,0,1,1,1\n3\n11,12,12\n37,37,54\n1,0,0\n"
    data = read(written(text, "four.txt"))
    assert len(data) == 5 and data.skills == ["37", "45", "37~~54"] and said(data, "data.attempt_column")
    assert len(read(written(text, "four.txt"), DataConfig(attempt_column="-"))) == 8
    steps_apart = "user_id,problem_id,skill,correct\n" + "".join(f"1,p,k{i},{i % 2}\n" for i in range(8))
    assert len(read(written(steps_apart))) == 8


LINES = "3\n1,1,2,\n0,1,1,\n"
LONG = "4\n2,2,1,3,\n1,0,1,1,\n"


def test_splits_of_the_same_students_are_not_read_twice(written, tmp_path):
    for name, text in {"train": LINES + LONG, "train1": LINES, "valid1": LONG, "train2": LONG, "valid2": LINES,
                       "test": LINES}.items():  # fmt: skip
        written(text, f"cv/x_{name}.csv")
    data = read(tmp_path / "cv")
    assert (
        len(data.students) == 3 and data.fold.tolist() == [NO_FOLD, NO_FOLD, TEST] and said(data, "not read: x_train1")
    )
    for name, text in {"train1": LINES, "valid1": LONG, "test1": LINES, "train2": LONG, "valid2": LINES}.items():
        written(text, f"numbered/x_{name}.csv")
    assert read(tmp_path / "numbered").fold.tolist() == [1, 0, TEST]
    written(LINES + LONG, "hidden/all.csv"), written(LONG + LINES, "hidden/again.csv")
    assert said(read(tmp_path / "hidden"), "the same responses as students of another")


def test_a_lone_test_file_is_not_all_for_testing(written):
    data = read(written("user_id,skill,correct\n1,a,1\n2,a,0\n", "pre_test.csv"))
    assert data.fold.tolist() == [NO_FOLD, NO_FOLD] and said(data, "named as a test file")


def test_repeated_rows_and_headers_are_said(written):
    data = read(written("user_id,skill,correct,time\n1,a,1,100\n1,a,1,100\nuser_id,skill,correct,time\n2,a,0,50\n"))
    assert len(data) == 3 and said(data, "1 row(s) repeat another exactly")
    assert data.rejected["row"].tolist() == [4] and "header again" in data.rejected["reason"][0]


FORMS = {
    "AKT with ids": "891,78276\n7410,7411,7412\n37,54,54\n0,1,1\n1104,89171\n8340,8341\n54,45\n1,1\n",
    "AKT": "1,78276\n37,54,54\n0,1,1\n2,89171\n54,45\n1,1\n",
    "pyKT": "u1,3\nNA\n37,54,54\n0,1,1\nNA\nNA\nu2,2\nNA\n54,45\n1,1\nNA\nNA\n",
    "six lines": "3\n37,54,54\n0,1,1\n501,502,503\n5,5,5\n1,1,1\n2\n54,45\n1,1\n504,503\n5,5\n1,1\n",
    "hmm-scalable": "2\ts1\tq1\t37\n1\ts1\tq2\t54\n1\ts1\tq3\t54\n1\ts2\tq1\t54\n.\ts2\tq3\t54\n1\ts2\tq3\t45\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_field_without_a_header(written, form):
    data = read(written(FORMS[form], "form.txt"))
    assert [row[1:] for row in seen(data)] == [("37", 0), ("54", 1), ("54", 1), ("54", 1), ("45", 1)]
    assert len(data.students) == 2 and not data.rejected_rows
    assert bool(data.questions) == (form not in ("AKT", "pyKT")) and (form != "pyKT" or data.students == ["u1", "u2"])


OUTSIDE = {
    "sep": "sep=;\nuser_id;skill;correct\n1;a;1\n2;b;0\n",
    "comments": "# by LMS\n# course: algebra, 2\nuser_id,skill,correct\n1,a,1\n# half time\n2,b,0\n",
    "commented header": "#user_id,skill,correct\n1,a,1\n2,b,0\n",
    "title": "Report of 2024\n\nuser_id,skill,correct\n1,a,1\n2,b,0\n",
    "mark in mid-file": "\ufeffuser_id,skill,correct\n1,a,1\n\ufeff2,b,0\n",
    "words": "user_id,skill,result\n1,a,PASS\n2,b,fail\n",
    "decimal commas": "user_id;skill;correct\n1;a;1,0\n2;b;0,0\n",
    "numbers of pandas": "user_id,skill,correct\n1.0,a,1\n2.0,b,0\n",
    "blank": "user_id,skill,correct\n1,a,1\n\n2,b,0\n",
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_spreadsheets_and_exports_add(written, case):
    data = read(written(OUTSIDE[case]))
    assert seen(data) == [("1", "a", 1), ("2", "b", 0)] and not data.rejected_rows


def test_rows_keep_their_line_numbers_below_a_preamble(written):
    data = read(written("# by LMS\nsep=,\nuser_id,skill,correct\n1,a,1\n2,b,9\n"))
    assert data.rejected["row"].tolist() == [5]


def test_names_that_look_like_numbers_stay_where_one_is_none(written):
    assert read(written("user_id,skill,correct\n1,1.0,1\n1,1.5,0\n")).skills == ["1.0", "1.5"]


def test_skills_in_brackets_and_names_joined_like_their_ids(written):
    text = 'UserId,IsCorrect,SubjectId\n1,1,"[3, 71]"\n2,0,"[71, 3]"\n3,1,"[\'x\', \'y\']"\n'
    assert read(written(text)).skills == ["3~~71", "x~~y"]
    text = (
        "order_id,user_id,correct,skill_id,skill_name\n1,7,1,10_13,Ratio_Per Cent\n2,7,0,10,Ratio\n3,7,1,13,Per Cent\n"
    )
    assert read(written(text), DataConfig(several_skills="expanded")).skills == ["Per Cent", "Ratio"]


@pytest.mark.parametrize("times", [
    ["12-Sep-2005 3:15:00 PM", "11-Sep-2005 3:15:00 PM"], ["Sep 12, 2005", "Sep 11, 2005"],
    ["12 September 2005 10:00", "11 September 2005 10:00"], ["1,5", "0,5"], ["13/09/2005", "12/09/2005"],
])  # fmt: skip
def test_times_of_other_kinds(written, times):
    rows = "".join(f"1;{skill};1;{time}\n" for skill, time in zip("ba", times, strict=True))
    data = read(written(f"user_id;skill;correct;date\n{rows}"))
    assert [row[1] for row in seen(data)] == ["a", "b"] and not data.warnings


def test_doubtful_times_are_said(written):
    head = "user_id,skill,correct,time\n"
    path = written(head + "1,b,1,03/02/2020\n1,a,0,01/03/2020\n")
    assert [row[1] for row in seen(read(path))] == ["a", "b"] and said(read(path), "cannot be told apart")
    day_first = read(path, DataConfig(dates="day-first"))
    assert [row[1] for row in seen(day_first)] == ["b", "a"] and not day_first.warnings
    assert said(read(written(head + "1,a,1,1.567E+12\n1,b,1,1.567E+12\n")), "share their time")
    assert said(read(written(head + "1,a,1,30\n1,b,0,5\n1,c,1,60\n")), "data.time_column")


def test_ednet_is_found_in_its_folder(written, tmp_path):
    head = "timestamp,solving_id,question_id,user_answer,elapsed_time\n"
    written(head + "1,1,q1,b,9\n2,2,q2,a,9\n", "ednet/KT1/u1.csv")
    written("question_id,correct_answer,tags\nq1,b,1;2\nq2,a,-1\n", "ednet/contents/questions.csv")
    data = read(tmp_path / "ednet")
    assert seen(data) == [("u1", "1~~2", 1)] and data.rejected["column"].tolist() == ["tags"]
    written("user_id,skill,correct\n", "top/year/a.csv")
    with pytest.raises(InputError, match="name one of them: year"):
        read(tmp_path / "top")


@pytest.mark.skipif(not (cases.FOLDER / "expected.jsonl").is_file(), reason="the cases are not at ../shared/cases")
def test_the_shared_cases_agree():
    assert [f"{one.case} {one.file}: {one.gave}" for one in cases.run(cases.FOLDER) if not one.agrees] == []


def test_the_runner_of_cases_tells_agreement_from_difference(written):
    path: Path = written("user_id,skill,correct\n1,a,1\n", "one.csv")
    lines = [{"id": n, "file": "one.csv", "args": [], "expected": {"students": n}} for n in (1, 2)]
    (path.parent / "expected.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert [one.agrees for one in cases.run(path.parent)] == [True, False]


def test_what_write_table_leaves_out_and_parts_by_spaces(written):
    """R names no column for the rows' names, and parts by spaces unless told otherwise."""
    for sign in (" ", "\t", ","):
        rows = ['"student" "skill" "correct"', '"1" "s1" "a b" 1', '"2" "s2" "c" 0']
        text = "\n".join(row.replace('" ', f'"{sign}') for row in rows) + "\n"
        path = written(text, "r.txt")
        assert seen(read(path)) == [("s1", "a b", 1), ("s2", "c", 0)]
        names = preview(path, DataConfig())[0].names  # as the Data page shows it
        assert names == {"student": "student", "skill": "skill", "response": "correct"}
    odd = "student,skill,correct\n1,a,1,x\n1,b,0,x\n"  # not the names of rows
    with pytest.raises(InputError, match="4 values where the header has 3"):
        read(written(odd))
    assert len(read(written("student,skill,correct\n1,a,1,\n2,b,0,\n"))) == 2


def test_json_that_holds_the_rows_in_one_object(written):
    rows = {"student": ["s1", "s2"], "skill": ["a", "b"], "correct": [1, 0]}
    right = [("s1", "a", 1), ("s2", "b", 0)]
    assert seen(read(written(json.dumps(rows), "columns.json"))) == right
    by_pandas = {name: {str(i): value for i, value in enumerate(values)} for name, values in rows.items()}
    assert seen(read(written(json.dumps(by_pandas), "pandas.json"))) == right
    listed = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    assert seen(read(written(json.dumps({"data": listed}), "data.json"))) == right
    nested = [{"actor": {"name": s}, "result": {"correct": r}, "skill": k} for s, k, r in right]
    named = DataConfig(student_column="actor.name", response_column="result.correct")
    assert seen(read(written("\n".join(map(json.dumps, nested)), "x.jsonl"), named)) == right


@pytest.mark.parametrize("sign", [";", "|", ",", " + "])
def test_names_that_stand_alone_are_parted(written, sign):
    text = f'student,skill,correct\n1,"add{sign}sub",1\n1,add,0\n2,sub,0\n2,"add{sign}other",1\n'
    assert read(written(text)).skills == ["add", f"add{sign}other", "add~~sub", "sub"]
    assert read(written('student,skill_id,correct\n1,"3,4",1\n1,"4;3",0\n')).skills == ["3~~4"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("student,skill,correct\n", "no rows"),
        ("student,skill,correct\n1,a,1\n1,a,2\n", "holds 1 and 2 alone.*data.full_credit=2"),
        ("student,skill,correct\n1,a,1\n1,a,-1\n", "holds -1 and 1 alone"),
        ("<html><table><tr><td>student</td></tr></table>", "page of HTML"),
        ("user_id,problem_id,correct\n1,7,1\n", "data.skill_column='problem_id'"),
        ("QuestionId,SubjectId\n7,3\n", "table of questions"),
        ("item,s1,s2,s3\nq1,1,0,1\nq2,0,0,1\n", "turn it round"),
    ],
)
def test_a_refusal_says_what_to_do(written, text, what):
    with pytest.raises(InputError, match=what):
        read(written(text))


def test_words_of_folds_percents_and_signs(written):
    data = read(written("student,skill,correct,fold\n1,a,100%,train\n2,a,0%,Test\n3,a,✓,valid\n4,a,Hint Request,-1\n"))
    assert data.fold.tolist() == [1, TEST, 0, TEST] and data.response.tolist() == [1, 0, 1, 0]


def test_one_equal_response_does_not_make_two_files_the_same(written, tmp_path):
    for name in ("train", "test"):
        written("student,skill,correct\n1,a,1\n2,b,0\n", f"folder/{name}.csv")
    assert not said(read(tmp_path / "folder"), "the same responses")
