"""Opening the store's file: the lock, a damaged write-ahead log, migrations, the lock-down of the connection."""

import logging
import re
import shutil
import threading
import time
from pathlib import Path

import duckdb

from gainakt.errors import InputError, StoreBusy
from gainakt.store import schema

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 0.1
_LOCKED = "Could not set lock on file"

_write_locks: dict[str, threading.RLock] = {}
_write_locks_guard = threading.Lock()


def write_lock(path: Path | None) -> threading.RLock:
    """The one lock for writing to a file, shared by all that open it in this process; a new one for memory."""
    if path is None:
        return threading.RLock()
    with _write_locks_guard:
        return _write_locks.setdefault(str(path.resolve()), threading.RLock())


def open_memory() -> duckdb.DuckDBPyConnection:
    """A migrated store in memory."""
    connection = duckdb.connect(":memory:")
    schema.migrate(connection, 0)
    _lock_down(connection, None)
    return connection


def open_file(path: Path, runs: Path, wait: float) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """The store's file opened read-write, migrated and locked down, and warnings for the user.

    Raises StoreBusy, naming the holder's PID, when another process still holds it after `wait` seconds, and
    InputError when the file is not a store, is damaged, or was written by a newer version.
    """
    runs.mkdir(parents=True, exist_ok=True)
    connection, warnings = _connect(path, wait)
    try:
        version = _version(connection, path)
        if 0 < version < len(schema.MIGRATIONS):
            connection.execute("CHECKPOINT")
            connection.close()  # closing a copy's handle on an open file would drop DuckDB's lock
            copy = path.with_name(f"{path.stem}.before-schema-{version + 1}.duckdb")
            shutil.copy2(path, copy)
            _warn(warnings, f"the store {path} was brought to schema {len(schema.MIGRATIONS)}; it is kept in {copy}")
            connection, more = _connect(path, wait)
            warnings += more
            version = _version(connection, path)
        if version < len(schema.MIGRATIONS):
            schema.migrate(connection, version)
            connection.execute("CHECKPOINT")
        _lock_down(connection, runs, temporary=path.with_name(f"{path.name}.tmp"))
    except BaseException:
        connection.close()
        raise
    return connection, warnings


def open_snapshot(path: Path) -> duckdb.DuckDBPyConnection:
    """A snapshot's file opened read-only and locked down."""
    connection = duckdb.connect(str(path), read_only=True)
    try:
        version = _version(connection, path)
        if version < len(schema.MIGRATIONS):
            raise InputError(f"the process that holds the store runs an older GainAKT (schema {version}); restart it")
        _lock_down(connection, None)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    try:
        version = schema.version(connection)
        schema.check_readable(version)
    except InputError as error:
        raise InputError(f"{path} {error}") from None
    return version


def _connect(path: Path, wait: float) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    until = time.monotonic() + wait
    while True:
        try:
            return duckdb.connect(str(path)), []
        except duckdb.Error as error:
            if _LOCKED not in str(error):
                return _without_damaged_log(path, error)
            if time.monotonic() >= until:
                raise busy(path, error) from None
        time.sleep(_RETRY_SECONDS)


def busy(path: Path, error: duckdb.Error) -> StoreBusy:
    """The error that says which process holds the store and what to do."""
    pid = re.search(r"\(PID (\d+)\)", str(error))
    holder = f"process {pid.group(1)}" if pid else "another process"
    return StoreBusy(
        f"the store {path} is held by {holder}, probably the dashboard or another command; wait for it, end it, or name"
        " another file with --store"
    )


def _without_damaged_log(path: Path, error: duckdb.Error) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    log = path.with_name(f"{path.name}.wal")
    if "WAL" not in str(error) or not log.exists():
        raise _unreadable(path, error) from None
    aside = path.with_name(f"{log.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}")
    log.rename(aside)
    try:
        connection = duckdb.connect(str(path))
    except duckdb.Error:
        aside.rename(log)
        raise _unreadable(path, error) from None
    warnings: list[str] = []
    _warn(
        warnings,
        f"the write-ahead log of {path} was damaged and is kept in {aside}; what it held is taken in again from the"
        f" runs' journals. DuckDB said: {_first_line(error)}",
    )
    return connection, warnings


def _unreadable(path: Path, error: duckdb.Error) -> InputError:
    return InputError(
        f"cannot open the store {path}: {_first_line(error)}. If it is damaged, move it aside: a new one is built from"
        " the runs' journals in the folder beside it"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _warn(warnings: list[str], text: str) -> None:
    _LOG.warning(text)
    warnings.append(text)


def _lock_down(connection: duckdb.DuckDBPyConnection, runs: Path | None, temporary: Path | None = None) -> None:
    """No extension, no file but the database and the runs' folder (for snapshots), no way back."""
    locked = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
    if locked and locked[0]:
        return  # another store object of this process has the same database open
    if temporary is not None:
        connection.execute(f"SET temp_directory = {_quoted(temporary)}")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    if runs is not None:
        connection.execute(f"SET allowed_directories = [{_quoted(runs.resolve())}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
