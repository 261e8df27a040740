"""Deleted runs: their folders lie in `trash` below the runs' folder for 30 days and can be put back until then.

Moving the folder is all that deleting does, so any process may do it; who holds the store forgets the run at its next
intake, and takes it in anew once it is back.
"""

import contextlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from gainakt.errors import InputError, check_may_write, quoted
from gainakt.store.entities import Run
from gainakt.store.inbox import RUN_ID, RunFolder
from gainakt.store.values import moment_of, text

FOLDER = "trash"
KEPT_DAYS = 30
_ABOUT = "deleted.json"
_TABLES = ("series", "events", "histograms", "parameters", "metrics", "skills", "extremes", "runs")


@dataclass(frozen=True)
class Deleted:
    """A run in the trash: what it was when it was deleted, and when that was (unix seconds)."""

    run_id: str
    name: str
    status: str
    data: str | None
    created: float | None
    deleted: float
    who: str

    @property
    def days_left(self) -> int:
        """Whole days until its folder is removed at the next start."""
        return max(0, int(KEPT_DAYS - (time.time() - self.deleted) / 86400))


def discard(root: Path, run: Run, who: str) -> None:
    """Move a run's folder into the trash; a copy of the same run that lies there is replaced."""
    check_may_write()
    folder = RunFolder(root, run.run_id).folder
    about = {"name": run.name, "status": run.status, "data": run.data_name, "created": run.created}
    (folder / _ABOUT).write_text(json.dumps({**about, "deleted": time.time(), "who": who}), encoding="utf-8")
    place = root / FOLDER / run.run_id
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    folder.rename(place)


def restore(root: Path, run_id: str) -> str:
    """Put back a deleted run, given by its id or its only beginning; its id.

    Raises InputError where it is not in the trash, or there is such a run already.
    """
    check_may_write()
    meant = [name for name in _names(root) if run_id and name.startswith(run_id)]
    if len(meant) != 1:
        why = f"is ambiguous: {', '.join(sorted(meant)[:5])}" if meant else "is not in the trash"
        raise InputError(f"run {quoted(run_id)} {why}; `python -m gainakt runs --trash` lists what is in it")
    folder = RunFolder(root, meant[0]).folder
    if folder.exists():
        raise InputError(f"run {meant[0]} is there already; what lies in the trash is an older copy of it")
    (root / FOLDER / meant[0]).rename(folder)
    (folder / _ABOUT).unlink(missing_ok=True)
    return meant[0]


def deleted(root: Path) -> list[Deleted]:
    """The runs in the trash, the last deleted first."""
    found = [one for name in _names(root) if (one := _about(root / FOLDER / name)) is not None]
    return sorted(found, key=lambda one: -one.deleted)


def purge(root: Path) -> None:
    """Remove for good what has been in the trash for 30 days."""
    for one in deleted(root):
        if time.time() - one.deleted > KEPT_DAYS * 86400:
            shutil.rmtree(root / FOLDER / one.run_id, ignore_errors=True)


def forget(connection: duckdb.DuckDBPyConnection, root: Path) -> int:
    """Take the runs whose folders lie in the trash out of the store; how many there were."""
    gone = [name for name in _names(root) if not (root / name).exists()]
    if not gone:
        return 0
    known = connection.execute("SELECT run_id FROM runs WHERE list_contains(?, run_id)", [gone]).fetchall()
    if not known:
        return 0
    ids = [run_id for (run_id,) in known]
    connection.execute("BEGIN")
    try:
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table} WHERE list_contains(?, run_id)", [ids])
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
    return len(ids)


def _names(root: Path) -> list[str]:
    with contextlib.suppress(OSError), os.scandir(root / FOLDER) as entries:
        return [one.name for one in entries if RUN_ID.fullmatch(one.name) and one.is_dir(follow_symlinks=False)]
    return []


def _about(folder: Path) -> Deleted | None:
    """What is known of a folder in the trash; None where it was not put there by `discard`."""
    try:
        about: dict[str, Any] = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        deleted = moment_of(about["deleted"])
        if deleted is None:
            return None
        return Deleted(
            run_id=folder.name,
            name=str(text(about["name"])),
            status=str(about["status"]),
            data=text(about.get("data")),
            created=moment_of(about.get("created")),
            deleted=deleted,
            who=str(about.get("who")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
