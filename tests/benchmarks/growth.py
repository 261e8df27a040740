"""Time and memory against skills, sequence length, students and width: python -m tests.benchmarks.growth [WHAT ...].

WHAT is skills, length, students, width or big (10 and 100 million interactions); else all but big. Each point runs in
a process of its own on drawn responses; prints a line of JSON each, and writes a plot of each growth with
`--plots FOLDER`. `--data FILE` keeps the drawn responses of big there.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
USUAL = {"students": 1_600, "length": 100, "skills": 100, "width": 64}
POINTS = {
    "skills": (100, 1_000, 5_000, 20_000),
    "length": (50, 200, 1_000, 5_000),
    "students": (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    "width": (32, 64, 128, 256),
}
BIG = (10_000_000, 100_000_000)
STEPS = 6
"""Steps of which the speed is taken, after two."""
LONGEST = 3600
"""Seconds that one point may take."""


def drawn(students: int, length: int, skills: int) -> Any:
    """Interactions of students who answer so many questions each."""
    from gainakt.data.interactions import NO_FOLD, Interactions

    rng, count = np.random.default_rng(0), students * length
    return Interactions(
        name="drawn", source="growth", students=[str(number) for number in range(students)],
        skills=[f"skill {number}" for number in range(skills)],
        student=np.repeat(np.arange(students, dtype=np.int32), length),
        skill=rng.integers(0, skills, count, dtype=np.int32), response=rng.integers(0, 2, count, dtype=np.int8),
        fold=np.full(students, NO_FOLD, np.int16), rows=count,
    )  # fmt: skip


def gib() -> float:
    """Most memory so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def most_of_its_own() -> Callable[[], float]:
    """Watches from now on; says how much memory was held at most that no file on disk backs (Linux)."""
    process, most = psutil.Process(), [0]

    def watch() -> None:
        while True:
            used = process.memory_info()
            most[0] = max(most[0], used.rss - used.shared)
            time.sleep(0.1)

    threading.Thread(target=watch, daemon=True).start()
    return lambda: round(most[0] / 2**30, 2)


def steps_of(config: Any, data: Any, evaluate: bool) -> dict[str, Any]:
    """Speed and peak of some training steps; with `evaluate`, of the validation students' evaluation as well."""
    from gainakt.training.loop import Training

    told: dict[str, Any] = {"before_gib": gib()}
    begun = time.perf_counter()
    run = Training(config, data, list, None, 0)
    run.prepare()
    told |= {"ready_s": round(time.perf_counter() - begun, 1), "ready_gib": gib()}
    if evaluate:
        begun = time.perf_counter()
        list(run.epoch_end(0, {}))
        told |= {"evaluated_s": round(time.perf_counter() - begun, 1), "evaluated_gib": gib()}
    else:
        run.best.consider = lambda *_: iter(())  # type: ignore[method-assign]
    events = run.epoch(1)
    while run.step < 2:
        next(events)
    before, clock = run.trained, time.process_time()  # of the processor: other work beside it hardly counts
    while run.step < 2 + STEPS and next(events, None) is not None:
        pass
    speed = (run.trained - before) / (time.process_time() - clock)
    return told | {"interactions_per_processor_second": round(speed), "peak_gib": gib()}


def point(what: str, value: int) -> dict[str, Any]:
    """Measure one point in this process."""
    from gainakt.config import changed
    from gainakt.config.presets import preset

    size = USUAL | {what: value}
    windows = max(2, min(64, 12_800 // size["length"]))
    if what != "students":
        size["students"] = 25 * windows  # enough batches for the steps
    config = changed(preset("without-level"), {
        "training.device": "cpu", "training.max_epochs": 1, "training.probe_every": 0, "model.width": size["width"],
        "model.feedforward": 2 * size["width"], "data.window": max(200, size["length"]), "model.prior": "none",
        "weights.fit": 0.0, "training.batch_size": windows,
    })  # fmt: skip
    data = drawn(size["students"], size["length"] if what != "students" else 20, size["skills"])
    return steps_of(config, data, evaluate=what != "students" or value <= 10_000)


def big(interactions: int, file: Path) -> dict[str, Any]:
    """Read so many interactions from a Parquet file, and train some steps on them, from the present program."""
    from gainakt.config import changed
    from gainakt.config.presets import preset
    from gainakt.datasets.load import load
    from tests.benchmarks.ingest import generate

    if not file.is_file():
        subprocess.run(
            [sys.executable, "-c", "import sys; from pathlib import Path; from tests.benchmarks.ingest import generate;"
             f"generate(Path(sys.argv[1]), {interactions})", str(file)], cwd=ROOT, check=True,
        )  # fmt: skip
    assert generate
    config = changed(preset("corrected"), {
        "data.path": str(file), "training.device": "cpu", "training.max_epochs": 1, "training.probe_every": 0,
        "model.prior": "none", "weights.fit": 0.0,  # the fit reads 20,000 students at most
    })  # fmt: skip
    begun, own = time.perf_counter(), most_of_its_own()
    data = load(config.data)
    read = {"interactions": len(data), "read_s": round(time.perf_counter() - begun, 1), "read_gib": gib()}
    return read | {"read_own_gib": own(), **steps_of(config, data, evaluate=True), "own_gib": own()}


def plots(measured: list[dict[str, Any]], folder: Path) -> None:
    """A figure for each growth: speed and peak memory."""
    from plotly.subplots import make_subplots

    folder.mkdir(parents=True, exist_ok=True)

    for what in POINTS:
        rows = [row for row in measured if row["what"] == what and "error" not in row]
        if rows:
            figure = make_subplots(
                1, 2, subplot_titles=("interactions per second of processor time", "peak memory, GiB")
            )
            for column, name in enumerate(("interactions_per_processor_second", "peak_gib"), 1):
                values = [row[name] for row in rows]
                figure.add_scatter(x=[row["value"] for row in rows], y=values, mode="lines+markers", row=1, col=column)
            figure.update_xaxes(
                type="log",
                title={"length": "interactions per student"}.get(what, what),
                tickvals=[row["value"] for row in rows],
            )
            figure.update_yaxes(rangemode="tozero")
            figure.update_layout(width=800, height=300, margin_t=40, showlegend=False, template="simple_white")
            figure.write_image(folder / f"growth-{what}.png", scale=2)


def main() -> None:
    """Measure each point in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=list(POINTS))
    parser.add_argument("--point", type=int, help="only this one")
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    import gainakt.training.loop  # noqa: F401  (once; each process begins as a copy of this one)

    measured = []
    with tempfile.TemporaryDirectory() as place, get_context("fork").Pool(1, maxtasksperchild=1) as processes:
        for what in options.what:
            for value in [options.point] if options.point else BIG if what == "big" else POINTS[what]:
                file = options.data or Path(place) / f"{value}.parquet"
                measure, of = (big, (value, file)) if what == "big" else (point, (what, value))
                try:
                    told = processes.apply_async(measure, of).get(LONGEST)
                except Exception as error:  # the other points are still worth measuring
                    told = {"error": repr(error)}
                measured.append({"what": what, "value": value, **told})
                print(json.dumps(measured[-1]), flush=True)
    if options.plots:
        plots(measured, options.plots)


if __name__ == "__main__":
    main()
