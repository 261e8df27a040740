"""Sweeps: what a plan may say, that nothing is repeated after a crash, where trials train, what comes of them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gainakt.config import Config
from gainakt.errors import InputError, RunFailed
from gainakt.jobs.sweep import engines, runner, trial
from gainakt.jobs.sweep.engines import Local, engine_of
from gainakt.jobs.sweep.folder import SweepFolder, sweeps
from gainakt.jobs.sweep.runner import Sweep
from gainakt.jobs.sweep.search import search_of
from gainakt.jobs.sweep.space import Space, read, ready, with_seeds
from gainakt.jobs.sweep.table import Standing, summary, table
from gainakt.jobs.sweep.trial import Known, Outcome
from gainakt.store import RunFolder, Store
from gainakt.store.owner import is_alive
from tests.conftest import ROOT, TINY
from tests.pages import GONE

SMALL = "\n".join(f'{name} = "{v}"' if isinstance(v, str) else f"{name} = {v}" for name, v in TINY.items())
PLAN = f'data.simulate = "demo students=40"\n{SMALL}\nweights.variance = [0.1, 10]\nseeds = 2\n'
PATIENCE = 120.0


class Here:
    """An engine that works in this process, so that a test sees what is called; `fails` raises before a trial."""

    name = "here"

    def __init__(self, slots: int = 1, fails: Callable[[int], None] = lambda _: None) -> None:
        self.slots, self.fails, self.begun = slots, fails, 0

    def submit(self, work: Callable[..., Any], *given: Any) -> Any:
        from concurrent.futures import Future

        future: Future[Any] = Future()
        self.begun += 1
        try:
            self.fails(self.begun)
            future.set_result(work(*given))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        return


def carry_out(folder: SweepFolder, engine: Any) -> Sweep:
    sweep = Sweep(folder, engine, lambda done, says: None)
    sweep.carry_out()
    return sweep


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tiny: object) -> None:
    """No waiting, and one thread (`tiny` sees to it)."""
    monkeypatch.setattr(runner, "_TICK", 0.01)
    monkeypatch.setattr(trial, "_WAIT", 0.05)


@pytest.fixture
def folder(tmp_path: Path) -> SweepFolder:
    """A sweep of four small trials that has its plan."""
    made = SweepFolder(tmp_path / "x.duckdb", "small")
    made.save(PLAN)
    return made


def rows_of(folder: SweepFolder) -> Any:
    with Store.open(":memory:", runs=folder.runs) as store:
        store.take_in()
        return table(store, folder.name, folder.space())


def test_a_plan_is_every_combination_times_seeds_over_presets() -> None:
    space = read('preset = ["v3-phase1", "corrected"]\nweights.variance = [1, 10, 1]\nseeds = 3')
    assert (space.points, space.total) == (4, 12)
    every = [one for trials in space.every for one in trials]
    assert len({one.identity for one in every}) == 12
    assert every[0].values == {"preset": "v3-phase1", "weights.variance": 1} and every[0].preset == "v3-phase1"
    assert [one.config.training.seed for one in every[:3]] == [0, 1, 2]
    for text in ("weights.variance = [1, 10]", "weights.variance = [1, 10]\nseeds = 2"):
        assert read(with_seeds(text, 4)).total == 8


@pytest.mark.parametrize("name", ready())
def test_a_ready_sweep_can_be_carried_out(name: str) -> None:
    assert read(ready()[name]).total > 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("weights.variance = [1, 10", "not TOML"), ("weights.varience = [1, 2]", "did you mean weights.variance"),
        ("weights.variance = 1", "nothing is varied"), ("weights.variance = []", "expected a list"),
        ("weights.variance = [1, -3]", "weights.variance"), ('preset = ["odd", "corrected"]', "unknown preset"),
        ("weights.variance = { low = 1, high = 10 }", "a grid needs a list"),
        ("weights.variance = [1, 2]\nsearch = 'random'", "say how many points"),
        ("weights.variance = [1, 2]\ntrials = 3", "leave it out"), ("weights.variance = [1, 2]\nseeds = 0", "seeds"),
        ("weights.variance = { low = 0, high = 1, log = true }\nsearch = 'random'\ntrials = 2", "above 0"),
        ("weights.variance = { low = 3, high = 1 }\nsearch = 'random'\ntrials = 2", "low must be below high"),
        ("weights.variance = { high = 1 }\nsearch = 'random'\ntrials = 2", "expected numbers"),
        ("model.width = [8, 12]\nmodel.heads = [4, 8]", "does not divide"),
        ("weights.variance = [1, 2]\nsearch = 'gird'", "did you mean grid"),
        ("weights.variance = [1, 2]\nmeasure = 'auc3'", "unknown measure"),
        ("training.seed = [1, 2]\nseeds = 2", "varied by seeds"), ("weights.variance = [1, 2]\nprune = true", "prune"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(text)


def test_random_points_are_within_their_ranges_and_the_same_each_time() -> None:
    text = "search = 'random'\ntrials = 50\nweights.variance = { low = 0.1, high = 1000, log = true }\n"
    space = read(text + "training.max_epochs = { low = 1, high = 3 }\nmodel.gain_head = ['additive', 'linear']")
    points = list(space.listed())
    assert points == list(space.listed()) and len(points) == space.total == 50
    drawn = [point["weights.variance"] for point in points]
    assert 0.1 <= min(drawn) < 1 < 100 < max(drawn) <= 1000
    assert {point["training.max_epochs"] for point in points} == {1, 2, 3}
    assert {point["model.gain_head"] for point in points} == {"additive", "linear"}


def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path) -> None:
    for name in ("../up", "a/b", "", ".hidden", "Big"):
        with pytest.raises(InputError, match="cannot name a sweep"):
            SweepFolder(tmp_path / "x.duckdb", name)


@pytest.mark.timeout(600)
def test_trials_are_ordinary_runs_and_none_is_repeated(folder: SweepFolder) -> None:
    carry_out(folder, Here())
    rows = rows_of(folder)
    assert rows["status"].tolist() == ["finished"] * 4 and rows["encoder2_auc"].notna().all()
    assert sorted(zip(rows["weights.variance"], rows["seed"], strict=True)) == [(0.1, 0), (0.1, 1), (10, 0), (10, 1)]
    assert summary(rows, folder.space())["seeds"].tolist() == [2, 2]
    engine = Here()
    assert carry_out(folder, engine).again == 4 and engine.begun == 0
    folder.save(PLAN.replace("[0.1, 10]", "[10, 0.1, 3]"))  # a larger plan takes over what it has in common
    engine = Here()
    assert carry_out(folder, engine).again == 4 and engine.begun == 2


def test_a_worker_that_dies_is_replaced_and_one_that_always_dies_is_given_up(folder: SweepFolder) -> None:
    def first_dies(begun: int) -> None:
        if begun == 1:
            raise OSError("died")

    engine = Here(fails=first_dies)
    assert carry_out(folder, engine).done == 4 and engine.begun == 5

    def all_die(_begun: int) -> None:
        raise OSError("died")

    folder.save(PLAN.replace("[0.1, 10]", "[0.2]"))
    engine = Here(fails=all_die)
    with pytest.raises(RunFailed, match=r"2 of 2 trials did not finish.*died.*again"):
        carry_out(folder, engine)
    assert engine.begun == 2 * runner.TRIES


def test_a_broken_off_trial_is_resumed_from_its_state(folder: SweepFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.save(PLAN.replace("[0.1, 10]", "[0.1]").replace("max_epochs = 1", "max_epochs = 2"))
    whole = trial.execute

    def paused_once(run: RunFolder, *rest: Any, **named: Any) -> Any:
        if not run.control.exists():
            run.request_pause("tests")
        return whole(run, *rest, **named)

    monkeypatch.setattr(trial, "execute", paused_once)
    with pytest.raises(RunFailed, match="paused"):
        carry_out(folder, Here())
    assert rows_of(folder)["status"].tolist() == ["paused"] * 2
    assert carry_out(folder, Here()).done == 2
    rows = rows_of(folder)
    assert rows["status"].tolist() == ["finished"] * 2 and len(list(folder.runs.iterdir())) == 2
    kinds = [row["kind"] for row in RunFolder(folder.runs, rows["run_id"][0]).rows(0)[0]]
    assert kinds.count("resumed") == 1 and kinds.count("finished") == 1


def test_what_was_asked_to_stop_has_its_trainings_pause(folder: SweepFolder) -> None:
    folder.save(PLAN.replace("max_epochs = 1", "max_epochs = 200"))
    engine = Local(1)
    sweep = Sweep(folder, engine, lambda done, says: None)

    def stop_when_it_trains(done: float, says: str) -> None:
        if any('"kind": "step"' in file.read_text() for file in folder.runs.glob("*/journal.jsonl")):
            folder.request_stop()

    sweep.progress = stop_when_it_trains
    sweep.carry_out()
    status = rows_of(folder)["status"].value_counts().to_dict()
    assert status == {"paused": 1, "planned": 3} and folder.owner() is None and not folder.asked_to_stop()


def test_one_process_at_a_time_trains_a_sweep(folder: SweepFolder) -> None:
    with folder.owned("local", 1), pytest.raises(InputError, match="is being trained by process"):
        carry_out(folder, Here())
    (folder.path / "owner.json").write_text(json.dumps(GONE))
    assert folder.owner() is None  # left over from a process that died


def test_tests_are_run_once_and_data_tested_once_for_all(folder: SweepFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from gainakt.verdict import with_curve_model

    whole, of_data = with_curve_model.data_tests, []
    monkeypatch.setattr(with_curve_model, "REPLICATES", 1)
    monkeypatch.setattr(with_curve_model, "data_tests", lambda *given: of_data.append(1) or whole(*given))
    carry_out(folder, Here())
    folder.save(PLAN + "tests = true\n")
    assert carry_out(folder, Here()).again == 0  # all are trained, none is tested
    rows = rows_of(folder)
    assert set(rows["skills"]) <= {"pass", "noise"} and len(list(folder.runs.iterdir())) == 4
    assert len(of_data) == 1, "the data are tested once for all runs on them"
    assert carry_out(folder, Here()).again == 4


def test_a_failed_trial_ends_no_other_and_is_tried_again(folder: SweepFolder) -> None:
    folder.save(PLAN + "pressure.fail_below = 0.5\n")
    with pytest.raises(RunFailed, match="4 of 4 trials did not finish"):
        carry_out(folder, Here())
    assert rows_of(folder)["status"].tolist() == ["failed"] * 4
    standing = Standing.of(rows_of(folder), folder.space())
    assert (standing.ended, standing.broken, standing.left) == (0, 4, None)


def test_time_left_goes_by_the_pace_since_the_start(folder: SweepFolder) -> None:
    rows = rows_of(folder)
    now = time.time()
    rows.loc[:1, "status"], rows.loc[2, "status"] = "finished", "running"
    rows.loc[0, "ended"], rows.loc[1, "ended"] = now - 1000, now  # the first before this start
    standing = Standing.of(rows, folder.space(), now - 60)
    assert (standing.ended, standing.active, standing.total) == (2, 1, 4)
    assert standing.left == pytest.approx(2 * 60, abs=5)
    assert Standing.of(rows, folder.space(), now + 1).left is None


def test_an_engine_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("ray", "submitit", "optuna"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"\.\[ray\]"):
        engine_of("ray", tmp_path, "", 1)
    with pytest.raises(InputError, match=r"\.\[slurm\]"):
        engine_of("slurm", tmp_path, "", 1)
    with pytest.raises(InputError, match="choose local, ray, slurm"):
        engine_of("dask", tmp_path, "", 1)
    with pytest.raises(InputError, match="--engine ray"):
        engine_of("local", tmp_path, "127.0.0.1:6379", 1)
    space = read("weights.variance = { low = 1, high = 2 }\nsearch = 'optuna'\ntrials = 2")
    with pytest.raises(InputError, match=r"\.\[optuna\]"):
        search_of(space, tmp_path)


OPTUNA = "search = 'optuna'\ntrials = 3\nweights.variance = { low = 0.1, high = 100, log = true }\n"


def test_optuna_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    space = read(OPTUNA)
    first = search_of(space, tmp_path)
    (told,), (broken_off,) = first.ask() or [], first.ask() or []
    first.tell(told.point, [0.7], False)
    second = search_of(space, tmp_path)
    assert (first.told, second.told) == (0, 1)
    (again,) = second.ask() or []
    assert again.identity == broken_off.identity != told.identity
    second.tell(again.point, [None], False)
    (last,) = second.ask() or []
    assert last.identity not in (told.identity, again.identity) and second.ask() is None


def test_optuna_stops_what_is_behind_the_median_and_sweeps_its_runs(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    space = read(OPTUNA.replace("trials = 3", "trials = 6") + "prune = true")
    search = search_of(space, tmp_path)
    for level in (0.6, 0.7, 0.8, 0.9):
        (one,) = search.ask() or []
        assert not any(search.report(one.point, epoch, level) for epoch in (1, 2, 3))
        search.tell(one.point, [level], False)
    (good,), (bad,) = search.ask() or [], search.ask() or []
    assert not search.report(good.point, 2, 0.85) and search.report(bad.point, 2, 0.5)
    search.tell(bad.point, [0.5], True)


def test_optuna_trials_are_runs_with_an_objective(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    folder = SweepFolder(tmp_path / "x.duckdb", "searched")
    folder.save(PLAN.replace("weights.variance = [0.1, 10]\nseeds = 2", OPTUNA))
    carry_out(folder, Here())
    rows = rows_of(folder)
    assert rows["status"].tolist() == ["finished"] * 3 and rows["objective"].between(0.3, 1).all()
    anew = carry_out(folder, Here())
    assert anew.again == anew.done == 3


@pytest.mark.timeout(600)
def test_a_slurm_job_trains_a_trial(folder: SweepFolder) -> None:
    pytest.importorskip("submitit")
    folder.save(PLAN.replace("seeds = 2", "seeds = 1"))
    assert carry_out(folder, engines.Slurm(folder.path, 2, cluster="local")).done == 2


@pytest.mark.timeout(600)
def test_a_sweep_that_is_killed_goes_on_without_repeating(folder: SweepFolder) -> None:
    folder.save(PLAN.replace("max_epochs = 1", "max_epochs = 2").replace("seeds = 2", "seeds = 3"))
    command = [sys.executable, "-m", "gainakt", "sweep", "small", f"--store={folder.store}", "--processes=2"]
    first = subprocess.Popen(command, cwd=ROOT)
    until = time.monotonic() + PATIENCE
    while len(done := _done(folder)) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    workers = _children(first.pid)
    first.send_signal(signal.SIGKILL)
    first.wait()
    until = time.monotonic() + PATIENCE
    while any(is_alive(pid, None) for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert workers and not any(is_alive(pid, None) for pid in workers), "workers ended with their sweep"
    done = _done(folder)
    before = {run_id: (folder.runs / run_id / "journal.jsonl").read_bytes() for run_id in done.values()}
    sweep = carry_out(folder, Here())
    assert sweep.again == len(done) >= 2 and sweep.done == 6
    assert all((folder.runs / run_id / "journal.jsonl").read_bytes() == text for run_id, text in before.items())
    assert len(list(folder.runs.iterdir())) == 6


def _done(folder: SweepFolder) -> dict[str, str]:
    known = Known(folder.runs, folder.name).look()
    return {found: run_id for found, run_id in known.items() if trial.outcome(folder.runs, run_id).ended}


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_outcomes_follow_the_journal() -> None:
    finished = {
        "kind": "finished",
        "status": "finished",
        "results": {"validation": {"im": 0.6}, "run": {"rate_cv": 1.0}},
    }
    paused, resuming, tested = {"kind": "paused"}, {"kind": "resuming"}, {"kind": "tested"}
    assert not Outcome.of([paused]).ended and Outcome.of([paused, resuming]).end is None
    whole = Outcome.of([paused, resuming, finished])
    assert whole.complete(tests=False) and not whole.complete(tests=True)
    assert Outcome.of([finished, tested]).complete(tests=True)
    assert Outcome.of([{**finished, "status": "stopped"}]).complete(tests=True)
    assert (whole.value("im"), whole.value("rate_cv"), whole.value("odd")) == (0.6, 1.0, None)


def test_the_table_tells_planned_from_known(folder: SweepFolder) -> None:
    rows = rows_of(folder)
    assert rows["status"].tolist() == ["planned"] * 4 and sweeps(folder.store) == ["small"]
    assert isinstance(folder.space(), Space) and Config.model_validate({}) is not None
