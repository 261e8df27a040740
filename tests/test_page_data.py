"""The Data page, drawn by AppTest: empty, good, broken, hostile."""

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gainakt.config import Config, DataConfig, flatten
from gainakt.datasets import uploads
from gainakt.datasets.report import report_on
from gainakt.jobs.service import Service
from gainakt.store import RunFolder, runs_root

ROOT = Path(__file__).resolve().parents[1]
HOSTILE = "<script>alert(1)</script> [click](http://x.invalid) $x$ :material/home:"
GOOD = "user_id,skill_name,correct\n" + "".join(
    f"s{s},{k},{(s + k + t) % 2}\n" for s in range(8) for t in range(3) for k in range(4)
)
BROKEN = (
    "who;what;mark\ns1;add;1\ns1;add;maybe\n;add;1\ns2;=cmd;0\ns2;add;=1+1\ns3;add;0.5\n"
    + "".join(f"s{i};add;{i % 2}\n" for i in range(9))
)  # fmt: skip


@pytest.fixture(autouse=True)
def store(page_store: Path) -> Path:
    """Every test here has pages with a store of their own."""
    return page_store


@pytest.fixture
def data_page() -> AppTest:
    """The Data page as it first appears."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).switch_page("pages/5_Data.py").run()
    assert not app.exception
    return app


def file_of(folder: Path, text: str, name: str = "responses.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def read(app: AppTest, path: str) -> AppTest:
    app.text_input(key="data.path").set_value(path).run()
    assert not app.exception
    return app


def box(app: AppTest, label: str) -> Any:
    return next(one for one in app.selectbox if one.label == label)


def tiles(app: AppTest) -> dict[str, str]:
    return {tile.label: tile.value for tile in app.metric}


def said(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.info, *app.warning, *app.error]
    return "\n".join(str(element.value) for element in shown)


def plain(app: AppTest) -> str:
    return said(app).replace("\\", "").replace("\u2060", "")


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def start(app: AppTest) -> None:
    """Press the start button of the Train page, to which the test has to follow the link itself."""
    press(app.switch_page("pages/1_Train.py").run(), "Start training")


def test_before_a_choice(data_page: AppTest) -> None:
    assert "Any file of responses" in data_page.info[0].value
    assert not data_page.metric and not data_page.error


def test_a_good_file_is_read_shown_and_trained_on(
    data_page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Config] = []
    monkeypatch.setattr(Service, "submit", lambda self, config, **names: asked.append(config) or "unknown")
    app = read(data_page, file_of(tmp_path, GOOD))
    assert box(app, "Skill column").options[:2] == ["skill_name (guessed)", "user_id"]
    shown = tiles(app)
    assert (shown["Students"], shown["Interactions"], shown["Skills"], shown["Rows left out"]) == ("8", "96", "4", "0")
    assert "8 students in total" in plain(app).replace("*", "")
    skills = next(frame.value for frame in app.dataframe if "curve" in frame.value.columns)
    assert skills["interactions"].tolist() == [24] * 4 and len(skills["curve"].iloc[0]) == 3
    box(app, "Time or order column").set_value("-").run()
    press(app, "Train on this data")
    assert "responses: 8 students, 96 interactions, 4 skills" in plain(app)
    start(app)
    assert asked[0].data == DataConfig(path=str(tmp_path / "responses.csv"), time_column="-")


def test_a_broken_file_is_mended_on_the_page(data_page: AppTest, tmp_path: Path) -> None:
    app = read(data_page, file_of(tmp_path, BROKEN))
    assert "missing column(s) for student, skill, response" in plain(app)
    assert not app.metric
    for label, column in (("Student column", "who"), ("Skill column", "what"), ("Response column", "mark")):
        box(app, label).set_value(column).run()
    assert not app.error
    assert (tiles(app)["Interactions"], tiles(app)["Rows left out"]) == ("11", "4")
    left_out = next(frame.value for frame in app.dataframe if "reason" in frame.value.columns)
    assert left_out[["row", "column", "value"]].astype(object).fillna("").to_numpy().tolist() == [
        [3, "mark", "maybe"], [4, "who", ""], [6, "mark", "=1+1"], [7, "mark", "0.5"],
    ]  # fmt: skip
    box(app, "Partial credit").set_value("correct").run()
    assert (tiles(app)["Interactions"], tiles(app)["Rows left out"]) == ("12", "3")
    box(app, "Bad rows").set_value("stop").run()
    assert "3 such row(s)" in plain(app) and not app.metric


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04...", "a zip archive"),
        (b"user_id,skill_name,correct\n", "names of columns and no rows"),
        (b"user_id,skill_name,correct\n1,a,2\n", "no valid interaction"),
        (None, "no such file or folder"),
    ],
)
def test_what_cannot_be_read_is_said(data_page: AppTest, tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_bytes(content)
    app = read(data_page, str(path))
    assert message in plain(app) and len(app.error) == 1 and not app.metric


def test_a_wrong_choice_is_said_and_can_be_taken_back(data_page: AppTest, tmp_path: Path) -> None:
    app = read(data_page, file_of(tmp_path, GOOD))
    encoding = next(one for one in app.text_input if one.label == "Text encoding")
    encoding.set_value("klingon").run()
    assert "'klingon' is unknown" in plain(app) and not app.exception
    encoding = next(one for one in app.text_input if one.label == "Text encoding")
    encoding.set_value("auto").run()
    assert tiles(app)["Interactions"] == "96"


def test_hostile_labels_are_shown_as_text(data_page: AppTest, tmp_path: Path) -> None:
    header = f'"{HOSTILE}","skill {HOSTILE}","correct {HOSTILE}"\n'
    rows = "".join(f'"{HOSTILE} {i}","{HOSTILE} {i % 3}",{i % 2}\n' for i in range(9)) + f'x,y,"{HOSTILE}"\n'
    app = read(data_page, file_of(tmp_path, header + rows, "<b>bold [x](y) $z$.csv"))
    assert HOSTILE in plain(app), "the columns here are named"
    for label, column in (("Student column", HOSTILE), ("Skill column", f"skill {HOSTILE}"),
                          ("Response column", f"correct {HOSTILE}")):  # fmt: skip
        box(app, label).set_value(column).run()
    assert (tiles(app)["Skills"], tiles(app)["Rows left out"]) == ("3", "1")
    for element in (*app.markdown, *app.caption, *app.subheader, *app.error, *app.info, *app.warning):
        bare = element.value.replace(r"\<", "").replace(r"\[", "").replace(r"\$", "").replace(r"\:", "")
        assert not any(sign in bare for sign in ("<script", "<b>", "[click", "[x]", "$x", "$z", ":material/home"))
        assert not getattr(element, "allow_html", False)
    press(app, "Train on this data")
    assert r"\<b\>" in said(app)


def test_stopping_at_mastery_is_said_at_the_curves(data_page: AppTest, tmp_path: Path) -> None:
    rows = "".join(f"s{s},{k},{r}\n" for s in range(30) for k in range(3) for r in (0, 1, 1, 1))
    app = read(data_page, file_of(tmp_path, f"user_id,skill,correct\n{rows}"))
    assert any("Do not read learning rates from them" in warning.value for warning in app.warning)


def test_skills_are_sorted_and_searched(data_page: AppTest, tmp_path: Path) -> None:
    rows = "".join(f"s{s},skill {k},{int(k > t)}\n" for s in range(25) for k in range(20) for t in range(2 + k))
    app = read(data_page, file_of(tmp_path, f"user_id,skill,correct\n{rows}"))
    box(app, "Skills in order of").set_value("hardest at first attempt").run()
    skills = next(frame.value for frame in app.dataframe if "curve" in frame.value.columns)
    assert skills["skill"].iloc[0] == "skill 0" and len(skills) == 20
    assert next(one for one in app.number_input if one.label == "Page of 2").max == 2
    app.text_input(key="data.find").set_value("ILL 1").run()
    skills = next(frame.value for frame in app.dataframe if "curve" in frame.value.columns)
    assert set(skills["skill"]) == {"skill 1", *(f"skill {k}" for k in range(10, 20))}
    app.text_input(key="data.find").set_value("(no such").run()
    assert not app.exception


def test_a_changed_file_is_read_again_an_unchanged_one_is_not(
    data_page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gainakt.ui.data import view as data_view

    reads = []
    real = data_view.report_on
    monkeypatch.setattr(data_view, "report_on", lambda config: reads.append(config) or real(config))
    app = read(data_page, file_of(tmp_path, GOOD))
    app.run()
    assert len(reads) == 1
    file_of(tmp_path, f"{GOOD}s9,0,1\n")
    app.run()
    assert len(reads) == 2 and tiles(app)["Students"] == "9"


def test_a_large_file_waits_for_a_click(data_page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gainakt.ui.data import view as data_view

    monkeypatch.setattr(data_view, "ASK_FROM", 100)
    app = read(data_page, file_of(tmp_path, GOOD))
    assert not app.metric
    press(app, "Read 1 kB")
    assert tiles(app)["Students"] == "8"


def test_a_simulated_class(data_page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Config] = []
    monkeypatch.setattr(Service, "submit", lambda self, config, **names: asked.append(config) or "unknown")
    app = data_page
    app.segmented_control(key="data.source").set_value("Simulated students").run()
    assert tiles(app)["Students"] == "1,500"
    app.number_input(key="data.scenario-seed").set_value(3).run()
    press(app, "Train on this data")
    start(app)
    assert asked[0].data == DataConfig(simulate="demo", seed=3)


def test_a_data_set_of_a_run_is_read_as_that_run_read_it(data_page: AppTest, tmp_path: Path, store: Path) -> None:
    path = file_of(tmp_path, BROKEN)
    chosen = DataConfig(path=path, student_column="who", skill_column="what", response_column="mark")
    summary = report_on(chosen).summary
    with RunFolder.create(
        runs_root(store), name="r", preset="corrected", config=Config(data=chosen).model_dump()
    ) as folder:
        folder.append({"kind": "started", "device": "cpu", "versions": {}, "data": summary, "skills": ["=cmd", "add"],
                       "steps_per_epoch": 1, "max_epochs": 1, "parameters": 1})  # fmt: skip
    app = data_page
    app.segmented_control(key="data.source").set_value("Used before").run()
    assert app.selectbox(key="data.seen").options[0].startswith("responses · ")
    assert tiles(app)["Interactions"] == "11" and box(app, "Student column").value == "who"
    assert not app.exception


def test_an_upload_is_listed_once_it_is_kept(data_page: AppTest, store: Path) -> None:
    kept = uploads.save([("my class.csv", GOOD.encode())], store.parent / "uploads", 10_000)
    app = data_page
    app.segmented_control(key="data.source").set_value("Upload").run()
    app.segmented_control(key="data.source").set_value("Used before").run()
    assert app.selectbox(key="data.seen").value.startswith("my-class · uploaded")
    assert tiles(app)["Students"] == "8" and kept.name == "my-class.csv"


def test_all_settings_but_the_window_go_to_the_train_page() -> None:
    from gainakt.ui.data import source as data_source

    summary = {"name": "x", "students": 1, "interactions": 2, "skills": 3}
    data_source.choose_for_training(DataConfig(path="p"), summary)
    chosen = data_source.chosen_for_training()
    assert chosen is not None
    assert set(chosen["settings"]) == {n for n in flatten(Config()) if n.startswith("data.")} - {"data.window"}
    st.session_state.clear()


def test_a_matrix_is_offered_to_be_read_as_one(data_page: AppTest, tmp_path: Path) -> None:
    rows = "".join(f"s{i},{i % 2},1,{(i + 1) % 2}\n" for i in range(9))
    app = read(data_page, file_of(tmp_path, f"student,q1,q2,q3\n{rows}"))
    assert not app.error and any("looks like a matrix" in one.value for one in app.warning)
    next(one for one in app.button if one.label == "Read as a matrix of students by items").click().run()
    assert not app.exception and tiles(app)["Interactions"] == "27"
    assert any("order of the responses" in one.value for one in app.info)


def test_a_path_outside_the_owners_folders_is_not_looked_at(
    data_page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAINAKT_DATA_FOLDERS", "")
    secret = file_of(tmp_path, "secret line\n")
    for path in (secret, f"{ROOT.name}/../../../{secret}", f"{tmp_path}/none", f"README.md;{secret}"):
        app = read(data_page, path)
        assert "outside the folders" in app.error[0].value and "secret line" not in app.error[0].value
    monkeypatch.setenv("GAINAKT_DATA_FOLDERS", str(tmp_path))
    assert "missing column" in read(data_page, secret).error[0].value


def test_several_skill_models_are_listed(data_page: AppTest, tmp_path: Path) -> None:
    head = "Anon Student Id\tFirst Attempt\tKC (Single-KC)\tKC (Topics)\n"
    rows = "".join(f"s{i % 4}\t{i % 3 % 2}\tone\tk{i % 2}\n" for i in range(16))
    app = read(data_page, file_of(tmp_path, head + rows, "steps.txt"))
    assert tiles(app)["Skills"] == "2" and any("'Topics' is read" in one.value.replace("\\", "") for one in app.info)
    shown = next(one.value for one in app.dataframe if "coverage" in one.value)
    assert shown["name"].tolist() == ["Single-KC", "Topics"] and shown["used"].tolist() == [False, True]
    box(app, "Skill model").set_value("Single-KC").run()
    assert tiles(app)["Skills"] == "1"
