"""Jobs beside trainings: who goes first, what is cancelled, and that they disturb each other in nothing."""

import threading
from pathlib import Path

import pytest

from gainakt.jobs import service
from gainakt.jobs.background import Jobs
from gainakt.jobs.service import Service
from gainakt.verdict import with_preset

WAIT = 30


@pytest.fixture
def order(monkeypatch):
    """What began, in order; trainings say their name and compute nothing."""
    begun: list[str] = []
    monkeypatch.setattr(service, "execute", lambda folder, config, **_: begun.append(config) or {"kind": "finished"})
    monkeypatch.setattr(service, "queue_run", lambda root, config, **_: service.RunFolder(root, f"2026-{config}"))
    monkeypatch.setattr(service.RunFolder, "__init__", lambda self, root, run_id: setattr(self, "run_id", run_id))
    return begun


class Units:
    """A job of so many units that says when it begins each, and goes on when it is let."""

    def __init__(self, order: list[str], name: str, count: int):
        self.order, self.name, self.count = order, name, count
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, report) -> None:
        for number in range(self.count):
            report(number / self.count, f"unit {number}")
            self.order.append(f"{self.name}{number}")
            self.begun.release()
            assert self.go_on.acquire(timeout=WAIT)
            report(number / self.count, f"unit {number}")  # the unit goes on: no one else may go now

    def let(self, units: int) -> None:
        for _ in range(units):
            self.go_on.release()


def test_trainings_go_between_the_units_of_a_job(order, tmp_path):
    trainings = Service(tmp_path)
    jobs, work = Jobs(trainings), Units(order, "job", 3)
    jobs.start("a", "Test", work)
    assert work.begun.acquire(timeout=WAIT)
    trainings.submit("first", name="", preset="")
    trainings.submit("second", name="", preset="")
    assert trainings.running().what == "Test" and not trainings.running().training
    assert [turn.about for turn in trainings.waiting()] == ["2026-first", "2026-second"]
    assert order == ["job0"] and jobs.of("a").says == "unit 0"
    work.let(3)
    trainings.wait()
    assert order == ["job0", "first", "second", "job1", "job2"]
    job = jobs.of("a")
    assert (job.ended, job.done, job.says, job.error, job.cancelled) == (True, 1.0, "done", "", False)
    assert trainings.running() is None and trainings.waiting() == []


def test_jobs_alternate(order, tmp_path):
    trainings = Service(tmp_path)
    works = {name: Units(order, name, 3) for name in "ab"}
    for name, work in works.items():
        Jobs(trainings).start(name, "Test", work)
        if name == "a":
            assert work.begun.acquire(timeout=WAIT)
    for work in works.values():
        work.let(3)
    trainings.wait()
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]


@pytest.mark.parametrize("when", ["in a unit", "while it waits", "before it began"])
def test_a_cancelled_job_ends_as_cancelled_and_is_no_error(order, tmp_path, when):
    trainings = Service(tmp_path)
    jobs, work, other = Jobs(trainings), Units(order, "job", 3), Units(order, "other", 1)
    first, second = (work, other) if when != "before it began" else (other, work)
    for job in (first, second):
        jobs.start(job.name, "Test", job)
        if job is first:
            assert job.begun.acquire(timeout=WAIT)
    if when == "while it waits":
        first.let(1)
        assert second.begun.acquire(timeout=WAIT)
    jobs.cancel("job")
    assert jobs.of("job").cancelled
    work.let(3)
    other.let(1)
    trainings.wait()
    job = jobs.of("job")
    assert (job.ended, job.cancelled, job.says, job.error, job.traceback) == (True, True, "cancelled", "", "")
    assert order.count("job1") == 0 and "other0" in order and jobs.of("other").done == 1.0
    jobs.cancel("job")
    jobs.cancel("nothing")
    jobs.start("job", "Test", lambda report: report(0.0, "again"))
    trainings.wait()
    assert jobs.of("job").says == "done" and not jobs.of("job").cancelled


def test_a_job_of_trainings_finds_the_same_with_another_training_between(tiny, small_class, class_file, tmp_path):
    config = with_preset.alone(tiny({"model.dropout": 0.2}))
    halves = with_preset.dealt(small_class(), 2, 1)
    alone = [with_preset.trained(config, half).loss.tolist() for half in halves]
    trainings = Service(tmp_path)
    jobs, losses = Jobs(trainings), []

    def work(report) -> None:
        for number, half in enumerate(halves):
            report(number / 2, f"training {number}")
            losses.append(with_preset.trained(config, half).loss.tolist())
            trainings.submit(tiny({"data.path": str(class_file)}), name="", preset="corrected")

    jobs.start("a", "Test", work)
    trainings.wait()
    assert losses == alone and jobs.of("a").error == ""


def test_a_test_with_the_preset_is_cancelled_within_a_training(tiny, small_class, tmp_path):
    trainings = Service(tmp_path)
    jobs = Jobs(trainings)
    config = tiny({"training.max_epochs": 1000, "training.patience": 1000})
    in_training = threading.Event()

    def work(report) -> None:
        def counted(done: float, says: str, calls: list[int] = []) -> None:  # noqa: B006
            calls.append(1)
            report(done, says)
            if len(calls) > 20:
                in_training.set()

        with_preset.data_tests(config, small_class(), counted)

    jobs.start("a", "Test", work)
    assert in_training.wait(WAIT)
    assert jobs.of("a").done == 0.0, "it is in its first training"
    jobs.cancel("a")
    trainings.wait()
    assert jobs.of("a").says == "cancelled" and jobs.of("a").error == ""
    assert not list(Path(tmp_path).iterdir())
