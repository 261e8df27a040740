"""The Skills page, the verbs on data, and the report, on a small class with items."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gainakt.analysis.learning.curves import Thresholds
from gainakt.analysis.learning.report import write
from gainakt.cli import learning as verbs
from gainakt.config import DataConfig
from gainakt.errors import InputError
from gainakt.jobs import learning
from gainakt.jobs.learning import Examined, Study
from gainakt.simulate import simulate
from tests.pages import ROOT, text_of

HOSTILE = "<b>bold</b> | *x*"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Responses of 60 students to two items each of four skills, one with a hostile name."""
    data = simulate("demo", 3, students=60, skills=4, items_per_skill=2)
    names = [HOSTILE, *data.skills[1:]]
    path = tmp_path_factory.mktemp("learning") / "answers.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["student", "skill", "question", "correct"])
        for student, skill, item, correct in zip(
            data.student,
            data.skill,
            data.question,
            data.response,
            strict=True,  # type: ignore[arg-type]
        ):
            writer.writerow([data.students[student], names[skill], data.questions[item], correct])
    return path


@pytest.fixture(scope="module")
def done(file: Path) -> tuple[DataConfig, Study, Examined]:
    """The fits of the file, as a job makes them."""
    config, said = DataConfig(path=str(file)), []
    study = learning.study(config, lambda share, words: said.append((share, words)))
    examined = learning.examine(config, lambda share, words: said.append((share, words)))
    assert "Fitting BKT" in [words for _, words in said]
    return config, study, examined


def page(config: DataConfig) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/5_Skills.py")
    app.session_state["data.chosen"] = {"settings": {"data.path": config.path}, "label": "answers"}
    app.run()
    assert not app.exception
    return app


def test_the_fits_are_made_once_for_a_state_of_the_files(done: tuple[DataConfig, Study, Examined], file: Path) -> None:
    config, study, _ = done

    def refused(share: float, words: str) -> None:
        raise AssertionError(words)

    assert learning.study(config, refused) is study
    assert learning.found(config.model_copy(update={"window": 50})) is study
    assert learning.found(config.model_copy(update={"several_skills": "first"})) is None
    chance = study.chances
    assert {name: bool((values > 0).all() and (values < 1).all()) for name, values in chance.items()} == {
        "afm": True, "bkt": True, "curve": True,
    }  # fmt: skip
    other = Path(file).with_name("gone.csv")
    with pytest.raises(InputError):
        learning.study(DataConfig(path=str(other)), lambda share, words: None)


def test_the_page_shows_every_section(done: tuple[DataConfig, Study, Examined], page_store: Path) -> None:
    app = page(done[0])
    assert "4 skills" in text_of(app) and "which is learning beyond chance" in text_of(app)
    for section, words in {
        "Class": "60 students",
        "Practice": "would have saved",
        "Skill model": "The data have one skill model",
    }.items():
        app.segmented_control(key="learning.section").set_value(section).run()
        assert not app.exception
        assert words in text_of(app)


def test_thresholds_move_skills_between_categories(done: tuple[DataConfig, Study, Examined], page_store: Path) -> None:
    app = page(done[0])
    assert "too little data" not in text_of(app)
    app.number_input(key="learning.students").set_value(1000).run()
    assert "**4 skills**: 4 too little data." in text_of(app)


def test_a_report_says_what_the_tables_say_and_shows_names_as_they_are(
    done: tuple[DataConfig, Study, Examined],
) -> None:
    found = learning.findings(done[1], done[2], 0.95, Thresholds())
    analysis = write(found)
    total = int(found.practice["extra"].sum())
    assert f"**{total:,} of {len(done[1].data):,} tasks" in analysis.markdown
    assert "<b>bold" not in analysis.html and "&lt;b&gt;bold" in analysis.html
    assert "\\<b>bold" in analysis.markdown and "[[figure" not in analysis.markdown
    assert "Plotly.newPlot" in analysis.html
    without = write(learning.findings(done[1], None, 0.95, Thresholds()))
    assert "Not computed." in without.markdown


def test_the_verbs_take_data_in_place_of_a_run(
    done: tuple[DataConfig, Study, Examined], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = done[0].path
    for part in verbs.PARTS:
        verbs.show_skills(path, part, None, 0.9, True)
        shown: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert shown["part"] == part and isinstance(shown["table"], list)
        if part in ("skills", "practice"):
            assert [row["skill"] for row in shown["table"]] == done[1].data.skills
    verbs.write_report(path, tmp_path, None, 0.9, True)
    written = json.loads(capsys.readouterr().out)
    assert all(Path(file).stat().st_size for kind, file in written.items() if kind != "data")
    with pytest.raises(InputError, match="part"):
        verbs.show_skills(path, "nothing", None, 0.9, True)


def test_a_run_is_still_a_run() -> None:
    assert not verbs.is_data("20261125") and not verbs.is_data("")
