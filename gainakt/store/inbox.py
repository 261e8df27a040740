"""The inbox: one folder per run with append-only files, written without the store and taken in by its holder.

`journal.jsonl` says what happened to the run, `control.jsonl` what is asked of it. Neither DuckDB nor torch is needed
to write or read them, so any process on any machine that sees the folder can train.

Any process of a machine may append to either file: a line is one `write` to a file opened for appending, which the
operating system never mixes with another. Only the training process writes how the training goes; a new name or the
result of a test (`renamed`, `tested`) may come from anyone at any time.
"""

import errno
import json
import math
import os
import re
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gainakt import __version__
from gainakt.errors import InputError, place_refused
from gainakt.store.owner import this_process

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
READ_AT_MOST = 8 * 1024 * 1024
_SHOWN_OF_DAMAGED = 500


def runs_root(store: str | Path) -> Path:
    """The folder beside a store's file that holds one folder per run: `data/x.duckdb` -> `data/x.runs`."""
    path = Path(store)
    return path.with_name(f"{path.stem}.runs")


class RunFolder:
    """One run's folder: its journal and its control channel; any process may append to either.

    Raises InputError for an id that is not of the form `20261124-231502-3fa9`; no other text becomes a path.
    """

    def __init__(self, root: str | Path, run_id: str) -> None:
        if not RUN_ID.fullmatch(run_id):
            raise InputError(f"{run_id!r} is not a run id; ids look like 20261124-231502-3fa9")
        self.run_id = run_id
        self.folder = Path(root) / run_id
        self.journal = self.folder / "journal.jsonl"
        self.control = self.folder / "control.jsonl"
        self._handle: int | None = None

    @classmethod
    def create(
        cls, root: str | Path, *, name: str, preset: str, config: dict[str, Any], lineage: dict[str, Any] | None = None
    ) -> Self:
        """A new run's folder under `root`, owned by the calling process, with its first row, `queued`, written.

        `lineage` says what it comes from: `parent` and `step` of a branch, and what else tells it from its parent.
        """
        while True:
            run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
            created = cls(root, run_id)
            try:
                created.folder.mkdir(parents=True)
                break
            except FileExistsError:
                continue
            except OSError as error:
                raise place_refused("the folder of runs", root, error) from error
        row = {"kind": "queued", "run_id": run_id, "name": name, "preset": preset, "config": config}
        row |= {"lineage": lineage} if lineage else {}
        created.append({**row, **this_process(), "version": __version__})
        return created

    def append(self, row: dict[str, Any]) -> None:
        """Write one journal row with its `time` (unix seconds); numbers that are not finite become null.

        The line is with the operating system when this returns: killing the process does not lose it.
        """
        if self._handle is None:
            self._handle = _open_to_append(self.journal)
        try:
            _write_line(self._handle, {"time": time.time(), **row})
        except OSError:
            self.close()  # the next line starts by ending a torn one
            raise

    def rows(self, offset: int, limit: int = READ_AT_MOST) -> tuple[list[dict[str, Any]], int]:
        """Journal rows in complete lines from byte `offset` on, and the offset to go on from.

        A last line without its end is left for later; a complete one that is no JSON object comes back as
        `{"kind": "damaged", "line": ...}`. Reads about `limit` bytes, so call again until the offset stands.
        """
        return _complete_rows(self.journal, offset, limit)

    def request(self, field: str, value: Any, who: str) -> None:
        """Ask the run to change setting `field` (a dotted name) to `value` at its next step."""
        self._ask({"kind": "set", "field": field, "value": value, "who": who})

    def request_stop(self, who: str) -> None:
        """Ask the run to end after its current step, with everything saved."""
        self._ask({"kind": "stop", "who": who})

    def request_pause(self, who: str) -> None:
        """Ask the run to end after its current step with its state kept, to be resumed there."""
        self._ask({"kind": "pause", "who": who})

    def claim(self, who: str) -> int:
        """Take a run up again in this process; returns from where on requests are meant for it."""
        self.append({"kind": "resuming", "who": who, **this_process(), "version": __version__})
        return self.control.stat().st_size if self.control.exists() else 0

    def requests(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Requests from byte `offset` of the control channel on, and the new offset; one `stat` when none came."""
        return _complete_rows(self.control, offset, READ_AT_MOST)

    def close(self) -> None:
        """Close the journal; a later `append` opens it again."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, row: dict[str, Any]) -> None:
        handle = _open_to_append(self.control)
        try:
            _write_line(handle, {"time": time.time(), **row})
        finally:
            os.close(handle)


def _open_to_append(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    try:
        size = os.lseek(handle, 0, os.SEEK_END)
        if size:
            os.lseek(handle, size - 1, os.SEEK_SET)
            if os.read(handle, 1) != b"\n":
                os.write(handle, b"\n")
    except OSError:
        os.close(handle)
        raise
    return handle


def _write_line(handle: int, row: dict[str, Any]) -> None:
    line = as_line(row)
    written = os.write(handle, line)  # one call: lines of several writers do not mix
    if written != len(line):
        raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes of a row were written")


def as_line(row: dict[str, Any]) -> bytes:
    """The row as a line of a journal; numbers that are not finite become null."""
    try:
        text = json.dumps(row, allow_nan=False, ensure_ascii=True)
    except (ValueError, TypeError):
        text = json.dumps(plain(row), allow_nan=False, ensure_ascii=True)
    return text.encode("ascii") + b"\n"


def plain(value: Any) -> Any:
    """The value as JSON knows it: array scalars as Python's, keys as text, not finite numbers as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if hasattr(value, "tolist"):  # NumPy's and torch's, without importing either
        return plain(value.tolist())
    raise TypeError(f"a journal row holds a {type(value).__name__}, which JSON cannot carry: {value!r}")


def _complete_rows(path: Path, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    try:
        size = os.stat(path).st_size
    except FileNotFoundError:
        return [], offset
    if size <= offset:
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(limit)
        if b"\n" not in data:
            data += file.readline()  # one line longer than the limit
    complete = data[: data.rfind(b"\n") + 1]
    return [_parsed(line) for line in complete.split(b"\n") if line.strip()], offset + len(complete)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if isinstance(row, dict) and isinstance(row.get("kind"), str):
        return row
    return {"kind": "damaged", "line": line[:_SHOWN_OF_DAMAGED].decode("utf-8", "replace")}
