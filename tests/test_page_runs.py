"""The Runs page: its filter, its link, the rows that stay where they are, what is written on runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gainakt.store import Store, runs_root, views
from gainakt.ui.runs.below import notes_markdown
from tests.pages import draw, text_of, write_run

PAGE = "pages/2_Runs.py"


@pytest.fixture
def store(page_store: Path) -> Iterator[Path]:
    return page_store


def listed(app: AppTest) -> list[str]:
    return app.dataframe[0].value["name"].tolist() if app.dataframe else []


def button(app: AppTest, label: str):  # type: ignore[no-untyped-def]
    return next(one for one in app.button if one.label == label)


def annotate(store: Path, run_id: str, **changes: object) -> None:
    with Store.open(":memory:", runs=runs_root(store)) as other:
        other.take_in()
        other.annotate(run_id, changes)


def test_the_filter_finds_says_what_is_wrong_and_is_in_the_link(store: Path) -> None:
    write_run(store, "needle", "finished", **{"weights.variance": 50.0})
    write_run(store, "hay", "finished")
    app = draw(PAGE)
    assert listed(app) == ["hay", "needle"]
    app.text_input(key="where").set_value("needle").run()
    assert listed(app) == ["needle"] and app.query_params["where"] == "needle"
    app.text_input(key="where").set_value("weights.variance > 10 and data = demo").run()
    assert listed(app) == ["needle"]
    app.text_input(key="where").set_value("nothing such").run()
    assert "No run matches" in app.info[0].value
    app.text_input(key="where").set_value("varience > 10").run()
    assert "weights\\.variance" in app.error[0].value and not app.dataframe
    assert listed(draw(PAGE, where="data = demo", sort="name", down="False")) == ["hay", "needle"]


def test_ticks_come_from_the_link_and_outlive_a_filter(store: Path) -> None:
    ids = [write_run(store, name, "finished") for name in ("a", "b", "c")]
    app = draw(PAGE, runs=f"{ids[0]},{ids[1]},20200101-000000-0000")
    assert "2 runs ticked" in text_of(app) and not button(app, "Compare").disabled
    app.text_input(key="where").set_value("name = c").run()
    assert "2 runs ticked" in text_of(app)
    assert app.query_params["runs"] == f"{ids[0]},{ids[1]}"
    button(app, "Untick all").click().run()
    assert button(app, "Compare").disabled and "runs" not in app.query_params


def test_rows_stay_until_new_ones_are_asked_for(store: Path) -> None:
    write_run(store, "first", "finished")
    app = draw(PAGE)
    write_run(store, "second", "finished")
    app.run()
    assert listed(app) == ["first"]
    button(app, "Show 1 new run").click().run()
    assert listed(app) == ["second", "first"]


def test_archived_runs_are_put_aside_and_come_back(store: Path) -> None:
    ids = [write_run(store, name, "finished") for name in ("a", "b")]
    app = draw(PAGE, runs=ids[0])
    button(app, "Archive").click().run()
    assert listed(app) == ["b"] and "1 run ticked" not in text_of(app)
    assert listed(draw(PAGE, show="archived")) == ["a"]
    assert listed(draw(PAGE, where="archived = yes")) == ["a"]
    app = draw(PAGE, show="archived", runs=ids[0])
    button(app, "Unarchive").click().run()
    assert listed(draw(PAGE)) == ["b", "a"]


def test_a_saved_view_brings_back_filter_columns_and_order(store: Path) -> None:
    write_run(store, "a", "finished")
    write_run(store, "b", "finished")
    views.save(runs_root(store), "mine", {"where": "demo", "columns": ["weights.variance", "gone"], "sort": "name",
                                          "down": False, "rows": "nonsense"})  # fmt: skip
    app = draw(PAGE)
    app.button(key="view-mine").click().run()
    assert listed(app) == ["a", "b"]
    assert app.query_params["columns"] == "weights.variance" and app.text_input(key="where").value == "demo"
    assert app.query_params["sort"] == "name" and "rows" not in app.query_params


def test_columns_are_told_to_the_browser_anew_which_makes_their_controls_when_they_are_first_looked_at(
    store: Path,
) -> None:
    app = draw(PAGE, runs=write_run(store, "a", "finished"), columns="gain_std", sort="name", down="False")
    app.run()  # as after any click
    parts = app.multiselect(key="columns"), app.selectbox(key="sort"), app.toggle(key="down")
    assert all(part.proto.set_value for part in parts) and parts[0].value == ["gain_std"] and not parts[2].value


def test_two_tabs_that_edit_a_run_keep_what_the_other_changed(store: Path) -> None:
    run_id = write_run(store, "a", "finished")
    app = draw(PAGE, runs=run_id)
    app.session_state["runs.edit"] = True  # the form is open
    app.run()
    annotate(store, run_id, name="renamed elsewhere")
    app.text_area(key="edit.notes").set_value("a note")
    button(app, "Save").click().run()
    assert listed(app) == ["renamed elsewhere"] and "a note" in text_of(app)
    assert not app.session_state["runs.edit"]
    app.session_state["runs.edit"] = True
    app.run()
    app.text_input(key="edit.name").set_value(" ")
    button(app, "Save").click().run()
    assert "1 to 200 characters" in text_of(app) and app.session_state["runs.edit"]


def test_what_users_write_is_shown_as_they_wrote_it(store: Path) -> None:
    run_id = write_run(store, "a", "finished")
    annotate(store, run_id, notes="**bold** <script>alert(1)</script> ![x](https://example.org/a.png)", tags=["*t*"])
    app = draw(PAGE, runs=run_id)
    assert all(not element.allow_html for element in app.markdown if "alert" in str(element.value))
    assert "![" not in text_of(app) and "**bold**" in text_of(app) and "\\*t\\*" in text_of(app)
    assert notes_markdown("![a][b] ok!") == "!\u2060[a][b] ok!"


def test_seeds_and_families_are_arranged(store: Path) -> None:
    for seed in range(3):
        write_run(store, f"run {seed}", "finished", **{"training.seed": seed})
    assert len(listed(draw(PAGE, rows="seeds"))) == 3  # each was steered
    assert listed(draw(PAGE, rows="lineage")) == ["run 2", "run 1", "run 0"]


def test_deleted_runs_are_in_the_trash(store: Path) -> None:
    run_id = write_run(store, "a", "finished")
    app = draw(PAGE, runs=run_id)
    button(app, "Move to trash").click().run()
    assert not listed(app) and "No runs yet" in text_of(app)
    app = draw(PAGE, show="trash")
    assert listed(app) == ["a"] and button(app, "Restore").disabled
    live = write_run(store, "live")
    app = draw(PAGE, runs=live)
    assert button(app, "Move to trash").disabled and "Still at work" in text_of(app)
