"""A damaged store: what it is told by, keeping the file aside, building a new one from the runs' journals."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from gainakt.errors import InputError, StoreDamaged, StoreFull, check_may_write, disk_full, in_words

_TELLS = (duckdb.CatalogException, duckdb.FatalException, duckdb.InternalException)
"""The store's own queries name what every store has: where a table or column is missing, the file is not whole."""
_TELLING = ("Corrupt database", "checksum", "Failed to deserialize", "Could not read", "could not read")


def damaged(error: duckdb.Error) -> bool:
    """Whether DuckDB's error says that the file is damaged, rather than full, busy or out of reach."""
    if disk_full(error):
        return False
    text = str(error)
    missing = isinstance(error, duckdb.BinderException) and "not found in FROM" in text
    return isinstance(error, _TELLS) or missing or any(tell in text for tell in _TELLING)


def said(path: Path | None, error: duckdb.Error) -> Exception:
    """What to raise for an error of the database: in words where the disk or the file is at fault, else itself."""
    if disk_full(error):
        return StoreFull(f"the disk of {path} is full; make room on it, nothing of the runs is lost")
    return damage(path, error) if damaged(error) else error


def damage(path: Path | None, why: object) -> StoreDamaged:
    """The error for a damaged file."""
    text = str(why).splitlines()[0].rstrip(".") if str(why) else type(why).__name__
    return StoreDamaged(
        f"the store {path} is damaged: {text}. All of a run is in its journal: `python -m gainakt doctor --rebuild"
        f" --store {path}` builds a new store from the journals and keeps this file aside"
    )


@contextmanager
def in_plain_words(path: Path | None) -> Iterator[None]:
    """Turn errors of the database into what `said` makes of them."""
    try:
        yield
    except duckdb.Error as error:
        told = said(path, error)
        if told is error:
            raise
        raise told from error


def log_of(path: Path) -> Path:
    """The write-ahead log that DuckDB keeps beside a file."""
    return path.with_name(f"{path.name}.wal")


def stamped(path: Path) -> Path:
    """The name under which a damaged file is kept."""
    return path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}")


def rebuild(path: Path, runs: Path, wait: float = 5.0) -> tuple[int, Path | None]:
    """Build the store anew from the journals in `runs`; the number of runs in it, and where the old file is kept.

    The old file stays in place until the new one is whole: a rebuilding that breaks off changes nothing. Raises
    StoreBusy while another process holds the store.
    """
    from gainakt.store import connection
    from gainakt.store.store import Store

    check_may_write()
    if path.exists() and not runs.is_dir():
        raise InputError(
            f"there is no folder {runs} with the runs' journals to rebuild {path} from; nothing was changed"
        )
    held = connection.held(path, wait) if path.exists() else None
    fresh = path.with_name(f".{path.name}.rebuilding")
    try:
        for leftover in (fresh, log_of(fresh)):
            leftover.unlink(missing_ok=True)
        with Store.open(fresh, runs=runs) as store:
            store.take_in()
            count = len(store.runs(published=None))
        kept = None
        if path.exists():
            kept = stamped(path)
            if log_of(path).exists():
                log_of(path).rename(log_of(kept))
            path.rename(kept)
        fresh.rename(path)
    except OSError as error:
        raise InputError(f"the store {path} cannot be rebuilt: {in_words(error)}") from error
    finally:
        if held is not None:
            held.close()
    return count, kept
