"""Whether a store and its runs' folders are sound: each finding says what, how it is, and what to do."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gainakt.errors import InputError, StoreBusy, in_words, read_only
from gainakt.store.inbox import RUN_ID, RunFolder, runs_root
from gainakt.store.store import Store, open_for_reading

GOOD, BAD = "good", "bad"
_LEAST_FREE = 1024**3
"""Bytes; a disk with less is soon full: a run of usual size keeps up to a hundred megabytes."""
_NAMED = 3
_DESCRIBED = {"checkpoints": "encoder?.json", "predictions": "predictions.json", "states": "states/step-*.json"}


@dataclass(frozen=True)
class Finding:
    """What was looked at, `good` or `bad`, what was found, and what to do about it."""

    about: str
    state: str
    says: str
    do: str = ""


def findings(path: Path, opened: Store | None = None) -> list[Finding]:
    """All findings on a store; `opened` is the store where this process has it open."""
    root = runs_root(path)
    folders = [RunFolder(root, place.name) for place in sorted(root.glob("*")) if RUN_ID.fullmatch(place.name)]
    found = [*_of_store(path, opened), _of_journals(folders), _of_weights(folders), _of_disk(path)]
    kept = [place.name for place in path.parent.glob(f"{path.name}*.damaged-*")] if path.parent.is_dir() else []
    if kept:
        found.append(Finding("kept aside", GOOD, ", ".join(sorted(kept)), "delete them once nothing is missed"))
    return found


def _of_store(path: Path, opened: Store | None) -> Iterator[Finding]:
    if read_only():
        yield Finding("store", GOOD, "not looked at: visitors read the journals")
        return
    holder = "this process" if opened is not None else ""
    if opened is None:
        try:
            if path.exists():
                Store.open(path, wait=0).close()
        except StoreBusy as error:
            holder = in_words(error).partition(" is held by ")[2].partition(",")[0]
        except InputError:
            pass  # the reading below says so
    try:
        if opened is not None:
            yield _whole(path, opened)
        else:
            with open_for_reading(path) as reading:
                yield _whole(path, reading)
    except (InputError, StoreBusy) as error:
        rebuild = f"python -m gainakt doctor --rebuild --store {path}"
        yield Finding("store", BAD, in_words(error), rebuild if isinstance(error, InputError) else "")
    yield Finding("held by", GOOD, holder or "nobody")


def _whole(path: Path, store: Store) -> Finding:
    """Read every row of every table; the database checks each block by its checksum as it is read."""
    names = [name for (name,) in store._rows("SELECT table_name FROM duckdb_tables() WHERE NOT internal", {})]
    rows = {name: int(store._rows(f'SELECT count(*), sum(hash(t)) FROM "{name}" t', {})[0][0]) for name in names}
    if not path.exists():
        return Finding("store", GOOD, f"{path} is not there yet; it is made with the first run")
    size = path.stat().st_size / 1024**2
    return Finding("store", GOOD, f"{path}: {rows.get('runs', 0)} runs, {sum(rows.values()):,} rows, {size:.1f} MB")


def _of_journals(folders: list[RunFolder]) -> Finding:
    rows, bad = 0, []
    for folder in folders:
        count, faults = _journal(folder)
        rows += count
        if faults:
            bad.append(f"{folder.run_id}: {_some(faults)}")
    if not bad:
        return Finding("journals", GOOD, f"{len(folders)} runs, {rows:,} rows, all numbered and whole")
    advice = "what is damaged is left out of the store; a backup may have the journal whole"
    return Finding("journals", BAD, "; ".join(bad), advice)


def _journal(folder: RunFolder) -> tuple[int, list[str]]:
    faults: list[str] = []
    count = offset = 0
    try:
        while (part := folder.lines(offset)).end > offset:
            count, offset, faults = count + len(part.rows), part.end, faults + part.faults
        if folder.journal.stat().st_size > offset:
            faults.append("its last line has no end")
    except OSError as error:
        faults.append(in_words(error))
    return count, faults


def _of_weights(folders: list[RunFolder]) -> Finding:
    """Checkpoints, predictions and states against the SHA-256 in their descriptions."""
    counts, bad = Counter[str](), []
    for folder in folders:
        for kind, pattern in _DESCRIBED.items():
            for described in folder.folder.glob(pattern):
                counts[kind] += 1
                if problem := _unlike(described):
                    bad.append(f"{folder.run_id}: {problem}")
    if bad:
        return Finding("weights", BAD, _some(bad), "restore them from a backup, or train the run again")
    listed = ", ".join(f"{counts[kind]} {kind}" for kind in _DESCRIBED)
    return Finding("weights", GOOD, f"{listed}: all as recorded")


def _unlike(described: Path) -> str:
    try:
        about = json.loads(described.read_bytes())
        file = described.with_name(Path(about.get("file") or f"{described.stem}.safetensors").name)
        with file.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() == about["sha256"]:
                return ""
        return f"{file.name} is not what was saved"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{described.name}: {in_words(error)}"


def _of_disk(path: Path) -> Finding:
    place = next(place for place in path.absolute().parents if place.exists())
    free = shutil.disk_usage(place).free
    says = f"{free / 1024**3:.1f} GB free at {place}"
    return Finding("disk", GOOD, says) if free > _LEAST_FREE else Finding("disk", BAD, says, "make room on it")


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return "; ".join(texts[:_NAMED]) + more
