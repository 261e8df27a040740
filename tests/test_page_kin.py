"""Related runs, the effects of steering in words, configurations tried before, the guided start; no training."""

from pathlib import Path

import pytest

from gainakt.config import changed
from gainakt.config.presets import PRESETS, preset
from gainakt.errors import InputError
from gainakt.jobs import lineage
from gainakt.jobs.background import Jobs
from gainakt.jobs.service import Service
from gainakt.jobs.twin import Effect
from gainakt.store import Run, RunFolder, Store, runs_root
from gainakt.ui.run import guide, twin
from gainakt.ui.run.kin import badges, tree
from tests.journals import rewrite
from tests.pages import draw, text_of, write_run

CORRECTED = PRESETS["corrected"].changes


@pytest.fixture(autouse=True)
def store(page_store: Path) -> Path:
    """Every test here has pages with a store of their own."""
    return page_store


def descend(store: Path, name: str, end: str = "finished", seed: int = 0, **lineage_: object) -> str:
    """A run that came from another one."""
    run_id = write_run(store, name, end, **{"training.seed": seed})
    folder = RunFolder(runs_root(store), run_id)
    queued, *rest = folder.rows(0)[0]
    rewrite(folder, [queued | {"lineage": lineage_}, *rest])
    return run_id


def family(store: Path) -> dict[str, str]:
    """A run with a branch, its replay, a twin of two seeds; and a branch of what is gone."""
    first = write_run(store, "first", "finished")
    branch = descend(
        store, "branch", parent=first, step=12, before={"weights.variance": 0.0}, changes={"weights.variance": 7.0}
    )
    return {
        "first": first, "branch": branch, "replay": descend(store, "again", "paused", replay=branch, step=12),
        "twin": descend(store, "untouched", parent=first, step=11, twin=first, steered=False),
        "steered": descend(store, "seed 1", seed=1, replay=first, twin=first, steered=True),
        "orphan": descend(store, "orphan", parent="20200101-000000-aaaa", step=3),
    }  # fmt: skip


def test_the_tree_is_the_same_from_wherever_it_is_looked_at(store: Path) -> None:
    ids = family(store)
    with Store.open(":memory:", runs=runs_root(store)) as opened:
        opened.take_in()
        for start in ("first", "branch", "replay", "twin", "steered"):
            lines = [(one.run.run_id, one.depth, one.what) for one in tree(opened, opened.run(ids[start]))]
            assert lines[0] == (ids["first"], 0, "")
            assert set(lines[1:]) == {
                (ids["branch"], 1, "branch at step 12: Variance weight 0 → 7"), (ids["replay"], 2, "replay"),
                (ids["twin"], 1, "unsteered twin, seed 0"), (ids["steered"], 1, "steered again, seed 1"),
            }  # fmt: skip
        (alone,) = tree(opened, opened.run(ids["orphan"]))
        assert alone.what == "branch at step 3 of 20200101-000000-aaaa, which is not here any more, same settings"
        origins = opened.origins()
        shown = {name: badges(*origins[run_id]) for name, run_id in ids.items()}
    assert shown == {
        "first": ["steered"], "branch": ["branch", "steered"], "replay": ["replay", "steered"], "twin": ["twin"],
        "steered": ["twin, steered"], "orphan": ["branch", "steered"],
    }  # fmt: skip


def test_the_run_page_lists_related_runs_and_says_what_steering_did(store: Path) -> None:
    ids = family(store)
    app = draw("pages/3_Run.py", run=ids["first"])
    said = text_of(app).replace("\\", "")
    assert "**first**" in said and "branch at step 12: Variance weight 0 → 7" in said
    assert "Moving the variance weight did not change gain std" in said and "That is one seed" in said
    assert [button.label for button in app.button if button.key and ids["first"] in button.key] == [
        "Replay", "Unsteered twin",
    ]  # fmt: skip
    app = draw("pages/3_Run.py", run=ids["replay"])
    assert "Its twin can be trained once it is finished or stopped." in text_of(app)
    assert next(button for button in app.button if button.label == "Unsteered twin").disabled


def test_resume_and_replay_start_and_say_why_not(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    paused = write_run(store, "a run", "finished")
    RunFolder(runs_root(store), paused).append({"kind": "paused", "step": 20, "epoch": 2, "who": "tests"})
    started: list[tuple[str, str]] = []
    monkeypatch.setattr(lineage, "replay", lambda root, run: started.append(("replay", run.run_id)) or ("folder",))
    monkeypatch.setattr(lineage, "resume", lambda root, run, who: started.append((who, run.run_id)) or ("folder",))
    monkeypatch.setattr(Service, "start", lambda self, *made: paused)
    for label in ("Resume", "Replay"):
        app = draw("pages/3_Run.py", run=paused)
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
    assert started == [("dashboard", paused), ("replay", paused)]

    def refuse(root: Path, run: Run, who: str) -> None:
        raise InputError("run x belongs to process 7 on here, which works on it; pause or stop it first")

    monkeypatch.setattr(lineage, "resume", refuse)
    app = draw("pages/3_Run.py", run=paused)
    next(button for button in app.button if button.label == "Resume").click().run()
    assert "which works on it" in app.error[0].value


def effect(measure: str, difference: float | None, low: float | None = None, high: float | None = None) -> Effect:
    return Effect(measure, 0.2, 0.1, difference, low, high, 3)


def test_effects_in_words() -> None:
    said = twin.sentences(
        ["Variance weight", "BCE share"],
        [effect("gain_std", 0.11, 0.09, 0.13), effect("encoder2_auc", -0.004, -0.006, -0.002),
         effect("encoder1_auc", 0.001, -0.001, 0.003), effect("response_gain_ratio", None)],
    )  # fmt: skip
    assert said == (
        "Moving the variance weight and the BCE share raised gain std by 0.110 [0.090, 0.130]; lowered Encoder 2's AUC"
        " by 0.004 [0.002, 0.006]; changed Encoder 1's AUC by +0.001 [-0.001, 0.003], which may be chance; left the"
        " gain ratio unknown. In brackets: 95 % intervals over 3 seeds."
    )


def test_a_small_effect_keeps_the_decimals_that_tell_it_from_0() -> None:
    said = twin.sentences(["Variance weight"], [effect("gain_std", 0.00275, 0.000372, 0.00513)])
    assert "raised gain std by 0.0027 [0.0004, 0.0051]" in said.replace("0.0028", "0.0027")
    said = twin.sentences(["Variance weight"], [effect("encoder2_auc", 0.00039, -0.000038, 0.00081)])
    assert "by +0.00039 [-0.00004, 0.00081], which may be chance" in said


def test_the_form_says_what_was_tried(store: Path) -> None:
    assert "tried" not in text_of(draw("pages/1_Train.py", new="1"))
    for seed in (3, 4):
        write_run(store, "other seed", "finished", **CORRECTED, **{"training.seed": seed})
    said = text_of(draw("pages/1_Train.py", new="1"))
    assert "This configuration is new with seed 0; 2 other seeds of it have finished." in said
    write_run(store, "failed one", "failed", **CORRECTED)
    write_run(store, "same", "finished", **CORRECTED)
    said = text_of(draw("pages/1_Train.py", new="1"))
    assert "You have tried this configuration.** Also, 2 other seeds of it have finished." in said
    assert "AUC 1 0.700, AUC 2 0.650, gain std 0.120" in said


def test_the_guide_stands_where_the_store_says(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    def states() -> list[tuple[str, str, bool]]:
        monkeypatch.setattr(guide.resources, "jobs", lambda: Jobs(Service(runs_root(store))))
        monkeypatch.setattr(guide.st, "session_state", {})
        with Store.open(":memory:", runs=runs_root(store)) as opened:
            opened.take_in()
            return [(step.key, step.label, step.done) for step in guide.steps(opened)]

    assert states() == [
        ("v3-phase1", "Train", False), ("why", "Train first", False), ("switched", "Train", False),
        ("corrected", "Train", False), ("real", "Train and test", False),
    ]  # fmt: skip
    tested = write_run(store, "corrected", "finished", **CORRECTED)
    RunFolder(runs_root(store), tested).append({"kind": "tested"})
    assert [done for _, _, done in states()] == [False, False, False, True, True], "in any order"
    for recipe in (guide.UNIFORM, guide.SWITCHED):
        RunFolder.create(runs_root(store), name="x", preset=recipe.preset, config=recipe.config.model_dump())
    assert [label for _, label, _ in states()] == ["Watch", "Watch", "Watch", "Open", "Open"]


def test_the_switch_of_the_guide_is_one() -> None:
    first, second = guide.UNIFORM.config, guide.SWITCHED.config
    assert changed(first, {"origin.reported_gain": "practised"}) == second != first
    assert guide.CORRECTED.config == preset("corrected")


def test_home_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setattr(Service, "problems", property(lambda _: ["Run x has failed, which cannot be written yet"]))
    assert "cannot be written yet" in text_of(draw("app.py"))
