"""What the tests of pages share: the list of pages, stores to draw, a page drawn and what it says."""

import os
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from gainakt.config import changed
from gainakt.config.presets import preset
from gainakt.store import RunFolder, runs_root
from gainakt.ui import frame
from tests.journals import rewrite

ROOT = Path(__file__).resolve().parents[1]
PAGES = tuple(script for script, _, _ in frame.PAGES)
_NOT_ABOUT_RUNS = ("Data", "Skills", "Study", "Benchmark", "Sweep")
ABOUT_RUNS = tuple(page for page in PAGES if not any(name in page for name in _NOT_ABOUT_RUNS))
"""The pages that show runs."""
QUANTILES = [round(0.1 + i / 200, 3) for i in range(101)]
GONE = {"pid": 2**22 + 1, "pid_started": 1.0, "host": os.uname().nodename}  # no process has this PID
METRICS = {"encoder1_auc": 0.7, "encoder2_auc": 0.65, "gain_std": 0.12}


def draw(page: str, **query: str) -> AppTest:
    """The page at this address, without an exception."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if page != "app.py":
        app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    """All that the page says in its elements of text."""
    elements = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.info, *app.warning, *app.error]
    return "\n".join(str(element.value) for element in elements)


def queue(store: Path, name: str = "a run", **changes: Any) -> RunFolder:
    """A run of this process that waits for its turn."""
    config = changed(preset("without-level"), changes).model_dump()
    return RunFolder.create(runs_root(store), name=name, preset="corrected", config=config)


def write_run(
    store: Path, name: str = "a run", end: str = "running", results: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A run of three skills with everything that a page shows, ended as asked; its id."""
    folder = queue(store, name, **changes)
    data = {"name": "demo", "fingerprint": "f", "students": 30, "split": {"train": {"students": 20}}, "warnings": []}
    folder.append({"kind": "started", "device": "cpu", "versions": {"gainakt": "0"}, "data": data,
                   "skills": ["adding", "<b>bold</b>", "last"], "steps_per_epoch": 10, "max_epochs": 4,
                   "parameters": 99})  # fmt: skip
    parameters = {name: {"mean": 1.0, "std": 0.1, "quantiles": QUANTILES}
                  for name in ("beta", "threshold", "gamma", "saturation")}  # fmt: skip
    for epoch in (1, 2):
        for step in range(10 * epoch - 9, 10 * epoch + 1):
            folder.append({"kind": "step", "step": step, "epoch": epoch, "values": {
                "loss.total": 1 / step, "loss.bce": 0.6, "loss.im": 0.7, "gain_std": 0.01 * step,
                "interactions_per_second": 1000.0}})  # fmt: skip
        for split in ("train", "validation"):
            folder.append({"kind": "gains", "step": 10 * epoch, "epoch": epoch, "split": split,
                           "counts": [5] * 50, "skills": {"0": [2] * 20, "1": [3] * 20}})  # fmt: skip
        values = {
            f"{split}.{name}": value for split in ("validation", "train_running") for name, value in METRICS.items()
        }
        folder.append({"kind": "evaluated", "step": 10 * epoch, "epoch": epoch, "values": values,
                       "parameters": parameters})  # fmt: skip
    folder.append({"kind": "checkpointed", "step": 20, "epoch": 2, "encoder": "encoder2", "auc": 0.65, "file": "e2",
                   "sha256": "0"})  # fmt: skip
    folder.append({"kind": "changed", "step": 12, "epoch": 2, "field": "weights.variance", "old": 0.0, "new": 50.0,
                   "who": "tests"})  # fmt: skip
    if end in ("finished", "stopped"):
        skill = {"interactions": 9, "effective_rate": 0.3, "mean_gain": 0.1, "m_sat": 0.8, "beta": 4.0,
                 "threshold": 0.2, "offset": None}  # fmt: skip
        folder.append({"kind": "finished", "status": end, "reason": "all epochs done", "step": 20, "epochs": 2,
                       "best_epoch": {"encoder1": 2, "encoder2": 2}, "seconds": 3.0,
                       "train_interactions_per_second": 1000.0,
                       "results": results or {"test": METRICS, "validation": METRICS},
                       "skills": [{"skill": "adding", **skill}]})  # fmt: skip
    elif end == "failed":
        folder.append(
            {"kind": "failed", "step": 20, "error": "Encoder 2's loss is not finite", "traceback": "Traceback"}
        )
    elif end == "interrupted":
        queued, *rest = folder.rows(0)[0]
        rewrite(folder, [queued | GONE, *rest])
    folder.close()
    return folder.run_id
