"""A whole store in one file, and back: every run's folder, and the database with runs whose folders are gone.

A zip without compression of names that `restore` expects, each with a SHA-256 in `manifest.json`, which comes last.
Nothing is in its place before it is whole: an archive, or a store, that breaks off is not there.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from gainakt import __version__
from gainakt.errors import InputError, in_words
from gainakt.store.inbox import RUN_ID, runs_root
from gainakt.store.store import Store, open_for_reading

_MANIFEST, _DATABASE = "manifest.json", "store.duckdb"
_FORMAT = 1
_TRIES = 5


def backup(path: Path, out: Path) -> dict[str, int]:
    """Write the store at `path` and its runs to the file `out`; how many runs, files and bytes.

    Trainings may go on meanwhile: of each run the moment of its copying is in the archive, to be resumed from its
    newest state.
    """
    root = runs_root(path)
    if not root.is_dir():
        raise InputError(f"there is no store at {path}; nothing to back up")
    if out.exists():
        raise InputError(f"{out} is there already; name another file")
    fresh = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    stage = root / f".backup-{secrets.token_hex(8)}"
    try:
        stage.mkdir()
        with open_for_reading(path) as store:
            runs = len(store.runs(published=None))
            store.copy_to(stage / _DATABASE)
        for folder in sorted(root.iterdir()):
            if folder.is_dir() and RUN_ID.fullmatch(folder.name):
                _freeze(folder, stage / "runs" / folder.name)
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
    root = runs_root(path)
    for place in (path, root):
        if place.exists():
            raise InputError(f"{place} is there already; restore to another place, or move it aside")
    stage = root.with_name(f".{root.name}.{secrets.token_hex(4)}")
    try:
        with zipfile.ZipFile(archive) as opened:
            files = _unpack(opened, stage)
        runs_there = stage / "runs"
        runs_there.mkdir(exist_ok=True)
        runs_there.rename(root)  # first: without its file, a store is built from the runs' journals
        (stage / _DATABASE).rename(path)
    except (OSError, zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
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
                place = stage / file.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                _take(file, place)
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
            name = file.relative_to(stage).as_posix()
            archive.write(file, name)
            size += file.stat().st_size
            with file.open("rb") as content:
                digests[name] = hashlib.file_digest(content, "sha256").hexdigest()
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
        if name != _DATABASE and not _is_of_a_run(name):
            raise InputError(f"{archive.filename} holds {name!r}, which is no file of a run")
        place = stage / name
        place.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with archive.open(name) as content, place.open("xb") as file:
            while part := content.read(1024 * 1024):
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != expected:
            raise InputError(f"{archive.filename} is damaged: {name} is not what was backed up")
    return len(digests)


def _is_of_a_run(name: str) -> bool:
    parts = PurePosixPath(name).parts
    plain = all(part not in ("", ".", "..") and "\\" not in part and "\0" not in part for part in parts)
    return len(parts) > 2 and parts[0] == "runs" and bool(RUN_ID.fullmatch(parts[1])) and plain
