"""What a tab reads of a run: only what is new, all anew after a resumption; bursts of moves as one mark."""

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gainakt.config import changed
from gainakt.config.effects import no_effect
from gainakt.config.presets import preset
from gainakt.store import RunFolder, Store, runs_root
from gainakt.ui.plots.reading import moving_average
from gainakt.ui.run.recorded import Curves, curves_of, merged, steered

CONFIG = preset("without-level")


def moves(*rows: tuple[float, int, str, float, float, str]) -> pd.DataFrame:
    """`changed` events from (time, step, field, old, new, who)."""
    table = pd.DataFrame(rows, columns=["time", "step", "field", "old", "new", "who"])
    return table.assign(seq=range(len(rows)), old=table["old"].map(str), new=table["new"].map(str),
                        step=table["step"].astype("Int64"))  # fmt: skip


def test_a_burst_is_one_mark_where_it_came_to_rest() -> None:
    marks = merged(moves((0.0, 5, "a", 0, 1, "x"), (1.5, 9, "a", 1, 2, "x"), (2.0, 10, "b", 0, 7, "x"),
                         (3.0, 14, "a", 2, 3, "x"), (5.5, 20, "a", 3, 4, "x")))  # fmt: skip
    assert marks[["field", "step", "old", "new"]].to_numpy().tolist() == [
        ["b", 10, "0", "7"], ["a", 14, "0", "3"], ["a", 20, "3", "4"],
    ]  # fmt: skip


def test_another_person_ends_a_burst_and_one_step_is_one_mark() -> None:
    assert len(merged(moves((0.0, 5, "a", 0, 1, "x"), (0.5, 6, "a", 1, 2, "y")))) == 2
    assert len(merged(moves((0.0, 5, "a", 0, 1, "x"), (9.0, 5, "a", 1, 2, "y")))) == 1
    assert merged(moves()).empty


def test_a_steered_run_says_how_often(tmp_path: Path) -> None:
    assert [steered(count) for count in (0, 1, 3)] == ["", "steered, 1 change", "steered, 3 changes"]
    with Store.open(tmp_path / "s.duckdb") as store:
        run = RunFolder.create(runs_root(tmp_path / "s.duckdb"), name="a", preset="", config=CONFIG.model_dump())
        for step, who in ((3, "x"), (4, "x"), (5, "y"), (6, "schedule")):
            run.append({"kind": "changed", "step": step, "epoch": 1, "field": "weights.variance", "old": 0.0,
                        "new": float(step), "who": who})  # fmt: skip
        store.take_in()
        curves = Curves(run.run_id)
        curves.refresh(store)
        assert store.runs()["changes"].tolist() == [2] == [int((curves.marks["who"] != "schedule").sum())]


def test_only_what_is_new_is_read_and_all_anew_after_a_resumption(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.duckdb") as store:
        run = RunFolder.create(runs_root(tmp_path / "s.duckdb"), name="a", preset="", config=CONFIG.model_dump())

        def record(step: int, value: float) -> None:
            run.append({"kind": "step", "step": step, "epoch": 1, "values": {"gain_std": value}})
            run.append({"kind": "gains", "step": step, "epoch": 1, "split": "train", "counts": [step, 1],
                        "skills": {"0": [step, 2]}})  # fmt: skip

        curves = Curves(run.run_id)
        for step in (1, 2, 3):
            record(step, step / 10)
            store.take_in()
            curves.refresh(store)
        assert curves.all["value"].tolist() == [0.1, 0.2, 0.3]
        assert curves.gains(store, "train")["step"].tolist() == [1, 2, 3]
        assert list(curves.skill_gains(store, "train")["counts"].iloc[0]) == [3, 2]
        assert list(store.latest_histogram(run.run_id, "train", at=2).counts) == [2, 1]
        assert list(store.skill_histograms(run.run_id, "train", at=1)["counts"].iloc[0]) == [1, 2]
        run.append({"kind": "resumed", "step": 2, "epoch": 1})
        record(3, 0.9)
        store.take_in()
        curves.refresh(store)
        assert curves.all["value"].tolist() == [0.1, 0.2, 0.9]
        assert store.began(run.run_id)[1] == 2


def test_a_look_without_news_asks_the_store_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path / "s.duckdb") as store:
        root = runs_root(tmp_path / "s.duckdb")
        run, other = (RunFolder.create(root, name=name, preset="", config=CONFIG.model_dump()) for name in "ab")
        run.append({"kind": "step", "step": 1, "epoch": 1, "values": {"gain_std": 0.1}})
        store.take_in()
        curves = Curves(run.run_id)
        asked: list[str] = []
        cursor = store.reading
        monkeypatch.setattr(store, "reading", lambda: asked.append("once") or cursor())  # type: ignore[func-returns-value]

        def look() -> tuple[int | None, int]:
            asked.clear()
            curves.refresh(store)
            return store.run(run.run_id).step, len(asked)

        assert look()[0] == 1
        store.take_in()
        assert look() == (1, 0), "nothing was taken in"
        other.append({"kind": "step", "step": 1, "epoch": 1, "values": {"gain_std": 0.1}})
        store.take_in()
        assert look() == (1, 2), "another run: how many rows there are, and the run"
        run.append({"kind": "step", "step": 2, "epoch": 1, "values": {"gain_std": None}})
        store.take_in()
        assert look()[0] == 2 and curves.last("gain_std") == 0.1
        run.append({"kind": "failed", "step": 2, "error": "only a test"})
        store.take_in()
        assert store.run(run.run_id).status == "failed"


def test_tabs_share_what_was_read_and_may_look_at_the_same_time(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.duckdb") as store:
        run = RunFolder.create(runs_root(tmp_path / "s.duckdb"), name="a", preset="", config=CONFIG.model_dump())
        store.take_in()
        over, problems, looks = threading.Event(), [], [0, 0, 0]

        def tab(number: int) -> None:
            try:
                while not over.is_set():
                    curves = curves_of(store, run.run_id)
                    steps = curves.all["step"].tolist()
                    assert len(steps) == len(set(steps)), "no step twice"
                    assert set(curves.gains(store, "train")["step"]) <= set(range(21))
                    assert curves.events["kind"].iloc[0] == "queued"
                    looks[number] += 1
            except Exception as problem:
                problems.append(problem)

        tabs = [threading.Thread(target=tab, args=(number,)) for number in range(3)]
        for one in tabs:
            one.start()
        for round_ in range(4):
            for step in range(10 * (round_ % 2) + 1, 10 * (round_ % 2) + 11):
                run.append({"kind": "step", "step": step, "epoch": 1, "values": {"gain_std": 0.1}})
                run.append({"kind": "gains", "step": step, "epoch": 1, "split": "train", "counts": [1], "skills": {}})
                store.take_in()
            if round_ == 1:
                run.append({"kind": "resumed", "step": 0, "epoch": 1})
        over.set()
        for one in tabs:
            one.join()
        assert not problems and min(looks) > 0, problems
        assert curves_of(store, run.run_id).all["step"].tolist() == list(range(1, 21))
        assert curves_of(store, run.run_id) is curves_of(store, run.run_id)


def test_a_moving_average_passes_gaps_over_and_does_not_start_at_zero() -> None:
    averages = moving_average(np.asarray([1.0, np.nan, 3.0], dtype=np.float32), 0.5)
    assert averages[0] == 1.0 and np.isnan(averages[1]) and averages[2] == pytest.approx((0.25 + 1.5) / 0.75)


def test_why_a_setting_does_nothing() -> None:
    assert no_effect("losses.margin", CONFIG) and not no_effect(
        "losses.margin", changed(CONFIG, {"weights.triplet": 1})
    )
    assert no_effect("model.transfer_start", changed(CONFIG, {"model.accumulation": "practised"}))
    assert not no_effect("weights.variance", CONFIG)
