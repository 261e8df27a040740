"""What the Data page shows, as pure functions: the report, its charts, its download."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gainakt.data.interactions import Interactions
from gainakt.datasets import report
from gainakt.datasets.describe import opportunities, safe_csv
from gainakt.measures import metrics
from gainakt.ui.data import charts as data_charts
from gainakt.ui.plots.figures import Axes


def test_cells_that_look_like_formulas_are_quoted_in_the_download() -> None:
    cells = ["=1+1", "+1", "-1", "@x", "fine", None]
    table = pd.DataFrame({"file": "f", "row": range(6), "column": cells, "value": cells, "reason": "r",
                          "interactions": 1})  # fmt: skip
    lines = safe_csv(table).splitlines()[1:]
    assert lines == ["f,0,'=1+1,'=1+1,r,1", "f,1,'+1,'+1,r,1", "f,2,'-1,'-1,r,1", "f,3,'@x,'@x,r,1",
                     "f,4,fine,fine,r,1", "f,5,,,r,1"]  # fmt: skip


def test_data_without_a_second_try_are_said_to_have_no_practice(small_class: Callable[..., Interactions]) -> None:
    once = replace(small_class(students=40), skills=[f"k{i}" for i in range(30)])
    place = opportunities(replace(once, skill=np.zeros(len(once.student), np.int32), skills=["k"]))
    once = replace(once, skill=(place - 1).astype(np.int32))
    found = {problem.name: problem.count for problem in report.report_of(once, 200).problems}
    assert found["no practice"] == 100
    assert "no practice" not in {problem.name for problem in report.report_of(small_class(students=40), 200).problems}


def test_the_report_adds_up(small_class: Callable[..., Interactions]) -> None:
    data = small_class(students=60, skills=4)
    found = report.report_of(data, 20)
    assert found.lengths.sum() == len(data) == found.skills["interactions"].sum()
    assert found.reached[0] == 1 and (np.diff(found.reached) <= 0).all()
    runs = {(s, k) for s, k in zip(data.student.tolist(), data.skill.tolist(), strict=True)}
    most = pd.Series(zip(data.student, data.skill, strict=True)).value_counts()
    assert found.reached[2] == pytest.approx((most >= 3).sum() / len(runs))
    curve = found.curves[(found.curves["skill"] == "skill 0") & (found.curves["students"] >= report.ENOUGH)]
    change = curve["share_correct"].iloc[-1] - curve["share_correct"].iloc[0]
    assert found.skills["change"][0] == pytest.approx(change)


@pytest.mark.parametrize("values", [[], [1], [5, 5, 5], [1, 2, 3, 10_000], list(range(1, 500))])
def test_every_student_is_in_the_bars(values: list[int]) -> None:
    bars = data_charts.lengths(np.array(values, dtype=np.int64), 200, Axes())["data"]
    assert sum(float(trace["y"].sum()) for trace in bars) == len(values)


def test_wilsons_interval() -> None:
    low, high = metrics.wilson(np.array([0.0, 0.5, 1.0]), np.array([10.0, 100.0, 1.0]))
    assert low == pytest.approx([0, 0.4038, 0.2065], abs=1e-4) and high == pytest.approx([0.2775, 0.5962, 1], abs=1e-4)
