"""Runs as one file that another installation opens: a zip of run folders with the SHA-256 of every file.

The store is built from the run folders, so to import is to check the files and put the folders beside the store; the
intake does the rest. What comes in is a stranger's: no path that the file chose is used, nothing is unpickled.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gainakt import __version__
from gainakt.errors import DAMAGED_ZIP, InputError, check_may_write
from gainakt.store.entities import PUBLISHED, Run
from gainakt.store.inbox import RUN_ID, RunFolder

FORMAT = 1
MANIFEST = "manifest.json"
_FILE = re.compile(r"(?:states/)?[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(?:jsonl|json|safetensors|parquet)")
"""What a run's folder holds that travels: no temporary file, no lock, nothing that would have to be unpickled."""
_STATE = re.compile(r"states/step-([0-9]{1,18})\.(?:json|safetensors)")
_MOST_MANIFEST = 64 * 1024 * 1024
_MOST_TIMES = 200
"""A file may unpack to this many times its size, and as much again as `_ALWAYS`; journals reach about 20 times."""
_ALWAYS = 64 * 1024 * 1024
_CHUNK = 1 << 20
_ARRIVING = ".import-"
_LEAVING = ".gainakt-export-"
_LEFTOVER_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Imported:
    """What became of one run of a file: `imported`, `there already` or `refused`, and why."""

    run_id: str
    name: str
    outcome: str
    why: str = ""


def export_runs(root: Path, runs: Iterable[Run], to: Path, states: bool = False) -> list[str]:
    """Write runs as one file and return their ids; raises InputError where one cannot travel.

    Of the kept states, which are most of a folder, only those go along that a run is resumed or repeated from, unless
    `states` asks for all.
    """
    chosen = list({run.run_id: run for run in runs}.values())
    if not chosen:
        raise InputError("no run to export; name at least one")
    remove_leftovers(to.parent, _LEAVING)
    part = to.with_name(f"{_LEAVING}{secrets.token_hex(8)}")
    folders = [(run, _folder(root, run)) for run in chosen]
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            described = [_packed(archive, run, folder, states) for run, folder in folders]
            manifest = {"format": FORMAT, "gainakt": __version__, "made": time.time(), "runs": described}
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)
    return [run.run_id for run in chosen]


def _folder(root: Path, run: Run) -> Path:
    if run.run_id.startswith(PUBLISHED):
        raise InputError(f"run {run.run_id} is a published record, which every installation has; leave it out")
    if run.active:
        raise InputError(f"run {run.run_id} is {run.status}; export it once it has ended, or pause it")
    folder = RunFolder(root, run.run_id).folder
    if not folder.is_dir():
        raise InputError(f"the folder of run {run.run_id} is gone from {root}")
    return folder


def _packed(archive: zipfile.ZipFile, run: Run, folder: Path, states: bool) -> dict[str, Any]:
    files = {}
    for name in _travelling(run, folder, states):
        digest, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(f"{run.run_id}/{name}", time.gmtime()[:6])
        # Weights hardly shrink, and take long to try.
        entry.compress_type = zipfile.ZIP_STORED if name.endswith(".safetensors") else zipfile.ZIP_DEFLATED
        with (folder / name).open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        files[name] = {"bytes": size, "sha256": digest.hexdigest()}
    about = {"run_id": run.run_id, "name": run.name, "status": run.status, "versions": run.versions}
    return {**about, "data": run.data_name, "data_fingerprint": run.data_fingerprint, "files": files}


def _travelling(run: Run, folder: Path, states: bool) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in (*folder.iterdir(), *folder.glob("states/*"))]
    names = sorted(name for name in names if _FILE.fullmatch(name) and (folder / name).is_file())
    kept = sorted({int(match[1]) for name in names if (match := _STATE.fullmatch(name))})
    wanted = set(kept if states else () if run.status == "finished" else kept[-1:])
    if "step" in run.lineage:
        wanted.add(int(run.lineage["step"]))  # a branch is repeated from the state it began with
    return [name for name in names if not (match := _STATE.fullmatch(name)) or int(match[1]) in wanted]


def import_runs(root: Path, file: Path) -> list[Imported]:
    """Put the runs of a file among those under `root`, a store's inbox; what became of each.

    Raises InputError, and imports nothing, where the file is not whole or holds what no export writes. A run that is
    there already is left as it is; one whose id stands for something else here is refused.
    """
    check_may_write()
    try:
        with zipfile.ZipFile(file) as archive:
            runs = _manifest(archive, file)
            _check_members(archive, runs, file)
            return _unpacked(archive, runs, root)
    except DAMAGED_ZIP as error:
        if isinstance(error, InputError):
            raise
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a zip that points before its own beginning
            raise
        raise InputError(f"{file.name}: not a whole zip file ({error}); export the runs again") from None


def _manifest(archive: zipfile.ZipFile, file: Path) -> list[dict[str, Any]]:
    if MANIFEST not in archive.namelist():
        raise InputError(f"{file.name}: holds no {MANIFEST}, so it is no export of runs; make one with: gainakt export")
    with archive.open(MANIFEST) as source:
        text = source.read(_MOST_MANIFEST + 1)
    try:
        if len(text) > _MOST_MANIFEST:
            raise ValueError(f"larger than {_MOST_MANIFEST:,} bytes")
        manifest = json.loads(text)
        if manifest["format"] != FORMAT:
            raise InputError(
                f"{file.name}: written by gainakt {str(manifest.get('gainakt'))[:20]} in a format that this version"
                " does not read; update this installation"
            )
        runs = {described["run_id"]: _run(described) for described in manifest["runs"]}
        if len(runs) < len(manifest["runs"]):
            raise ValueError("a run is there twice")
        return list(runs.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file.name}: its {MANIFEST} is damaged ({error}); export the runs again") from None


def _run(described: dict[str, Any]) -> dict[str, Any]:
    """A run of the manifest with what is used of it; raises InputError for names that no export writes."""
    run_id, files = described["run_id"], {}
    if not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id) or run_id.startswith(PUBLISHED):
        raise InputError(f"the file names a run {str(run_id)[:60]!r}; no export writes that")
    for name, about in described["files"].items():
        if not _FILE.fullmatch(name):
            raise InputError(f"run {run_id} comes with a file {name[:100]!r}; no export writes that")
        files[name] = (int(about["bytes"]), str(about["sha256"]))
    if "journal.jsonl" not in files:
        raise InputError(f"run {run_id} comes without its journal; export it again")
    return {"run_id": run_id, "name": str(described["name"])[:200], "files": files}


def _check_members(archive: zipfile.ZipFile, runs: list[dict[str, Any]], file: Path) -> None:
    """Before anything is written: the members are those of the manifest, and unpack to what a disk can hold."""
    named = {f"{run['run_id']}/{name}": size for run in runs for name, (size, _) in run["files"].items()}
    there = archive.namelist()
    if sorted([*named, MANIFEST]) != sorted(there):
        odd = sorted(set(there) ^ {*named, MANIFEST}) or ["a name twice"]
        raise InputError(f"{file.name}: members and {MANIFEST} do not fit: {odd[0][:100]!r}; export the runs again")
    for member in archive.infolist():
        if member.filename != MANIFEST and member.file_size != named[member.filename]:
            raise InputError(f"{file.name}: {member.filename} has not the size that {MANIFEST} says; export it again")
    total, most = sum(named.values()), _ALWAYS + _MOST_TIMES * file.stat().st_size
    if min(named.values(), default=0) < 0 or total > most:
        raise InputError(f"{file.name}: would unpack to {total:,} bytes, which no export does; nothing was imported")


def _unpacked(archive: zipfile.ZipFile, runs: list[dict[str, Any]], root: Path) -> list[Imported]:
    with arriving(root) as place:
        total, free = sum(size for run in runs for size, _ in run["files"].values()), shutil.disk_usage(root).free
        if total > free:
            raise InputError(f"the runs need {total:,} bytes and the disk of {root} has {free:,} left; make room on it")
        for run in runs:
            _extract(archive, run, place / run["run_id"])
        return [_placed(run, place / run["run_id"], root / run["run_id"]) for run in runs]


@contextmanager
def arriving(root: Path) -> Iterator[Path]:
    """A folder below `root` for runs that come in: each is made whole there, then moved to its place in one step."""
    root.mkdir(parents=True, exist_ok=True)
    remove_leftovers(root, _ARRIVING)
    place = root / f"{_ARRIVING}{secrets.token_hex(16)}"
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _extract(archive: zipfile.ZipFile, run: dict[str, Any], folder: Path) -> None:
    folder.mkdir()
    for name, (size, expected) in run["files"].items():
        target = folder / name  # its name has passed _FILE
        target.parent.mkdir(exist_ok=True)
        with archive.open(f"{run['run_id']}/{name}") as source, target.open("xb") as out:
            if _copied(source, out, size) != expected:
                raise InputError(
                    f"{run['run_id']}/{name} is damaged: its SHA-256 is not the recorded {expected[:12]}...; nothing"
                    " was imported. Export the runs again"
                )


def _copied(source: Any, out: BinaryIO, size: int) -> str:
    """Copy at most `size` bytes, whatever the zip says of itself; the SHA-256 of what was there."""
    digest, left = hashlib.sha256(), size
    while left >= 0 and (chunk := source.read(min(_CHUNK, left + 1))):
        left -= len(chunk)
        digest.update(chunk)
        out.write(chunk)
    return digest.hexdigest() if left == 0 else "another size"


def _placed(run: dict[str, Any], arrived: Path, place: Path) -> Imported:
    about = run["run_id"], run["name"]
    try:
        arrived.rename(place)
        return Imported(*about, "imported")
    except OSError:
        if not place.is_dir():
            raise
    here, comes = place / "journal.jsonl", arrived / "journal.jsonl"
    if here.is_file() and _begins_with(here, comes):
        return Imported(*about, "there already")
    why = "another run, or a shorter record of it, has this id here; delete that one for good, then import again"
    return Imported(*about, "refused", why)


def _begins_with(journal: Path, beginning: Path) -> bool:
    with journal.open("rb") as longer, beginning.open("rb") as shorter:
        while chunk := shorter.read(_CHUNK):
            if longer.read(len(chunk)) != chunk:
                return False
    return True


def remove_leftovers(root: Path, prefix: str) -> None:
    """Remove folders and files below `root` whose makers were killed a day ago or more."""
    for path in root.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # another process removes it, too
            if time.time() - path.stat().st_mtime <= _LEFTOVER_SECONDS:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
