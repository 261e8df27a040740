"""The row of a text file that names its columns: what stands before it, and whether it is there at all."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gainakt.config import DataConfig
from gainakt.data.mapping import REQUIRED, ROLES, known_roles, plain

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
SPACE = " "
"""What R's write.table parts columns by; taken where no other sign does."""
SIGNS = {**SEPARATORS, SPACE: "space"}
"""Names of all signs between columns."""
NUMBERED = "column {}"
"""What a column is called, counted from 1, where no header names it."""

_SEPARATOR_LINE = re.compile(r'^"?sep=(.)"?[,;\t ]*$', re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+([.,]\d+)?([eE][+-]?\d+)?")
MOST_COLUMNS = 20_000
"""Columns of a table that is read; a matrix of students by items has one per item."""
_TITLES = 10  # lines of a title that may stand above a header of known names


@dataclass(frozen=True)
class Preamble:
    """Lines before the header, the separator if one of them names it, and whether the header itself is a comment."""

    skip: int
    separator: str = ""
    commented: bool = False


def preamble(lines: Sequence[str]) -> Preamble:
    """What stands before the header in the first lines of a file: `sep=;`, comments from #, titles."""
    separator = ""
    for skip, line in enumerate(lines):
        named = _SEPARATOR_LINE.match(line.strip())
        if named and named[1] in SEPARATORS:
            separator = named[1]
        elif line.startswith("#"):
            if _names(line.lstrip("# "), separator) >= len(REQUIRED):
                return Preamble(skip, separator, True)
        elif line.strip():
            return Preamble(_below_titles(lines, skip, separator), separator)
    return Preamble(0, separator)


def _names(line: str, separator: str) -> int:
    """How many of the roles that every table needs the names in a line are known for."""
    cells = split(line, separator or best_separator(line))
    found = known_roles(cells) if len(cells) <= MOST_COLUMNS else ()
    return sum(role in found for role in REQUIRED)


def _below_titles(lines: Sequence[str], first: int, separator: str) -> int:
    near = range(first, min(first + _TITLES, len(lines)))
    if _names(lines[first], separator):
        return first
    return next((skip for skip in near if _names(lines[skip], separator) == len(REQUIRED)), first)


def split(line: str, separator: str) -> list[str]:
    """The cells of a line as far as quotes do not matter."""
    return [cell.strip().strip('"') for cell in line.split(separator)]


def best_separator(line: str) -> str:
    """The separator that parts a line into the most cells."""
    return max(SEPARATORS, key=lambda sign: len(split(line, sign)))


def names_columns(first: Sequence[str], rest: Sequence[Sequence[str]], config: DataConfig) -> bool:
    """Whether the first row names the columns, by its own cells and the rows after it."""
    if config.header != "auto":
        return config.header == "yes"
    asked = {plain(getattr(config, f"{role}_column")) for role in ROLES} - {""}
    if asked & {plain(name) for name in first}:
        return True
    if known_roles(first):
        return not _come_again(first, rest)
    if not any(_NUMBER.fullmatch(cell.strip()) for cell in first):
        return True
    cells = {cell.strip() for row in rest for cell in row}
    return bool(cells) and cells <= {"0", "1", ""} and not {cell.strip() for cell in first} <= {"0", "1", ""}


def _come_again(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether all known names of the first row are values of their columns as well, as `correct` may be."""
    known = [index for index, cell in enumerate(first) if known_roles([cell])]
    others = [[cell.strip() for cell in row] for row in rest]
    others = [row for row in others if row != list(first)]  # where files were joined, the header stands again
    return bool(known) and all(any(row[i : i + 1] == [first[i]] for row in others) for i in known)


def by_spaces(lines: Sequence[str]) -> bool:
    """Whether these lines have as many values each, parted by single spaces and by no other sign."""
    if len(lines) < 2 or len(split(lines[0], best_separator(lines[0]))) > 1:
        return False
    try:
        rows = list(csv.reader(lines, delimiter=SPACE))
    except csv.Error:
        return False
    return len(rows[0]) >= len(REQUIRED) and {len(row) for row in rows[1:]} <= {len(rows[0]), len(rows[0]) + 1}


def with_row_names(header: list[str], rest: Sequence[Sequence[str]]) -> list[str]:
    """The header with a name for the first column, where each row has one value more: R's and pandas' row names."""
    names = [row[0] for row in rest]
    longer = bool(rest) and all(len(row) == len(header) + 1 for row in rest) and any(row[-1].strip() for row in rest)
    return ["", *header] if longer and len(set(names)) == len(names) else header


def numbered(width: int) -> list[str]:
    """Names of columns that no header names."""
    return [NUMBERED.format(place) for place in range(1, width + 1)]
