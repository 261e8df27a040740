"""Train on data of odd shapes and open the run's pages: one student, one skill, 100,000 skills, a sequence of 100,000.

Each ends with a trained run whose pages are drawn, or in an error in words. Each has a process of its own, whose time
and memory are printed.
"""

import os
import random
import resource
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from streamlit.testing.v1 import AppTest

from gainakt.config import changed
from gainakt.jobs.service import execute, queue_run
from gainakt.store import Store, runs_root
from tests.reliability.common import TINY, ended, in_child, main, preset

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("1_Train", "3_Run", "6_Diagnosis")
SLOW, MOST_MEMORY = 600.0, 4_000
"""Seconds and MB that the largest shape may take on a busy machine."""
Rows = list[tuple[str, str, int]]


def _class(students: int, each: int, skill: Callable[[int, int], str], right: Callable[[], int]) -> Rows:
    return [(f"s{one}", skill(one, place), right()) for one in range(students) for place in range(each)]


def shapes(draw: random.Random) -> dict[str, Rows]:
    """By name: students, skills and responses."""

    def one_of_five(_: int, place: int) -> str:
        return f"k{place % 5}"

    def coin() -> int:
        return draw.randrange(2)

    usual = _class(30, 20, one_of_five, coin)
    return {
        "one student": _class(1, 300, one_of_five, coin),
        "one response each": _class(60, 1, one_of_five, coin),
        "one skill": _class(30, 20, lambda *_: "k", coin),
        "all correct": _class(30, 20, one_of_five, lambda: 1),
        "all wrong": _class(30, 20, one_of_five, lambda: 0),
        "a skill of one student": [*usual, *(("last", "rare", coin()) for _ in range(30))],
        "labels of 5,000 letters": _class(30, 20, lambda _, place: f"{'é<' * 2500}{place % 5}", coin),
        "100,000 skills": _class(1000, 100, lambda one, place: f"k{100 * one + place}", coin),
        "a sequence of 100,000": [*usual, *_class(1, 100_000, one_of_five, coin)],
    }


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` shapes in turn."""
    draw = random.Random(seed)
    names = list(shapes(draw))
    for number in range(tries):
        name = names[number % len(names)]
        place = folder / str(number)
        place.mkdir()
        begun = time.monotonic()
        status = ended(in_child(partial(_tried, place, shapes(draw)[name])))
        seconds = time.monotonic() - begun
        told = (place / "told").read_text() if (place / "told").exists() else f"LOST: ended with status {status}"
        print(f"{name}: {told}, {seconds:.0f} s", flush=True)
        kind = told.partition(",")[0]
        counted[f"{name}: {'LOST: a hang' if seconds > SLOW else kind}"] += 1
        if kind.startswith("LOST") or seconds > SLOW:
            counted[f"LOST: {name}"] += 1


def _tried(place: Path, rows: Rows) -> None:
    file = place / "class.csv"
    file.write_text("\n".join(["student,skill,correct", *(",".join(map(str, row)) for row in rows)]) + "\n")
    config = changed(preset("corrected"), TINY | {"data.path": str(file), "training.max_epochs": 1})
    path = place / "s.duckdb"
    run = queue_run(runs_root(path), config, name="odd", preset="corrected")
    last = execute(run, config)
    told = last["kind"] if last["kind"] == "finished" else "refused in words"
    if last["kind"] != "finished" and not last.get("bad_input"):
        told = f"LOST: {last.get('error')}"
    with Store.open(path) as store:
        store.take_in()
    os.environ["GAINAKT_STORE"] = str(path)
    for page in PAGES:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SLOW).switch_page(f"pages/{page}.py")
        app.query_params["run"] = run.run_id
        if app.run().exception:
            told = f"LOST: page {page}: {app.exception[0].value[:80]}"
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told = told if most < MOST_MEMORY else "LOST: too much memory"
    why = str(last.get("error", ""))[:120].replace(",", ";")
    (place / "told").write_text(f"{told}, {most} MB{', ' + why if why else ''}")


if __name__ == "__main__":
    main(harness, 9, __doc__)
