"""The inbox: one folder per run with append-only files, written without the store and taken in by its holder.

`journal.jsonl` says what happened to the run, `control.jsonl` what is asked of it. Neither DuckDB nor torch is needed
to write or read them, so any process on any machine that sees the folder can train.

Any process of a machine may append to either file: a line is one `write` to a file opened for appending, which the
operating system never mixes with another. Only the training process writes how the training goes; a new name or the
result of a test (`renamed`, `tested`) may come from anyone at any time. `lines` says how a line is numbered and
checked.
"""

import re
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gainakt import __version__
from gainakt.errors import InputError, check_may_write, place_refused, quoted
from gainakt.store.lines import Appender, Lines, read
from gainakt.store.owner import this_process

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
READ_AT_MOST = 8 * 1024 * 1024


def beside(store: str | Path, what: str) -> Path:
    """The folder of this kind beside a store's file: `data/x.duckdb`, `runs` -> `data/x.runs`."""
    path = Path(store)
    if not path.name:
        raise InputError(f"{path} names no file; name the store's file, such as data/gainakt.duckdb")
    return path.with_name(f"{path.stem}.{what}")


def runs_root(store: str | Path) -> Path:
    """The folder beside a store's file that holds one folder per run: `data/x.duckdb` -> `data/x.runs`."""
    return beside(store, "runs")


class RunFolder:
    """One run's folder: its journal and its control channel; any process may append to either.

    Raises InputError for an id that is not of the form `20261124-231502-3fa9`; no other text becomes a path.
    """

    def __init__(self, root: str | Path, run_id: str) -> None:
        if not RUN_ID.fullmatch(run_id):
            raise InputError(f"{quoted(run_id)} is not a run id; ids look like 20261124-231502-3fa9")
        self.run_id = run_id
        self.folder = Path(root) / run_id
        self.journal = self.folder / "journal.jsonl"
        self.control = self.folder / "control.jsonl"
        self._appender: Appender | None = None

    @classmethod
    def create(
        cls, root: str | Path, *, name: str, preset: str, config: dict[str, Any], lineage: dict[str, Any] | None = None
    ) -> Self:
        """A new run's folder under `root`, owned by the calling process, with its first row, `queued`, written.

        `lineage` says what it comes from: `parent` and `step` of a branch, and what else tells it from its parent.
        """
        check_may_write()
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
        if self._appender is None:
            self._appender = Appender(self.journal)
        try:
            self._appender.write({"time": time.time(), **row})
        except OSError:
            self.close()
            raise

    def rows(self, offset: int, limit: int = READ_AT_MOST) -> tuple[list[dict[str, Any]], int]:
        """Journal rows in complete lines from byte `offset` on, and the offset to go on from.

        A last line without its end is left for later; a complete one that is no JSON object, or does not fit its
        checksum, comes back as `{"kind": "damaged", "line": ...}`; one that was there before is left out. Reads about
        `limit` bytes, so call again until the offset stands.
        """
        found = self.lines(offset, limit)
        return found.rows, found.end

    def lines(self, offset: int, limit: int = READ_AT_MOST) -> Lines:
        """As `rows`, with what is wrong with the lines."""
        return read(self.journal, offset, limit)

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
        found = read(self.control, offset, READ_AT_MOST)
        return found.rows, found.end

    def close(self) -> None:
        """Close the journal; a later `append` opens it again."""
        if self._appender is not None:
            self._appender.close()
            self._appender = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, row: dict[str, Any]) -> None:
        appender = Appender(self.control)
        try:
            appender.write({"time": time.time(), **row})
        finally:
            appender.close()
