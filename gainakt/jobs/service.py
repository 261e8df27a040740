"""Training as a job: `execute` runs one in this process, `Service` several in turns, each in a thread of its own.

torch is imported when the first job starts. A job writes its run's folder only; the store takes it in from there.
"""

import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gainakt.config import Config
from gainakt.errors import InputError, check_may_write, in_words
from gainakt.jobs.lineage import FRESH, Beginning, requests
from gainakt.jobs.processes import dismiss, leading
from gainakt.jobs.turns import Turn, Turns
from gainakt.store import RunFolder

OnEvent = Callable[[dict[str, Any]], None]
RETRY_SECONDS = 5.0
"""How often it is tried to write a run's end that could not be written."""


def queue_run(root: Path, config: Config, *, name: str, preset: str) -> RunFolder:
    """A new run's folder under `root`, registered as queued by this process."""
    return RunFolder.create(root, name=name, preset=preset, config=config.model_dump())


def execute(
    folder: RunFolder, config: Config, on_event: OnEvent | None = None, begin: Beginning = FRESH
) -> dict[str, Any]:
    """Train a queued run to its end, whatever that is; returns its last journal row: finished, paused or failed.

    Where that row could not be written, it says why as `unwritten`. What is no Exception (Ctrl-C) is recorded as well,
    then raised.
    """
    row: dict[str, Any] = {"kind": "queued", "step": 0}
    try:
        if (stop := _stop_while_queued(folder, begin)) is not None:
            row = _never_started(str(stop.get("who")))
            folder.append(row)
            dismiss()
            return row
        from gainakt.datasets.load import load
        from gainakt.training import state
        from gainakt.training.loop import train

        start = None if begin.source is None else state.read(begin.source, begin.step)
        asked = requests(folder, begin, 1 if start is None else start.step + 1)
        with leading(config, begin):
            for event in train(config, load(config.data), asked, folder.folder, start):
                row = event.as_row()
                folder.append(row)
                for again in begin.restated if row["kind"] == "resumed" else ():
                    folder.append({name: value for name, value in again.items() if name != "time"})
                if on_event:
                    on_event(row)
    except BaseException as error:  # the job's boundary: whatever broke is recorded, the next job is not affected
        row = _record_failure(folder, row.get("step", 0), error)
        if not isinstance(error, Exception):
            raise
    finally:
        folder.close()
    return row


def _stop_while_queued(folder: RunFolder, begin: Beginning) -> dict[str, Any] | None:
    """The request to stop that came before the start, if any; requests stay where the training reads them."""
    rows, _ = folder.requests(begin.control)
    return next((row for row in rows if row["kind"] == "stop"), None) if begin.step is None else None


def _never_started(who: str) -> dict[str, Any]:
    return {
        "kind": "finished",
        "status": "stopped",
        "reason": f"stopped by {who} before it started",
        "step": 0,
        "epochs": 0,
        "best_epoch": {},
        "seconds": 0.0,
        "train_interactions_per_second": None,
        "results": {},
        "skills": [],
    }


def _record_failure(folder: RunFolder, step: int | None, error: BaseException) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": "failed",
        "step": step,
        "error": in_words(error),
        "traceback": traceback.format_exc(),
        "bad_input": isinstance(error, InputError),
    }
    try:
        folder.append(row)
    except OSError as second:  # the disk that is full may be what broke the run
        row |= {"time": time.time(), "unwritten": in_words(second)}
    return row


class Service:
    """The trainings of this process, one at a time, first come, first served; jobs take turns with them."""

    def __init__(self, root: Path):
        self.root = root
        self.turns = Turns()
        self._problems: dict[str, str] = {}

    @property
    def problems(self) -> list[str]:
        """What is wrong just now, in words for the user: runs whose end could not be written yet."""
        return list(self._problems.values())

    def submit(self, config: Config, *, name: str, preset: str) -> str:
        """Queue a training and return its run id at once."""
        return self.start(queue_run(self.root, config, name=name, preset=preset), config)

    def start(self, folder: RunFolder, config: Config, begin: Beginning = FRESH) -> str:
        """Queue the training of a run that has its folder, from where it begins; returns its id at once."""
        check_may_write()
        turn = Turn("training", folder.run_id, training=True)
        try:
            self.turns.start(turn, lambda: self._train(turn, folder, config, begin))
        except RuntimeError as error:
            _record_failure(folder, 0, error)
            raise
        return folder.run_id

    def running(self) -> Turn | None:
        """The training or job that computes now."""
        return self.turns.running()

    def waiting(self) -> list[Turn]:
        """Trainings and jobs that wait, in the order in which they will go as things stand."""
        return self.turns.waiting()

    def wait(self) -> None:
        """Return when every submitted training and job has ended."""
        self.turns.wait()

    def _train(self, turn: Turn, folder: RunFolder, config: Config, begin: Beginning) -> None:
        with self.turns.held(turn):
            row = execute(folder, config, begin=begin)
        if why := row.pop("unwritten", ""):
            self._problems[folder.run_id] = f"Run {folder.run_id} has failed, which cannot be written yet: {why}"
            threading.Thread(target=self._write_later, args=(folder, row), name="write later", daemon=True).start()

    def _write_later(self, folder: RunFolder, row: dict[str, Any]) -> None:
        """Write a run's end as soon as the disk takes it: until then the store has it as running."""
        while folder.folder.exists():
            time.sleep(RETRY_SECONDS)
            try:
                folder.append(row)
                folder.close()
                break
            except OSError:
                continue
        del self._problems[folder.run_id]


def steer(root: Path, run_id: str, field: str, value: Any, who: str) -> None:
    """Ask a run, in whichever process it trains, to change a live setting at its next step."""
    RunFolder(root, run_id).request(field, value, who)


def stop(root: Path, run_id: str, who: str) -> None:
    """Ask a run, in whichever process it trains, to end after its current step with everything saved."""
    RunFolder(root, run_id).request_stop(who)


def pause(root: Path, run_id: str, who: str) -> None:
    """Ask a run, in whichever process it trains, to end after its current step with its state kept."""
    RunFolder(root, run_id).request_pause(who)
