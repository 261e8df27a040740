"""Which files a path means, and whose students test or validate."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gainakt.data.interactions import TEST
from gainakt.errors import InputError

ENDINGS = (".csv", ".tsv", ".txt", ".tab", ".parquet", ".gz")
VALIDATION_FOLD, TRAINING_FOLD = 0, 1
"""Folds of a file for validation and of the others beside it, so that `training.fold` 0 validates on it."""

_NOT_DATA = re.compile(r"^(readme|licen[cs]e|changelog|citation|\.)|\.truth$", re.IGNORECASE)
_TEST = re.compile(r"(^|[_\-. ])test$", re.IGNORECASE)
_VALIDATION = re.compile(r"^(?!.*train)(.*[_\-. ])?(valid|validation|val|dev)$", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """One file; `fold` is what its name or place gives to all its students, or nothing; `label` is unique.

    `origin` is the folder of a file that was merged from many.
    """

    path: Path
    fold: int | None
    label: str
    origin: Path | None = None

    @property
    def is_test(self) -> bool:
        """Whether all its students test."""
        return self.fold == TEST


def find(path: str | Path, test_path: str | Path = "") -> tuple[list[Source], list[str]]:
    """The files of a path (a file, a folder, or several separated by ;) and warnings of what was not taken.

    Raises InputError that names what is not there.
    """
    warnings: list[str] = []
    test = dict.fromkeys(_expand(test_path, warnings) if str(test_path) else [])
    plain = [file for file in _expand(path, warnings) if file not in test]
    files = [*plain, *test]
    if len({os.path.realpath(file) for file in files}) < len(files):
        raise InputError(f"{path}: the same file is named twice; name each once")
    validation = any(_VALIDATION.search(_stem(file)) for file in plain)
    stems = [_stem(file) for file in files]
    times = Counter(stems)
    found = []
    for number, (file, stem) in enumerate(zip(files, stems, strict=True), 1):
        fold = TRAINING_FOLD if validation else None
        if file in test or _TEST.search(stem):
            fold = TEST
        elif _VALIDATION.search(stem):
            fold = VALIDATION_FOLD
        found.append(Source(file, fold, stem if times[stem] == 1 else f"{stem}#{number}"))
    return sorted(found, key=lambda source: source.is_test), warnings


def _stem(file: Path) -> str:
    return Path(file.stem).stem if file.suffix.lower() == ".gz" else file.stem


def _expand(path: str | Path, warnings: list[str]) -> list[Path]:
    place = Path(path)
    try:
        places = [place] if place.exists() else [Path(part.strip()) for part in str(path).split(";") if part.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)[:200]!r}: not a path: {error}") from None
    files: list[Path] = []
    for one in places:
        if one.is_file():
            files.append(one)
        elif one.is_dir():
            files.extend(_inside(one, warnings))
        else:
            raise InputError(f"{one}: no such file or folder; give a file of responses or a folder that holds some")
    return files


def _inside(folder: Path, warnings: list[str]) -> list[Path]:
    try:
        there = sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error}") from None
    named = {_stem(file) for file in there}
    taken = [file for file in there if not _NOT_DATA.search(_stem(file))]
    if "train_valid" in named:  # pyKT stores the same responses cut, windowed and at question level as well
        taken = [file for file in taken if _stem(file) in ("train_valid", "test")]
    if left := [file.name for file in there if file not in taken]:
        warnings.append(f"{folder}: not read: {', '.join(left)}; name a file itself to read it")
    if not taken:
        raise InputError(f"{folder}: no file of responses here; expected one that ends in {', '.join(ENDINGS)}")
    stem, times = Counter(_stem(file) for file in taken).most_common(1)[0]
    if times > 1:
        raise InputError(f"{folder}: {stem} is there in several formats; name the one to read")
    return taken
