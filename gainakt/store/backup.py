"""A whole store in one file, and back: runs, the trash, views, sweeps, and the database, which knows lost folders, too.

A zip without compression, with the SHA-256 of each file in `manifest.json`, which comes last. Nothing is in its place
before it is whole: an archive, or a store, that breaks off is not there.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gainakt import __version__
from gainakt.errors import DAMAGED_ZIP, InputError, check_may_write, in_words
from gainakt.store import trash
from gainakt.store.bundle import remove_leftovers
from gainakt.store.inbox import RUN_ID, beside, runs_root
from gainakt.store.store import Store, open_for_reading

_MANIFEST, _DATABASE = "manifest.json", "store.duckdb"
_FORMAT = 1
_PARTS = ("sweeps", "runs")
_STAGE = ".backup-"
_OUT, _IN = ".gainakt-backup-", ".gainakt-restore-"
"""How the names begin of an archive, and of a store, that is not whole yet."""
_TRIES = 5
_CHUNK = 1 << 20


def backup(path: Path, out: Path) -> dict[str, int]:
    """Write the store at `path` and its runs to the file `out`; how many runs, files and bytes.

    Trainings may go on meanwhile: of each run the moment of its copying is in the archive, to be resumed from its
    newest state.
    """
    check_may_write()
    root, sweeps = runs_root(path), beside(path, "sweeps")
    if not root.is_dir():
        raise InputError(f"there is no store at {path}; nothing to back up")
    if out.exists():
        raise InputError(f"{out} is there already; name another file")
    fresh = out.with_name(f"{_OUT}{secrets.token_hex(8)}")
    remove_leftovers(root, _STAGE)
    remove_leftovers(out.parent, _OUT)
    stage = root / f"{_STAGE}{secrets.token_hex(8)}"
    try:
        stage.mkdir()
        with open_for_reading(path) as store:
            runs = len(store.runs(published=None))
            store.copy_to(stage / _DATABASE)
        for folder in sorted((*root.iterdir(), *root.glob(f"{trash.FOLDER}/*"))):
            if folder.is_dir() and RUN_ID.fullmatch(folder.name):
                _freeze(folder, stage / "runs" / folder.relative_to(root))
        for part, files_of in (("runs", root.glob("[!.]*.json")), ("sweeps", sweeps.glob("*/*"))):
            for file in filter(Path.is_file, files_of):
                with contextlib.suppress(FileNotFoundError):  # a sweep ended just now
                    _take(file, stage / part / file.relative_to(root if part == "runs" else sweeps))
        files, size = _pack(stage, fresh)
        os.replace(fresh, out)
    except OSError as error:
        raise InputError(f"the backup {out} cannot be written: {in_words(error)}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        fresh.unlink(missing_ok=True)
    return {"runs": runs, "files": files, "bytes": size}


def restore(archive: Path, path: Path) -> dict[str, int]:
    """Build the store at `path`, where there is none, from an archive; how many runs and files.

    Raises InputError for a damaged archive, or where something is in the way; nothing is at `path` then.
    """
    check_may_write()
    places = {part: beside(path, part) for part in _PARTS}
    for place in (path, *places.values()):
        if place.exists():
            raise InputError(f"{place} is there already; restore to another place, or move it aside")
    stage = path.with_name(f"{_IN}{secrets.token_hex(8)}")
    remove_leftovers(path.parent, _IN)
    try:
        with zipfile.ZipFile(archive) as opened:
            files = _unpack(opened, stage)
        for part, place in places.items():
            (stage / part).mkdir(exist_ok=True)
            (stage / part).rename(place)
        (stage / _DATABASE).rename(path)  # last: without it, a store is built from the runs' journals
    except (*DAMAGED_ZIP, KeyError) as error:
        raise InputError(f"{archive} cannot be restored: {in_words(error)}. Nothing was put in place") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    with Store.open(path) as store:
        store.take_in()
        return {"runs": len(store.runs(published=None)), "files": files}


def _freeze(folder: Path, stage: Path) -> None:
    """One moment of a run's folder: what is replaced as a whole is linked, what grows is copied until its last line."""
    for _ in range(_TRIES):
        shutil.rmtree(stage, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):  # a training replaced it just now: once more
            for file in _files(folder):
                _take(file, stage / file.relative_to(folder))
            if all((stage / named).exists() for named in _named(stage)):
                return
    raise InputError(f"run {folder.name} changes too quickly to be backed up; pause it, or try again")


def _files(folder: Path) -> Iterator[Path]:
    """Descriptions come first: what they name is then newer or the same, or gone."""
    found = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    kept = [file for file in found if not (file.name.endswith((".new", ".lock")) or file.name.startswith("."))]
    return iter(sorted(kept, key=lambda file: (file.suffix != ".json", file)))


def _named(stage: Path) -> Iterator[str]:
    for described in stage.glob("encoder?.json"):
        with contextlib.suppress(ValueError, AttributeError):
            yield str(json.loads(described.read_bytes()).get("file", described.name))


def _take(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".jsonl":
        content = file.read_bytes()
        place.write_bytes(content[: content.rfind(b"\n") + 1])
        return
    try:
        os.link(file, place)
    except FileNotFoundError:
        raise
    except OSError:  # no hard links here
        shutil.copyfile(file, place)


def _pack(stage: Path, fresh: Path) -> tuple[int, int]:
    digests, size = {}, 0
    with zipfile.ZipFile(fresh, "x", zipfile.ZIP_STORED) as archive:
        for file in sorted(file for file in stage.rglob("*") if file.is_file()):
            name, digest = file.relative_to(stage).as_posix(), hashlib.sha256()
            entry = zipfile.ZipInfo.from_file(file, name)
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    size += target.write(chunk)
            digests[name] = digest.hexdigest()
        manifest = {"format": _FORMAT, "gainakt": __version__, "sha256": digests}
        archive.writestr(_MANIFEST, json.dumps(manifest))
    return len(digests), size


def _unpack(archive: zipfile.ZipFile, stage: Path) -> int:
    """Write every file that the manifest names, and no other; raises InputError for what is not as it says."""
    manifest = json.loads(archive.read(_MANIFEST))
    if manifest.get("format") != _FORMAT:
        raise InputError(f"{archive.filename} is no backup that this version can read")
    digests = dict(manifest["sha256"])
    if sorted([*digests, _MANIFEST]) != sorted(archive.namelist()) or _DATABASE not in digests:
        raise InputError(f"{archive.filename} is damaged: its files are not those that it lists")
    for name, expected in digests.items():
        if name != _DATABASE and not _stays_inside(name):
            raise InputError(f"{archive.filename} holds {name!r}, which no backup writes")
        place = stage / name
        place.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with archive.open(name) as content, place.open("xb") as file:
            while part := content.read(_CHUNK):
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != expected:
            raise InputError(f"{archive.filename} is damaged: {name} is not what was backed up")
    return len(digests)


def _stays_inside(name: str) -> bool:
    parts = name.split("/")
    return len(parts) > 1 and parts[0] in _PARTS and all(re.fullmatch(r"[A-Za-z0-9][\w.-]*", part) for part in parts)
