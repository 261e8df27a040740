"""Uploaded files, kept under names of our own making: nothing of a user's path or spelling reaches the disk."""

import gzip
import hashlib
import io
import re
import secrets
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

from gainakt.data.files import ENDINGS
from gainakt.errors import InputError, check_may_write

MOST_UNPACKED = 20
"""A compressed file may hold this many times the limit of an upload."""

_LONGEST_NAME = 60
_CHUNK = 1 << 20


def save(files: Sequence[tuple[str, bytes]], folder: Path, limit: int) -> Path:
    """Keep files (name, content) as one data set below `folder`; the path to read: the file, or the folder of several.

    The same files lie in the same place, however often they come. Raises InputError for an ending that is not allowed,
    an empty file, or one of more than `limit` bytes.
    """
    check_may_write()
    contents: dict[str, bytes] = {}
    for number, (name, content) in enumerate(files, 1):
        safe = safe_name(name)
        _check(name, safe, content, limit)
        contents[f"{number}-{safe}" if safe in contents else safe] = content
    digest = hashlib.sha256()
    for safe, content in sorted(contents.items()):
        digest.update(hashlib.sha256(safe.encode()).digest() + hashlib.sha256(content).digest())
    place = folder / f"{_stem(next(iter(contents)))}-{digest.hexdigest()[:12]}"
    if not place.is_dir():
        part = folder / f".part-{secrets.token_hex(8)}"
        part.mkdir(parents=True)
        for safe, content in contents.items():
            (part / safe).write_bytes(content)
        try:
            part.rename(place)
        except OSError:
            shutil.rmtree(part)
            if not place.is_dir():  # else another tab was quicker
                raise
    return place / next(iter(contents)) if len(contents) == 1 else place


def saved(folder: Path) -> list[Path]:
    """The paths of the uploaded data sets, the newest first."""
    if not folder.is_dir():
        return []
    places = [place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")]
    places.sort(key=lambda place: place.stat().st_mtime, reverse=True)
    held = [(place, sorted(place.iterdir())) for place in places]
    return [files[0] if len(files) == 1 else place for place, files in held if files]


def safe_name(name: str) -> str:
    """Letters, digits, _ and - of a file's name, and its ending, both in ASCII; raises InputError for another ending.

    What the name says about the file's part in the data set (train, valid, test) stays.
    """
    last = re.split(r"[/\\]", name)[-1]
    stem, dot, ending = last.rpartition(".")
    ending = f".{ending.lower()}"
    if not dot or ending not in ENDINGS:
        raise InputError(f"{last[:100]!r}: not a file of responses; allowed: {', '.join(ENDINGS)}")
    if ending == ".gz":
        stem, _, inner = stem.rpartition(".") if f".{stem.rpartition('.')[2].lower()}" in ENDINGS else (stem, "", "csv")
        ending = f".{inner.lower()}.gz"
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")
    if len(plain) > _LONGEST_NAME:
        plain = f"{plain[:30]}-{plain[-_LONGEST_NAME + 31 :]}"
    return f"{plain or 'responses'}{ending}"


def _stem(safe: str) -> str:
    return safe.partition(".")[0]


def _check(name: str, safe: str, content: bytes, limit: int) -> None:
    if not content:
        raise InputError(f"{name[:100]!r}: the file is empty")
    if len(content) > limit:
        raise InputError(f"{name[:100]!r}: {len(content):,} bytes; allowed: {limit:,} (server.maxUploadSize)")
    if safe.endswith(".gz"):
        left = MOST_UNPACKED * limit
        try:
            with gzip.open(io.BytesIO(content)) as stream:
                while left >= 0 and (chunk := stream.read(_CHUNK)):
                    left -= len(chunk)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{name[:100]!r}: not a whole .gz file: {error}") from None
        if left < 0:
            raise InputError(
                f"{name[:100]!r}: unpacks to more than {MOST_UNPACKED * limit:,} bytes; unpack it yourself"
            )
