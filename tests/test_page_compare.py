"""The Compare page: every section with few and many runs, and a link that holds what is chosen."""

from pathlib import Path

import pytest

from gainakt.measures.registry import MEASURES
from gainakt.ui.compare.view import SECTIONS
from tests.compared_runs import Made, five, write
from tests.pages import draw, text_of, write_run

PAGE = "pages/4_Compare.py"


@pytest.fixture
def store(page_store: Path) -> Path:
    return page_store


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_draws_two_runs_and_seven(section: str, many: bool, store: Path) -> None:
    runs = five(store)
    runs += [
        write(store, f"v{w}", "corrected", Made(0.3, 0.2, steered=True), **{"weights.variance": w}) for w in (1.0, 20.0)
    ]
    shown = runs if many else [runs[0], runs[6]]
    app = draw(PAGE, runs=",".join(shown), show=section)
    assert app.dataframe or app.get("bidi_component")
    assert "There are no intervals" not in text_of(app)


@pytest.mark.parametrize("view", ["effect", "scatter", "front", "parallel"])
def test_every_view_of_runs_as_points(view: str, store: Path) -> None:
    app = draw(PAGE, runs=",".join(five(store)), show="explore", view=view)
    assert app.caption


def test_the_link_holds_runs_baseline_and_what_each_section_shows(store: Path) -> None:
    runs = five(store)
    link = {
        "runs": ",".join(runs),
        "baseline": runs[3],
        "show": "curves",
        "align": "minutes",
        "smooth": "0.6",
        "only": "no",
    }
    app = draw(PAGE, **link)
    assert app.multiselect[0].value == runs
    assert next(one for one in app.selectbox if one.label == "Baseline").value == runs[3]
    assert app.slider[0].value == 0.6
    app.slider[0].set_value(0.3).run()
    given = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert given == link | {"smooth": "0.3"}  # what other sections show stays in the link, too
    app = draw(PAGE, runs=",".join(runs), baseline="20200101-000000-0000", align="'; DROP TABLE", smooth="9")
    assert next(one for one in app.selectbox if one.label == "Baseline").value == runs[0]


def test_what_of_a_link_is_gone_is_said_and_a_run_without_results_has_no_verdict(store: Path) -> None:
    runs = [write(store, "a", "corrected"), write_run(store, "died", "failed")]
    app = draw(PAGE, runs=f"{','.join(runs)},20200101-000000-0000,<b>", show="runs")
    assert "20200101" in app.warning[0].value and "\\<b\\>" in app.warning[0].value
    assert app.dataframe[0].value["Verdict"].isna().tolist() == [False, True]
    assert "A verdict is on runs whose status" in text_of(draw(PAGE, runs=",".join(runs), show="why"))


def test_a_baseline_that_is_taken_out_gives_way(store: Path) -> None:
    runs = five(store)
    app = draw(PAGE, runs=",".join(runs), baseline=runs[0], show="measures")
    app.multiselect[0].set_value(runs[1:]).run()
    assert not app.exception
    assert next(one for one in app.selectbox if one.label == "Baseline").value == runs[1]


def test_only_differences_is_a_switch_and_unstated_cells_are_blank(store: Path) -> None:
    runs = [write(store, name, "corrected", **{"weights.variance": value}) for name, value in (("a", 1.0), ("b", 2.5))]
    app = draw(PAGE, runs=",".join(runs), show="settings")
    shown = app.dataframe[0].value
    assert shown["Setting"].tolist() == ["Variance weight"] and shown.iloc[0, 1:].tolist() == ["1", "2.5"]
    app.toggle[0].set_value(False).run()
    assert len(app.dataframe[0].value) > 50


def test_differences_stand_beside_the_values_with_their_sign(store: Path) -> None:
    runs = [write(store, name, "corrected", Made(sharp)) for name, sharp in (("a", 0.2), ("b", 0.9))]
    shown = draw(PAGE, runs=",".join(runs), show="measures").dataframe[0].value.set_index("Measure")
    a, b, change = (shown.columns[place] for place in range(3))
    assert a.startswith("▸ a") and b.startswith("b") and change == f"Δ {b}"
    row = shown.loc[MEASURES["encoder2_auc"].label]
    assert row[change] == pytest.approx(row[b] - row[a]) and row[change] > 0
