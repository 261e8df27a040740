"""Opening the store's file: the lock, a damaged write-ahead log, migrations, the lock-down of the connection."""

import functools
import logging
import re
import shutil
import stat
import threading
import time
from pathlib import Path

import duckdb

from gainakt.errors import InputError, StoreBusy, disk_full, place_refused
from gainakt.store import schema
from gainakt.store.damage import damage, in_plain_words, log_of, stamped

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 0.1
_LOCKED = "Could not set lock on file"
_NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""From the first moment on: opening another program's file must not make DuckDB fetch what reads it."""
_SQLITE, _DUCKDB = b"SQLite format 3", b"DUCK"

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
    connection = duckdb.connect(":memory:", config=_NO_EXTENSIONS)
    schema.migrate(connection, 0)
    _lock_down(connection, None)
    return connection


def open_file(path: Path, runs: Path, wait: float) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """The store's file opened read-write, migrated and locked down, and warnings for the user.

    Raises StoreBusy, naming the holder's PID, when another process still holds it after `wait` seconds, StoreDamaged
    when it can only be rebuilt, and InputError when the file is not a store, or was written by a newer version.
    """
    _check_place(path, runs)
    with in_plain_words(path):
        return _opened(path, runs, wait)


def held(path: Path, wait: float) -> duckdb.DuckDBPyConnection | None:
    """The file held as it is, so that no other process opens it; None where it is too damaged to be opened by anyone.

    Raises StoreBusy as `open_file` does.
    """
    try:
        return _connected(path, wait)
    except duckdb.Error:
        return None


def _check_place(path: Path, runs: Path) -> None:
    """Raise InputError where there cannot be a store: another kind of file, or a place that cannot be written."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise place_refused("the folder of runs", runs, error) from None
    try:
        there = path.exists()
        regular = there and stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise place_refused("the store", path, error) from None
    if there and not regular:  # opening a pipe would wait for ever
        raise InputError(f"{path} is no file but a folder, a pipe or a device; name a file with --store")


def _opened(path: Path, runs: Path, wait: float) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
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
        _check_whole(connection, path)
        _lock_down(connection, runs, temporary=path.with_name(f"{path.name}.tmp"))
    except BaseException:
        connection.close()
        raise
    return connection, warnings


def open_snapshot(path: Path) -> duckdb.DuckDBPyConnection:
    """A snapshot's file opened read-only and locked down."""
    connection = duckdb.connect(str(path.absolute()), read_only=True, config=_NO_EXTENSIONS)
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


@functools.cache
def _layout(_migrations: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Table and column of all that a store has after the migrations."""
    with open_memory() as connection:
        return frozenset(_columns(connection))


def _columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()


def _check_whole(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise StoreDamaged where a table or a column is missing: no intake could ever write to it."""
    there = set(_columns(connection))
    missing = sorted({f"{table}.{column}" if table in {name for name, _ in there} else table
                      for table, column in _layout(schema.MIGRATIONS) - there})  # fmt: skip
    if missing:
        raise damage(path, f"it lacks {', '.join(missing)}")


def _connected(path: Path, wait: float) -> duckdb.DuckDBPyConnection:
    """The file opened; by its absolute path, since a name such as `md:x` means something to DuckDB."""
    until = time.monotonic() + wait
    while True:
        try:
            return duckdb.connect(str(path.absolute()), config=_NO_EXTENSIONS)
        except duckdb.Error as error:
            if _LOCKED not in str(error):
                raise
            if time.monotonic() >= until:
                raise busy(path, error) from None
        time.sleep(_RETRY_SECONDS)


def _connect(path: Path, wait: float) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    before = path.exists()
    if before and not path.stat().st_size:
        path.unlink()  # left by a process that ended as it made the file; DuckDB takes it for another program's
    try:
        return _connected(path, wait), []
    except duckdb.Error as error:
        if not before:
            path.unlink(missing_ok=True)  # on a full disk it is made, but stays empty
        if disk_full(error) or not path.exists():
            raise
        return _without_damaged_log(path, error)


def busy(path: Path, error: duckdb.Error) -> StoreBusy:
    """The error that says which process holds the store and what to do."""
    pid = re.search(r"\(PID (\d+)\)", str(error))
    holder = f"process {pid.group(1)}" if pid else "another process"
    return StoreBusy(
        f"the store {path} is held by {holder}, probably the dashboard or another command; wait for it, end it, or name"
        " another file with --store"
    )


def _without_damaged_log(path: Path, error: duckdb.Error) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    log = log_of(path)
    if "WAL" not in str(error) or not log.exists():
        raise _unreadable(path, error) from None
    aside = stamped(log)
    log.rename(aside)
    try:
        connection = _connected(path, 0.0)
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


def _unreadable(path: Path, error: duckdb.Error) -> Exception:
    """What to raise where DuckDB does not open the file; nobody in this process has it open then."""
    try:
        with path.open("r+b") as file:
            start = file.read(16)
    except OSError as refused:
        return place_refused("the store", path, refused)
    if start[8:12] == _DUCKDB:
        return damage(path, error)
    kind = "an SQLite file" if start.startswith(_SQLITE) else "not a DuckDB file"
    return InputError(
        f"cannot open the store {path}: it is {kind}. Name another file with --store; if it was a store and is damaged,"
        f" `python -m gainakt doctor --rebuild --store {path}` keeps it aside and builds a new one"
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
    if runs is not None:
        connection.execute(f"SET allowed_directories = [{_quoted(runs.resolve())}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
