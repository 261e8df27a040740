"""What machines do besides: no handles left, a clock put back, two dashboards, a reused PID, a lost folder."""

import os
import random
import resource
import shutil
import socket
import time
from collections import Counter
from pathlib import Path

import duckdb

from gainakt.errors import InputError, StoreBusy
from gainakt.store import RunFolder, Store, runs_root, schema
from tests.journals import content
from tests.reliability.common import ended, holding, in_child, kill, main, tiny, trained, training


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` of these in turn; what became of them."""
    draw = random.Random(seed)
    config = tiny(folder)
    kinds = (_handles, _clock, _dashboards, _reused_pid, _lost_folder, _old_schema)
    for place in range(tries):
        home = folder / str(place)
        home.mkdir()
        kinds[place % len(kinds)](home / "s.duckdb", config, draw, counted)


def _handles(path, config, draw, counted):  # type: ignore[no-untyped-def]
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + draw.randrange(8),) * 2)
        trained(runs_root(path), config)

    pid = in_child(work)
    ended(pid)
    with Store.open(path) as store:
        store.take_in()
        states = set(store.runs()["status"])
    well = states <= {"finished", "failed", "interrupted"}
    counted["no handles left: the run has an end" if well else f"LOST: no handles left: {states}"] += 1


def _clock(path, config, draw, counted):  # type: ignore[no-untyped-def]
    back = draw.uniform(60, 1e6)
    given = time.time

    def work() -> None:
        begun = given()
        time.time = lambda: given() - back * (given() - begun > 0.3)
        trained(runs_root(path), config)

    status = ended(in_child(work))
    with Store.open(path) as store:
        store.take_in()
        run = store.run(store.runs()["run_id"][0])
        steps = store.series([run.run_id], ["loss.total"])["step"].tolist()
    well = status == 0 and run.status == "finished" and steps == sorted(set(steps)) and len(steps) == run.step
    counted["clock put back: nothing lost" if well else f"LOST: clock put back: {run.status}"] += 1


def _dashboards(path, config, draw, counted):  # type: ignore[no-untyped-def]
    holder = holding(path)
    try:
        Store.open(path, wait=0.2).close()
        counted["LOST: two dashboards held one store"] += 1
    except StoreBusy as error:
        named = str(holder) in str(error)
        counted["two dashboards: the second is told who has it" if named else "LOST: holder not named"] += 1
    kill(holder)
    Store.open(path, wait=5).close()


def _reused_pid(path, config, draw, counted):  # type: ignore[no-untyped-def]
    run = RunFolder.create(runs_root(path), name="old", preset="corrected", config={})
    run.append({"kind": "resuming", "pid": os.getpid(), "pid_started": 1.0, "host": socket.gethostname()})
    run.close()
    with Store.open(path) as store:
        store.take_in()
        status = store.run(run.run_id).status
    counted["PID reused: interrupted" if status == "interrupted" else f"LOST: PID reused: {status}"] += 1


def _lost_folder(path, config, draw, counted):  # type: ignore[no-untyped-def]
    root = runs_root(path)
    run = RunFolder.create(root, name="run", preset="corrected", config=config.model_dump())
    pid = training(root, config, run)
    with Store.open(path) as store:
        deadline = time.monotonic() + 30
        while store.take_in() == 0 and time.monotonic() < deadline:
            pass
        time.sleep(draw.uniform(0, 0.5))
        shutil.rmtree(run.folder, ignore_errors=True)
        ended(pid)
        store.take_in()
        found = store.run(run.run_id)
        problem = ""
        try:
            store.folder(run.run_id)
        except InputError as error:
            problem = str(error)
    well = not found.active and (("gone" in problem) or found.status == "finished" or run.folder.exists())
    counted["folder deleted: the run has an end" if well else f"LOST: folder deleted: {found.status}"] += 1


def _old_schema(path, config, draw, counted):  # type: ignore[no-untyped-def]
    run = RunFolder.create(runs_root(path), name="old", preset="corrected", config={})
    run.close()
    version = draw.randrange(1, len(schema.MIGRATIONS)) if len(schema.MIGRATIONS) > 1 else 1
    with Store.open(":memory:", runs=runs_root(path)) as anew:
        anew.take_in()
        expected = {name: len(rows) for name, rows in content(anew).items()}
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE schema_versions (version INTEGER, applied DOUBLE)")
        for number in range(1, version + 1):
            connection.execute(schema.MIGRATIONS[number - 1])
            connection.execute("INSERT INTO schema_versions VALUES (?, 0)", [number])
    with Store.open(path) as store:
        store.take_in()
        found = {name: len(rows) for name, rows in content(store).items()}
    well = found == expected and len(list(path.parent.glob("*.before-schema-*"))) == (version < len(schema.MIGRATIONS))
    counted[f"schema {version}: brought up to date, a copy kept" if well else "LOST: an older schema"] += 1


if __name__ == "__main__":
    main(harness, 60, __doc__)
