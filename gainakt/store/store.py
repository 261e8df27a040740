"""The store: one DuckDB file, one process that holds it, everything taken in from the runs' journals."""

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pandas as pd

from gainakt.errors import InputError, StoreBusy, check_may_write, in_words, read_only
from gainakt.store import annotations, snapshot, trash
from gainakt.store import connection as opening
from gainakt.store.entities import Run
from gainakt.store.inbox import RunFolder, runs_root
from gainakt.store.intake import Intake
from gainakt.store.reader import Reader

_LOG = logging.getLogger(__name__)
_CHECKPOINT_SECONDS = 300.0
_POLL_SECONDS = 0.05
_KEPT_ANSWERS = 64


class Store(Reader):
    """An open store; made by `Store.open` or `open_for_reading`, closed by `close` or as a context.

    `warnings` holds, in words for the user, what was damaged or could not be taken in since it was opened.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path | None, runs: Path | None, warnings: list[str]
    ) -> None:
        super().__init__(connection, path)
        self.runs_root = runs
        self.warnings = warnings
        self.read_only = False
        self._snapshot: Path | None = None
        self._lock = opening.write_lock(path)
        self._writer = connection.cursor()
        self._intake = Intake(self._writer, runs, warnings) if runs is not None else None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._checkpointed = time.monotonic()
        self._unsaved = False
        self.generation = 0
        """Grows with everything that is taken in: as long as it stands, the store gives the same answers."""
        self._looked_up: tuple[int, dict[str, Run]] = (0, {})
        self._asked: tuple[int, dict[Hashable, pd.DataFrame]] = (0, {})

    @classmethod
    def open(cls, path: str | Path, *, wait: float = 5.0, runs: str | Path | None = None) -> Self:
        """The store in file `path`, made when it is not there; ":memory:" works, with `runs` as its inbox if any.

        Raises StoreBusy with the holder's PID when another process still holds it after `wait` seconds, InputError when
        the file is no store, is damaged, or comes from a newer version.
        """
        if str(path) == ":memory:":
            return cls(opening.open_memory(), None, Path(runs) if runs is not None else None, [])
        check_may_write()
        file = Path(path)
        root = Path(runs) if runs is not None else runs_root(file)
        connection, warnings = opening.open_file(file, root, wait)
        trash.purge(root)
        return cls(connection, file, root, warnings)

    def take_in(self) -> int:
        """Take in what the runs' journals have new, and mark runs whose process died; the number of journal rows.

        All or nothing per transaction, each row once. A snapshot takes nothing in. Raises InputError when the disk is
        full: nothing is lost, the next call takes it in.
        """
        if self._intake is None or self.read_only:
            return 0
        with self._lock, self._in_plain_words():
            try:
                taken = self._intake.take_in()
            finally:
                self.generation += self._intake.written
                self._intake.written = 0
            self._unsaved |= bool(taken)
            self._checkpoint_when_due()
            return taken

    def run(self, run_id: str) -> Run:
        """The run with this id or the only one whose id starts so; raises InputError otherwise."""
        generation = self.generation
        if self._looked_up[0] != generation:
            self._looked_up = (generation, {})
        kept = self._looked_up[1]
        if run_id not in kept:
            kept[run_id] = super().run(run_id)
        return kept[run_id]

    def _frame(self, query: str, values: dict[str, Any]) -> pd.DataFrame:
        """What the query gives, kept until something is taken in: a page asks the same again at each redrawing."""
        generation, question = self.generation, (query, repr(values))
        if self._asked[0] != generation or len(self._asked[1]) >= _KEPT_ANSWERS:
            self._asked = (generation, {})
        kept = self._asked[1]
        if question not in kept:
            kept[question] = super()._frame(query, values)
        return kept[question].copy(deep=False)

    def serve_snapshots(self) -> int:
        """Answer the processes that wait for a snapshot of this store's file; how many there were."""
        if self.runs_root is None or self.path is None or self.read_only:
            return 0
        tokens = snapshot.requests(self.runs_root)
        if tokens:
            with self._lock:
                self.take_in()
                snapshot.serve(self._writer, self.runs_root, tokens)
        return len(tokens)

    def start_intake(self, interval: float = 0.5) -> None:
        """Take in and serve snapshots every `interval` seconds in a background thread, until `close`."""
        if self._thread is None and not self.read_only:
            self._thread = threading.Thread(target=self._keep_on, args=(interval,), name="store-intake", daemon=True)
            self._thread.start()

    def folder(self, run_id: str) -> RunFolder:
        """The folder of a known run (an id or its unique beginning); raises InputError when there is no such run."""
        run = self.run(run_id)
        if self.runs_root is None:
            raise InputError("a store in memory without an inbox has no run folders")
        folder = RunFolder(self.runs_root, run.run_id)
        if not folder.folder.is_dir():
            raise InputError(f"the folder of run {run.run_id} is gone from {self.runs_root}")
        return folder

    def annotate(self, run_id: str, changes: Mapping[str, Any], who: str = "user") -> None:
        """Write on a run: any of name, tags, notes (Markdown), favourite, archived; the rest stays.

        From a snapshot it shows once the holder took it in. Raises InputError for what is not allowed, and for a
        published record.
        """
        written = annotations.checked(changes)
        with self._own_folder(run_id) as folder:
            folder.append({"kind": "annotated", **written, "who": who})
        self.take_in()

    def delete(self, run_id: str, who: str = "user") -> None:
        """Move a run into the trash, where it is kept for 30 days; raises InputError for one that waits or trains."""
        with self._lock:
            self.take_in()
            run = self.run(run_id)
            if run.active:
                raise InputError(f"run {run.run_id} is {run.status}; stop it before you delete it")
            folder = self._own_folder(run.run_id)
            trash.discard(folder.folder.parent, run, who)
            self.take_in()

    def restore(self, run_id: str) -> str:
        """Put a run back from the trash, with all that was recorded and written on it; its id."""
        if self.runs_root is None:
            raise InputError("a store in memory without an inbox has no trash")
        restored = trash.restore(self.runs_root, run_id)
        self.take_in()
        return restored

    def deleted(self) -> list[trash.Deleted]:
        """The runs in the trash, the last deleted first."""
        return [] if self.runs_root is None else trash.deleted(self.runs_root)

    def _own_folder(self, run_id: str) -> RunFolder:
        if self.run(run_id).published:
            raise InputError(f"{run_id} is a published record; it cannot be changed")
        return self.folder(run_id)

    def copy_to(self, path: Path) -> None:
        """Write the whole store as it is now to a new file in the runs' folder, or beside a snapshot."""
        if self._snapshot is not None:
            shutil.copyfile(self._snapshot, path)
            return
        with self._lock, self._in_plain_words():
            snapshot.copy(self._writer, path)

    def close(self) -> None:
        """Stop the intake, save, and let the file go; a snapshot is removed."""
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=30)
        with self._lock, contextlib.suppress(duckdb.ConnectionException):  # closed before
            self._writer.close()
            self._connection.close()
        if self._snapshot is not None:
            self._snapshot.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @classmethod
    def _of_snapshot(cls, answer: Path, path: Path, root: Path) -> Self:
        try:
            store = cls(opening.open_snapshot(answer), path, root, [])
        except BaseException:
            answer.unlink(missing_ok=True)
            raise
        store.read_only = True
        store._snapshot = answer
        return store

    def _checkpoint_when_due(self) -> None:
        assert self._intake is not None
        late = self._unsaved and time.monotonic() - self._checkpointed > _CHECKPOINT_SECONDS
        if self.path is None or not (self._intake.run_ended or late):
            return
        try:
            self._writer.execute("CHECKPOINT")
        except duckdb.TransactionException:
            return  # a reader is in the way; the next intake tries again
        self._intake.run_ended = self._unsaved = False
        self._checkpointed = time.monotonic()

    def _keep_on(self, interval: float) -> None:
        trouble = ""
        while not self._closing.is_set():
            try:
                self.take_in()
                self.serve_snapshots()
                trouble = self._replace_warning(trouble, "")
            except Exception as error:  # the thread outlives a full disk; the warning stands until it has gone well
                message = f"Runs cannot be taken into the store, which is tried again: {in_words(error)}"
                if message != trouble:
                    _LOG.exception(message)
                    trouble = self._replace_warning(trouble, message)
            self._closing.wait(interval)

    def _replace_warning(self, old: str, new: str) -> str:
        if old in self.warnings:
            self.warnings.remove(old)
        if new:
            self.warnings.append(new)
        return new


def open_for_reading(path: str | Path, wait: float = 10.0) -> Store:
    """The store for reading, with all that runs have written until now: itself, or a snapshot from who holds it.

    A store that does not exist reads as an empty one; a visitor's process reads the journals alone. Raises StoreBusy
    with the holder's PID when it neither lets go nor answers within `wait` seconds, and what `Store.open` raises.
    """
    file = Path(path)
    root = runs_root(file)
    if str(path) == ":memory:" or not (file.exists() or root.exists()):
        return Store.open(":memory:")
    if read_only():  # opening the file may bring it to a newer schema, and takes in what is new
        store = Store.open(":memory:", runs=root)
        store.take_in()
        return store
    until = time.monotonic() + wait
    with contextlib.ExitStack() as stack:
        request: snapshot.SnapshotRequest | None = None
        while True:
            if request is not None and request.answered():
                request.taken = True
                return Store._of_snapshot(request.answer, file, root)
            try:
                store = Store.open(file, wait=0)
            except StoreBusy as error:
                if time.monotonic() >= until:
                    raise StoreBusy(f"{error}. It did not provide a read-only snapshot within {wait:g} s") from None
                request = request or stack.enter_context(snapshot.SnapshotRequest(root))
                time.sleep(_POLL_SECONDS)
                continue
            store.take_in()
            return store
