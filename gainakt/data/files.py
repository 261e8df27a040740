"""Which files a path means, and whose students test or validate."""

import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from gainakt.data.interactions import TEST
from gainakt.errors import InputError

ENDINGS = (
    ".csv", ".tsv", ".txt", ".tab", ".parquet", ".feather", ".arrow", ".json", ".jsonl", ".ndjson", ".xlsx", ".xls",
    ".ods", ".gz",
)  # fmt: skip
VALIDATION_FOLD, TRAINING_FOLD = 0, 1
"""Folds of a file for validation and of the others beside it, so that `training.fold` 0 validates on it."""

_INNER = ("KT1",)  # where EdNet keeps its students' files
_NOT_DATA = re.compile(r"^(readme|licen[cs]e|changelog|citation|\.)|\.truth$", re.IGNORECASE)
_TEST = re.compile(r"(^|[_\-. ])test\d*$", re.IGNORECASE)
_VALIDATION = re.compile(r"^(?!.*train[_\-. ]?valid)(.*[_\-. ])?(valid|validation|val|dev)\d*$", re.IGNORECASE)
_SPLIT = re.compile(r"(?P<base>.*?)(?P<part>train|valid|validation|val|dev|test)(?P<number>\d*)", re.IGNORECASE)


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
    if all(source.is_test for source in found) and not test:
        names = ", ".join(source.path.name for source in found)
        warnings.append(f"{names}: named as a test file, but there is no other; its students train, validate and test")
        found = [replace(source, fold=None) for source in found]
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
    if not there and (inner := next((folder / name for name in _INNER if (folder / name).is_dir()), None)):
        return _inside(inner, warnings)
    named = {_stem(file) for file in there}
    taken = [file for file in there if not _NOT_DATA.search(_stem(file))]
    if "train_valid" in named:  # pyKT stores the same responses cut, windowed and at question level as well
        taken = [file for file in taken if _stem(file) in ("train_valid", "test")]
    taken = _one_split(taken)
    if left := [file.name for file in there if file not in taken]:
        warnings.append(f"{folder}: not read: {', '.join(left)}; name a file itself to read it")
    if not taken:
        raise InputError(
            f"{folder}: no file of responses here; {_elsewhere(folder)}expected one that ends in {', '.join(ENDINGS)}"
        )
    stem, times = Counter(_stem(file) for file in taken).most_common(1)[0]
    if times > 1:
        raise InputError(f"{folder}: {stem} is there in several formats; name the one to read")
    return taken


def _one_split(there: list[Path]) -> list[Path]:
    """Without the files of further splits of the same students, which train1 and valid1, train2 and valid2 are.

    Next to an unnumbered training file they are all further ones; else the lowest number is kept.
    """
    parts = {file: found for file in there if (found := _SPLIT.fullmatch(_stem(file)))}
    kept = set(there)
    for base in {found["base"] for found in parts.values()}:
        group = {file: found for file, found in parts.items() if found["base"] == base}
        numbers = {int(found["number"]) for found in group.values() if found["number"]}
        plain = {found["part"].lower() for found in group.values() if not found["number"]}
        held_out = any(found["number"] and found["part"].lower() != "train" for found in group.values())
        if "train" not in plain and (len(numbers) < 2 or not held_out):
            continue  # one split, or parts of one training file
        keep = None if "train" in plain else min(numbers)
        kept -= {file for file, found in group.items() if found["number"] and int(found["number"]) != keep}
    return [file for file in there if file in kept]


def _elsewhere(folder: Path) -> str:
    """The folders below that hold files of responses, for a message."""
    below = sorted(
        place.name
        for place in folder.iterdir()
        if place.is_dir() and any(file.suffix.lower() in ENDINGS for file in place.iterdir())
    )
    return f"folders below hold some, name one of them: {', '.join(below[:10])}; " if below else ""
