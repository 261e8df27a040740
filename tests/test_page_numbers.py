"""Measures on the pages: all of the registry, in its order and words, and those that only a newer version knows."""

import re
from pathlib import Path

import pytest

from gainakt import reference
from gainakt.measures.registry import AGREEMENT, MEASURES, RECOVERED, shown_in
from gainakt.store import RunFolder, runs_root
from gainakt.ui import tables
from tests.journals import rewrite
from tests.pages import draw, text_of, write_run

OF_SPLIT = [name for name, measure in MEASURES.items() if measure.of == "split"]


@pytest.fixture(autouse=True)
def store(page_store: Path) -> Path:
    """Every test here has pages with a store of their own."""
    return page_store


def everything(newer: bool = False) -> dict[str, dict[str, float]]:
    """Results with every measure that there is, and some that there are not."""
    results = {
        "test": {name: 0.1 + place / 100 for place, name in enumerate(OF_SPLIT)},
        "run": {name: 2.0 for name, measure in MEASURES.items() if measure.of == "run"},
        "recovery": {name: 0.5 for name, measure in MEASURES.items() if measure.of == "recovery"},
    }
    if newer:
        for split in ("test", "run", "recovery"):
            results[split][f"new_{split}_idea"] = 0.7
        results["validation_late"] = {"gain_std": 0.3}
    return results


def test_every_measure_of_a_split_is_in_numbers_and_compare_in_the_registry_s_order(store: Path) -> None:
    runs = [write_run(store, name, "finished", everything()) for name in "ab"]
    labels = [MEASURES[name].label for name in OF_SPLIT]
    numbers = draw("pages/3_Run.py", run=runs[0]).dataframe
    (shown,) = (frame.value for frame in numbers if "Test" in frame.value.columns)
    assert shown["Measure"].tolist() == labels
    assert shown["What it is"].tolist() == [MEASURES[name].help for name in OF_SPLIT]
    assert shown["Better"].tolist() == [MEASURES[name].better for name in OF_SPLIT]
    compared = draw("pages/4_Compare.py", runs=",".join(runs), show="measures").dataframe[0].value
    assert compared["Measure"].tolist()[: len(labels)] == labels


def test_every_measure_of_the_run_and_of_recovery_is_on_its_page(store: Path) -> None:
    app = draw("pages/3_Run.py", run=write_run(store, "a", "finished", everything()))
    shown = {
        cell for frame in app.dataframe for column in frame.value.columns for cell in map(str, frame.value[column])
    }
    expected = {one.label for one in MEASURES.values() if one.of == "run"}
    expected |= {MEASURES[name].label for name in everything()["recovery"] if name not in tables.AGREEMENTS}
    expected |= {text.capitalize() if text.islower() else text for text in RECOVERED.values()}
    assert expected - shown == set()
    headings = {str(column) for frame in app.dataframe for column in frame.value.columns}
    assert {label for label, _, _ in AGREEMENT.values()} - headings == set()


def test_what_only_a_newer_version_knows_appears_under_its_raw_name(store: Path) -> None:
    runs = [write_run(store, name, "finished", everything(newer=True)) for name in "ab"]
    for run_id in runs:  # a setting of a newer version, too
        folder = RunFolder(runs_root(store), run_id)
        queued, *rest = folder.rows(0)[0]
        queued["config"]["weights"]["new_weight"] = 3.0
        rewrite(folder, [queued, *rest])
    app = draw("pages/3_Run.py", run=runs[0])
    cells = {
        cell for frame in app.dataframe for column in frame.value.columns for cell in map(str, frame.value[column])
    }
    assert {"new_test_idea", "new_run_idea", "new_recovery_idea", "weights.new_weight"} - cells == set()
    assert any("validation_late" in frame.value.columns for frame in app.dataframe)
    compared = draw("pages/4_Compare.py", runs=",".join(runs), show="measures").dataframe[0].value
    assert "new_test_idea" in compared["Measure"].tolist()


def test_no_help_repeats_a_target_that_the_user_can_change() -> None:
    """The targets are on the Diagnosis page and can be changed there."""
    texts = [measure.help for measure in MEASURES.values()]
    texts += [str(column.get("help")) for column in (tables.short_column(one) for one in shown_in("runs").values())]
    assert [text for text in texts if re.search(r"target|over 0\.|over 1\.", text, re.IGNORECASE)] == []


def test_the_runs_table_has_the_registry_s_columns(store: Path) -> None:
    write_run(store, "a", "finished")
    shown = draw("pages/2_Runs.py").dataframe[0].value
    assert set(shown_in("runs")) <= set(shown.columns)
    for measure in shown_in("runs").values():
        column = tables.short_column(measure)
        assert column["label"] == measure.short and measure.help in column["help"]


def test_the_run_page_shows_the_saved_numbers(store: Path) -> None:
    app = draw("pages/3_Run.py", run=write_run(store, end="finished"))
    tables = {tuple(frame.value.columns): frame.value for frame in app.dataframe}
    numbers = tables[("Measure", "Validation", "Test", "Better", "What it is")]
    assert numbers["Test"].tolist() == [0.7, 0.65, 0.12]
    events = tables[("Time", "Step", "Epoch", "What", "Detail", "By")]
    assert "Variance weight: 0 → 50" in events["Detail"].tolist()
    settings = tables[("Setting", "Value", "Name in --set")].set_index("Name in --set")["Value"]
    assert settings["training.max_epochs"] == "15"


def test_published_records_are_listed_apart_and_compared_like_any_run(store: Path) -> None:
    reference.place(runs_root(store))
    run_id = write_run(store, "mine", "finished")
    assert "1 run: 1 finished" in text_of(draw("app.py"))
    listed = [draw("pages/2_Runs.py", show=show).dataframe[0].value for show in ("runs", "published")]
    assert [len(table) for table in listed] == [1, 3]
    runs = f"{run_id},00000000-970206-0206"
    numbers = draw("pages/4_Compare.py", runs=runs, show="measures").dataframe[0].value.set_index("Measure")
    assert numbers.loc["Gain std"].tolist()[:2] == [0.12, 0.00182]
    assert numbers.loc["Mastery correlation, original form"].isna().tolist()[:2] == [True, False]
    differs = draw("pages/4_Compare.py", runs=runs, show="settings").dataframe[0].value.set_index("Setting")
    assert differs.loc["Variance weight"].tolist() == ["0", "2"]
    assert "Width" not in differs.index  # the record does not state it: that is no difference
    for page in ("pages/1_Train.py", "pages/3_Run.py"):
        draw(page, run="00000000-970206-0206")
