"""The published records of the original study, as runs that the store takes in like any other, under fixed ids."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gainakt.store.inbox import RunFolder

SOURCE = "the published analysis of run 970206"


@cache
def records() -> list[dict[str, Any]]:
    """The three records: run_id, name, config (what is stated), results by split, course over epochs, notes."""
    told: list[dict[str, Any]] = json.loads((files(__name__) / "records.json").read_text(encoding="utf-8"))
    return told


def place(root: Path) -> None:
    """Put the records' folders under `root`, a store's inbox, where they are not yet."""
    for record in records():
        folder = RunFolder(root, record["run_id"])
        try:
            folder.folder.mkdir(parents=True)
        except FileExistsError:
            continue
        with folder:
            for row in _rows(record):
                folder.append({"time": None, **row})


def _rows(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    unknown = dict.fromkeys(("device", "steps_per_epoch", "parameters"))
    data = {"name": "ASSISTments 2015 (published)", "source": SOURCE, "notes": record["notes"]}
    yield {"kind": "queued", "run_id": record["run_id"], "name": record["name"], "preset": "published",
           "config": record["config"]}  # fmt: skip
    yield {"kind": "started", "data": data, "max_epochs": record["epochs"], "versions": {}, "skills": [], **unknown}
    for point in record["course"]:
        epoch = point["epoch"]
        yield {"kind": "evaluated", "step": epoch, "epoch": epoch, "values": point["values"],
               "parameters": point["parameters"]}  # fmt: skip
    yield {"kind": "finished", "status": "finished", "reason": "; ".join(record["notes"]), "step": None,
           "epochs": record["epochs"], "best_epoch": record["best_epoch"], "results": record["results"],
           "skills": []}  # fmt: skip
