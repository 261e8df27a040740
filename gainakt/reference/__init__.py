"""The published records of the original study, as runs that the store takes in like any other, under fixed ids.

The figures live in records.json, as published; nothing here measures or fills in anything.
"""

import json
import os
import secrets
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gainakt.errors import read_only
from gainakt.store.inbox import RunFolder
from gainakt.store.lines import as_line

SOURCE = "the published analysis of run 970206"


@cache
def records() -> list[dict[str, Any]]:
    """The three records: run_id, name, config (what is stated), results by split, course over epochs, notes."""
    text = (files(__name__) / "records.json").read_text(encoding="utf-8")
    stated: list[dict[str, Any]] = json.loads(text)
    return stated


def place(root: Path) -> None:
    """Put the records' folders under `root`, a store's inbox, where they are not there yet or not whole.

    A visitor's process leaves them as they are.
    """
    if read_only():
        return
    for record in records():
        journal = RunFolder(root, record["run_id"]).journal
        whole = b"".join(as_line({"time": None, **row}) for row in _rows(record))
        there = journal.read_bytes() if journal.exists() else b""
        if len(there) < len(whole) and whole.startswith(there):
            journal.parent.mkdir(parents=True, exist_ok=True)
            _replace(journal, whole)


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place in one step, so that a kill or a second process leaves it as it was or whole."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _rows(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    unknown = dict.fromkeys(("device", "steps_per_epoch", "parameters"))
    data = {"name": "ASSISTments 2015 (published)", "source": SOURCE, "notes": record["notes"]}
    yield {
        "kind": "queued",
        "run_id": record["run_id"],
        "name": record["name"],
        "preset": "published",
        "config": record["config"],
    }
    yield {"kind": "started", "data": data, "max_epochs": record["epochs"], "versions": {}, "skills": [], **unknown}
    for point in record["course"]:
        epoch = point["epoch"]
        yield {
            "kind": "evaluated",
            "step": epoch,
            "epoch": epoch,
            "values": point["values"],
            "parameters": point["parameters"],
        }
    yield {
        "kind": "finished",
        "status": "finished",
        "reason": "; ".join(record["notes"]),
        "step": None,
        "epochs": record["epochs"],
        "best_epoch": record["best_epoch"],
        "results": record["results"],
        "skills": [],
    }
