"""Training as a job: `execute` runs one in this process, `Service` runs one after another in a thread.

torch is imported when the first job starts. A job writes its run's folder only; the store takes it in from there.
"""

import queue
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gainakt.config import Config
from gainakt.errors import InputError, RunFailed
from gainakt.store import RunFolder

OnEvent = Callable[[dict[str, Any]], None]


def queue_run(root: Path, config: Config, *, name: str, preset: str) -> RunFolder:
    """A new run's folder under `root`, registered as queued by this process."""
    return RunFolder.create(root, name=name, preset=preset, config=config.model_dump())


def execute(folder: RunFolder, config: Config, on_event: OnEvent | None = None) -> dict[str, Any]:
    """Train a queued run to its end, whatever that is, and return its last journal row (`finished` or `failed`)."""
    row: dict[str, Any] = {"kind": "queued", "step": 0}
    asked = _requests(folder)
    try:
        if waiting := [request for request in asked() if request["kind"] == "stop"]:
            row = _never_started(waiting[0]["who"])
            folder.append(row)
            return row
        from gainakt.datasets.load import load
        from gainakt.training.loop import train

        for event in train(config, load(config.data), asked, folder.folder):
            row = event.as_row()
            folder.append(row)
            if on_event:
                on_event(row)
    except Exception as error:  # the job's boundary: whatever broke is recorded, the next job is not affected
        row = {
            "kind": "failed", "step": row.get("step", 0), "error": _said(error), "traceback": traceback.format_exc(),
            "bad_input": isinstance(error, InputError),
        }  # fmt: skip
        folder.append(row)
    finally:
        folder.close()
    return row


def _requests(folder: RunFolder) -> Callable[[], list[dict[str, Any]]]:
    offset = 0

    def since_last() -> list[dict[str, Any]]:
        nonlocal offset
        rows, offset = folder.requests(offset)
        return [row for row in rows if row["kind"] in ("set", "stop")]

    return since_last


def _never_started(who: str) -> dict[str, Any]:
    return {
        "kind": "finished", "status": "stopped", "reason": f"stopped by {who} before it started", "step": 0,
        "epochs": 0, "best_epoch": {}, "seconds": 0.0, "train_interactions_per_second": None, "results": {},
        "skills": [],
    }  # fmt: skip


def _said(error: Exception) -> str:
    if isinstance(error, InputError | RunFailed):
        return str(error)
    return f"{type(error).__name__}: {error}"


class Service:
    """One background training at a time in this process, first come, first served."""

    def __init__(self, root: Path):
        self.root = root
        self._waiting: queue.Queue[Callable[[], object]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, config: Config, *, name: str, preset: str) -> str:
        """Queue a training and return its run id at once."""
        folder = queue_run(self.root, config, name=name, preset=preset)
        self.queue(lambda: execute(folder, config))
        return folder.run_id

    def queue(self, work: Callable[[], object]) -> None:
        """Do `work` behind the trainings that wait; it has to keep its own errors."""
        self._waiting.put(work)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="training", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            self._waiting.get()()
            self._waiting.task_done()

    def wait(self) -> None:
        """Return when every submitted training has ended."""
        self._waiting.join()


def steer(root: Path, run_id: str, field: str, value: Any, who: str) -> None:
    """Ask a run, in whichever process it trains, to change a live setting at its next step."""
    RunFolder(root, run_id).request(field, value, who)


def stop(root: Path, run_id: str, who: str) -> None:
    """Ask a run, in whichever process it trains, to end after its current step with everything saved."""
    RunFolder(root, run_id).request_stop(who)
