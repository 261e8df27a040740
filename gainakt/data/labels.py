"""Dictionaries of students and skills: few rows each, so plain Python says what a label means."""

import re
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gainakt.config import DataConfig
from gainakt.data.interactions import JOIN, NO_FOLD, TEST
from gainakt.errors import quoted

NUMBER_SIGNS, NAME_SIGNS = "_;,|", ";|,+"
"""Signs that may part numbers, and names, of several skills in one cell."""

_MAY_PART = ";|,+&"
_INNER = set("[]{}()~")
_CUT = re.compile(r"\d([.,]\d+)?[eE]\+\d\d")
_LIST = re.compile(r"\[(.+)\]")
_ITEM = re.compile(r"-?\d+|'[^']+'|\"[^\"]+\"")


@dataclass(frozen=True)
class Students:
    """`table` maps (id, side) to `student`; labels and folds are in the order of `student`."""

    table: pd.DataFrame
    labels: list[str]
    fold: np.ndarray
    overlapping: int
    several_folds: int


def students(found: pd.DataFrame, config: DataConfig) -> Students:
    """Students in order of appearance from one row per (id, side): fold, folds, first.

    An id on both sides (training and test files) is two people, or with overlap "same" one, who only tests.
    """
    both = found["id"].duplicated(keep=False)
    found = found.sort_values("first", kind="stable").reset_index(drop=True)
    found["fold"] = found["fold"].fillna(NO_FOLD).astype(np.int16)
    if config.overlap == "same":
        found["student"] = pd.factorize(found["id"])[0]
        found["fold"] = found.groupby("student")["fold"].transform(_fold_of_one)
    else:
        found["student"] = np.arange(len(found))
    twice = found["id"].duplicated(keep=False) & (found["side"] == 1) & (config.overlap == "local")
    taken = set(found["id"])
    labels = [_unused(f"{name} (test)", taken) if two else name for name, two in zip(found["id"], twice, strict=True)]
    unique = found.drop_duplicates("student").index
    names = [labels[index] for index in unique]
    if config.pseudonymise:
        digits = len(str(len(names)))
        names = [f"p{number:0{digits}d}" for number in range(1, len(names) + 1)]
    return Students(
        found[["id", "side", "student"]],
        names,
        found.loc[unique, "fold"].to_numpy(np.int16),
        int(both.sum()) // 2,
        int(found["folds"].fillna(False).astype(bool).sum()),
    )


def _fold_of_one(folds: pd.Series) -> int:
    return TEST if (folds == TEST).any() else int(folds.min())


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    taken.add(name)
    return name


@dataclass(frozen=True)
class Skills:
    """`table` maps a cell's text to `skill` and `part`, its place among the cell's skills; labels are sorted."""

    table: pd.DataFrame
    labels: list[str]
    several: int
    expanded: int


def skills(counts: dict[str, int], numbers: bool, names: bool, config: DataConfig) -> Skills:
    """Skills from the distinct texts of the skill column and their counts, joined, first or expanded.

    If `numbers`, NUMBER_SIGNS part numbers. NAME_SIGNS, and _ if `names`, part names that all stand alone as well.
    """
    rows, several, expanded = [], 0, 0
    for text, count in counts.items():
        parts = split(text, numbers, config.skill_separator)
        if len(parts) == 1 and not config.skill_separator:
            parts = _names(text, f"{NAME_SIGNS}_" if names else NAME_SIGNS, counts)
        several += count if len(parts) > 1 else 0
        if config.several_skills == "joined":
            parts = [JOIN.join(sorted(parts, key=order))]
        elif config.several_skills == "first":
            parts = parts[:1]
        expanded += count * len(parts)
        rows += [(text, part, label) for part, label in enumerate(parts)]
    labels = sorted({label for _, _, label in rows}, key=order)
    index = {label: number for number, label in enumerate(labels)}
    table = pd.DataFrame(
        {
            "text": pd.Series([text for text, _, _ in rows], dtype="str"),
            "part": np.array([part for _, part, _ in rows], np.int32),
            "skill": np.array([index[label] for _, _, label in rows], np.int32),
        }
    )
    return Skills(table, labels, several, expanded)


def _names(text: str, signs: str, known: Container[str]) -> list[str]:
    """The names in a cell, where one of the signs parts it into names that are all known by themselves."""
    for sign in signs:
        parts = [part.strip() for part in text.split(sign)]
        if len(parts) > 1 and all(part in known for part in parts):
            return list(dict.fromkeys(parts))
    return [text]


def split(text: str, numbers: bool, asked: str) -> list[str]:
    """The distinct skills in a cell, in its order: parted by ~~ or the asked sign, `numbers` also by NUMBER_SIGNS.

    A list in brackets, of numbers or of quoted names, is one whatever the sign.
    """
    listed = _LIST.fullmatch(text.strip())
    if listed:
        items = [item.strip() for item in listed[1].split(",")]
        if all(_ITEM.fullmatch(item) for item in items):
            return list(dict.fromkeys(item.strip("\"'") for item in items))
    parts = [text]
    for sign in {JOIN, asked} - {""}:
        parts = [piece for part in parts for piece in part.split(sign)]
    if numbers and not asked and len(parts) == 1:
        for sign in NUMBER_SIGNS:
            pieces = text.split(sign)
            if len(pieces) > 1 and all(piece.strip().isdecimal() for piece in pieces):
                parts = pieces
                break
    stripped = [part.strip() for part in parts]
    return list(dict.fromkeys(part for part in stripped if part)) or [text]


def doubtful(skills: list[str], students: list[str], config: DataConfig) -> Iterator[str]:
    """What names alone make doubtful: one skill written in two ways, several in one cell, ids a spreadsheet cut."""
    written: dict[str, list[str]] = {}
    for name in skills:
        written.setdefault(" ".join(name.casefold().split()), []).append(name)
    if alike := [names for names in written.values() if len(names) > 1]:
        shown = " and ".join(quoted(name) for name in alike[0][:2])
        yield f"{len(alike)} skill(s) are written in several ways, such as {shown}, and count as several"
    for sign in "" if config.skill_separator else _MAY_PART:
        several = [name for name in skills if sign in name and not set(name) & _INNER]
        cells = [[part.strip() for part in name.split(sign)] for name in several]
        again = Counter(part for cell in cells for part in set(cell))
        if len(cells) > 1 and sum(count > 1 for count in again.values()) >= len(again) / 2:
            yield (
                f"{len(cells)} skill(s) may be several with {sign!r} between, such as {quoted(several[0])};"
                f" data.skill_separator={sign!r} parts them"
            )
    if cut := [name for name in students if _CUT.fullmatch(name)]:
        shown = "1.2E+14" if config.pseudonymise else cut[0]
        yield (
            f"{len(cut)} student id(s) such as {shown} have lost digits in a spreadsheet, so several students may count"
            " as one; take the ids from the original file"
        )


def order(label: str) -> tuple[bool, int, str]:
    """Sort key: whole numbers by value, then text."""
    number = label.removeprefix("-")
    whole = number.isascii() and number.isdecimal() and len(number) <= 18
    return not whole, int(label) if whole else 0, label
