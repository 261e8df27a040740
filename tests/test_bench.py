"""`bench`: every figure that it promises, each once, with ratios to the trainer's own speed."""

import pytest

from gainakt.benchmark import speed
from gainakt.config import changed


@pytest.fixture(scope="module")
def rows(tiny, class_file):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "WIDTHS", (16,))
        config = changed(tiny(), {"data.path": str(class_file), "training.max_epochs": 100})
        return {row.what: row for row in speed.measured(config, rounds=2, steps=2)}


def test_it_measures_what_it_promises(rows):
    start = [rows[f"Start: {part}"].value for part in (
        "packages", "data read", "model built, prior fitted", "first evaluation, first step")]  # fmt: skip
    assert rows["Start to first step"].value == pytest.approx(sum(start))
    assert 0.05 < rows["Peak memory"].value < 20 and rows["Test split evaluated"].value > 0
    assert 0 < rows["Share of it, width 16"].value < 1


def test_ratios_are_to_the_trainers_own_speed(rows):
    ours = rows["GainAKT, width 8"]
    assert ours.ratio is None and ours.low <= ours.value <= ours.high
    for name in ("simpleKT", "DKT of 200"):
        assert rows[name].ratio == pytest.approx(ours.value / rows[name].value)
    assert rows["AKT"].value is not None or "pykt" in rows["AKT"].note
