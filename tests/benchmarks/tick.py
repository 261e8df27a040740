"""Server time of a tick of the Train page at 50,000 recorded steps: python -m tests.benchmarks.tick [STEPS].

Writes a run, opens the page by Streamlit's AppTest, then again and again adds ten steps and times the parts that tick.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from gainakt.config.presets import preset
from gainakt.store import RunFolder, Store, runs_root
from gainakt.ui import resources

SKILLS, TICKS, EPOCH = 100, 30, 1000
VALUES = ("loss.total", "loss.bce", "loss.im", "gain_std", "gain_mean", "aggregate_gain_std", "interactions_per_second")
QUANTILES = [round(i / 100, 2) for i in range(101)]


def record(run: RunFolder, step: int) -> None:
    """One recorded step, with the histograms and evaluations that come with it in a training."""
    epoch = step // EPOCH + 1
    values = {name: 0.5 + (step % 97) / 1000 for name in VALUES}
    run.append({"kind": "step", "step": step, "epoch": epoch, "values": values})
    if step % 4 == 0:
        skills = {str(skill): [step % 7] * 20 for skill in range(SKILLS if step % 40 == 0 else 3)}
        run.append({"kind": "gains", "step": step, "epoch": epoch, "split": "train", "counts": [step % 9] * 50,
                    "skills": skills})  # fmt: skip
    if step % EPOCH == 0:
        part = {"mean": 1.0, "std": 0.1, "quantiles": QUANTILES}
        run.append({"kind": "evaluated", "step": step, "epoch": epoch, "values": {
            "validation.encoder1_auc": 0.7, "validation.encoder2_auc": 0.69, "validation.gain_std": 0.1},
            "parameters": dict.fromkeys(("beta", "threshold", "gamma", "saturation"), part)})  # fmt: skip


def tick(run_id: str, section: str) -> dict[str, float]:
    """Milliseconds of each part of the page that ticks."""
    from gainakt.ui.run.view import Look
    from gainakt.ui.train import sections, watch
    from gainakt.ui.train.values import live

    store = resources.store()
    standing = live(store, resources.service().root, store.run(run_id)).shown()
    st.session_state[f"steer.drawn.{run_id}"] = standing  # the desk is drawn, and nobody moved it since
    parts = {
        "status": lambda: watch._status(run_id), "note": lambda: watch._steering_note(run_id),
        "charts": lambda: watch._charts(run_id, None, Look(smoothing=0.6)),
        "section": lambda: sections.draw(run_id, section, Look(), ("most gains", 0, "")),
    }  # fmt: skip
    spent, cpu = {}, time.process_time()
    for name, part in parts.items():
        began = time.perf_counter()
        part()
        spent[name] = 1000 * (time.perf_counter() - began)
    return spent | {"cpu": 1000 * (time.process_time() - cpu)}


def main(steps: int) -> None:
    """Write the run, open it, print median and spread of the ticks for each section."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "tick.duckdb"
        os.environ["GAINAKT_STORE"] = str(path)
        run = RunFolder.create(
            runs_root(path), name="a", preset="corrected", config=preset("without-level").model_dump()
        )
        data = {"name": "demo", "fingerprint": "f", "students": 30, "split": {"train": {"students": 20}}}
        run.append({"kind": "started", "device": "cpu", "versions": {}, "data": data, "steps_per_epoch": EPOCH,
                    "skills": [f"skill {i}" for i in range(SKILLS)], "max_epochs": 100, "parameters": 9})  # fmt: skip
        for step in range(1, steps + 1):
            record(run, step)
        with Store.open(path) as store:
            store.take_in()
            resources._open_store = lambda: store
            app = AppTest.from_function(_page, default_timeout=120)
            app.session_state["run_id"] = run.run_id
            for section in ("Losses", "Parameters", "Skills", "Gains over steps", "Events"):
                app.session_state["section"] = section
                times: list[dict[str, float]] = []
                for turn in range(TICKS + 1):
                    for _ in range(10):
                        steps += 1
                        record(run, steps)
                    store.take_in()
                    app.run()
                    assert not app.exception, app.exception
                    if turn:  # the first look at a section reads it whole
                        times.append(app.session_state["spent"])
                report(section, times)


def report(section: str, times: list[dict[str, float]]) -> None:
    """Print a section's ticks."""
    cpu = statistics.median(one.pop("cpu") for one in times)
    totals = sorted(sum(one.values()) for one in times)
    parts = ", ".join(f"{name} {statistics.median(one[name] for one in times):.0f}" for name in times[0])
    p95 = totals[round(0.95 * (len(totals) - 1))]
    print(
        f"{section}: median {statistics.median(totals):.0f} ms, p95 {p95:.0f} ms ({totals[0]:.0f} to {totals[-1]:.0f});"
        f" processor time {cpu:.0f} ms; medians: {parts}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def _page() -> None:
    import streamlit as st

    from tests.benchmarks.tick import tick

    st.session_state["spent"] = tick(st.session_state["run_id"], st.session_state["section"])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
