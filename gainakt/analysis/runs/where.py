"""A small language to filter runs by, such as `weights.variance > 10 and (data = demo or tags = "for paper")`.

Comparisons are joined by `and`, `or`, `not` and parentheses. A word without a comparison is looked for in name, preset,
id, status, data and tags; words side by side all have to be found. Values stay values: nothing is ever evaluated.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from gainakt.analysis.runs.fields import Field, named
from gainakt.errors import InputError

LONGEST = 1000
_DEEPEST = 40
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign><=|>=|!=|==|<>|!~|[=<>~(),])|(?P<word>[^\s=<>!~(),]+))"""
)
_SIGNS = {"==": "=", "<>": "!="}
_OPPOSITE = {"!=": "=", "!~": "~"}
_SEARCHED = ("name", "preset", "run_id", "status", "data", "tags")
_YES, _NO, _NONE = ("true", "yes", "1"), ("false", "no", "0"), "none"
EXAMPLE = "weights.variance > 10 and data = assist2015"


@dataclass(frozen=True)
class Comparison:
    """A field, how it is compared, and with which values (more than one: any of them)."""

    field: Field
    sign: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Search:
    """A word that is looked for."""

    word: str


@dataclass(frozen=True)
class Joined:
    """Conditions of which all, any or none (of one) hold."""

    how: Literal["and", "or", "not"]
    parts: tuple["Condition", ...]


Condition = Comparison | Search | Joined


def parse(text: str) -> Condition | None:
    """The condition that a text states; None for an empty one. Raises InputError that says what is wrong."""
    if len(text) > LONGEST:
        raise InputError(f"the filter has {len(text):,} characters; at most {LONGEST:,} are read")
    tokens = list(_tokens(text))
    if not tokens:
        return None
    parser = _Parser(tokens)
    found = parser.either(0)
    if parser.place < len(tokens):
        raise InputError(f"the filter ends before {tokens[parser.place][1]!r}: there is a parenthesis too many")
    return found


def names(condition: Condition | None) -> set[str]:
    """The fields that a condition asks for."""
    match condition:
        case Comparison():
            return {condition.field.name}
        case Joined():
            return set().union(*map(names, condition.parts))
    return set()


def holds(condition: Condition | None, table: pd.DataFrame) -> "pd.Series[bool]":
    """For which rows of a table, which has the condition's fields as columns, it holds.

    A missing value is neither equal nor greater nor less; `!=` and `not` hold for it.
    """
    match condition:
        case Comparison():
            return _compared(condition, table[condition.field.name])
        case Search():
            found = pd.Series(False, table.index)
            for column in _SEARCHED:
                found |= _matches(table[column], "~", condition.word.casefold())
            return found
        case Joined(how="not"):
            return ~holds(condition.parts[0], table)
        case Joined():
            each = [holds(part, table) for part in condition.parts]
            joined = np.logical_and.reduce(each) if condition.how == "and" else np.logical_or.reduce(each)
            return pd.Series(joined, table.index, dtype=bool)
    return pd.Series(True, table.index)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None:
            raise InputError(f"the filter cannot be read at {text[place:].strip()[:20]!r}; example: {EXAMPLE}")
        kind, place = str(found.lastgroup), found.end()
        yield kind, found[kind][1:-1] if kind == "quoted" else found[kind]


class _Parser:
    """Reads tokens from left to right; `either` is the loosest bond, `one` the tightest."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def either(self, depth: int) -> Condition:
        parts = [self.every(depth)]
        while self.taken("or"):
            parts.append(self.every(depth))
        return parts[0] if len(parts) == 1 else Joined("or", tuple(parts))

    def every(self, depth: int) -> Condition:
        parts = [self.one(depth)]
        while self.taken("and") or self.goes_on():
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))

    def one(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise InputError(f"the filter has more than {_DEEPEST} parentheses and nots within each other")
        if self.taken("not"):
            return Joined("not", (self.one(depth + 1),))
        if self.taken("("):
            inner = self.either(depth + 1)
            self.expect(")", "a closing parenthesis is missing")
            return inner
        kind, text = self.next("a field or a word")
        if kind == "sign" or (kind == "word" and text.lower() in ("and", "or")):
            raise InputError(f"the filter has {text!r} where a field or a word is expected; example: {EXAMPLE}")
        sign = self.sign() if kind == "word" else None
        if sign is None:
            return Search(text)
        field = named(text)
        values = self.listed() if sign == "in" else (self.value(text, sign),)
        return Comparison(field, "=" if sign == "in" else sign, tuple(_as_kind(field, sign, value) for value in values))

    def goes_on(self) -> bool:
        """Whether something follows that is joined without a word between."""
        if self.place >= len(self.tokens):
            return False
        kind, text = self.tokens[self.place]
        return text == "(" if kind == "sign" else not (kind == "word" and text.lower() == "or")

    def sign(self) -> str | None:
        if self.place >= len(self.tokens):
            return None
        kind, text = self.tokens[self.place]
        if kind == "sign" and text not in "(),":
            self.place += 1
            return _SIGNS.get(text, text)
        follows = self.tokens[self.place + 1 : self.place + 2]
        if kind == "word" and text.lower() == "in" and follows == [("sign", "(")]:
            self.place += 1
            return "in"
        return None

    def listed(self) -> tuple[str, ...]:
        self.expect("(", "in is followed by values in parentheses")
        values = [self.value("in (", ",")]
        while self.taken(","):
            values.append(self.value("in (", ","))
        self.expect(")", "a closing parenthesis is missing")
        return tuple(values)

    def value(self, field: str, sign: str) -> str:
        kind, text = self.next(f"a value after {field} {sign}")
        if kind == "sign":
            raise InputError(f"the filter has {text!r} where a value is expected, after {field} {sign}")
        return text

    def next(self, what: str) -> tuple[str, str]:
        if self.place >= len(self.tokens):
            raise InputError(f"the filter ends where {what} is expected; example: {EXAMPLE}")
        self.place += 1
        return self.tokens[self.place - 1]

    def taken(self, text: str) -> bool:
        if self.place < len(self.tokens):
            kind, found = self.tokens[self.place]
            if kind != "quoted" and found.lower() == text:
                self.place += 1
                return True
        return False

    def expect(self, text: str, otherwise: str) -> None:
        if not self.taken(text):
            raise InputError(f"the filter cannot be read: {otherwise}")


def _as_kind(field: Field, sign: str, text: str) -> Any:
    """The value in the field's kind; raises InputError that says what the field is compared with."""
    if text.lower() == _NONE and sign in ("=", "!=", "in"):
        return None
    ordered = sign in ("<", "<=", ">", ">=")
    if field.kind == "number":
        _refuse(sign in ("~", "!~"), field, "a number; compare it by = != < <= > >=")
        try:
            return float(text)
        except ValueError:
            raise InputError(f"{field.name} is a number; got {text!r}") from None
    if field.kind == "time":
        return _moment(field, text)
    if field.kind == "flag":
        _refuse(sign not in ("=", "!=", "in"), field, "yes or no; compare it by = or !=")
        _refuse(text.lower() not in (*_YES, *_NO), field, f"yes or no; got {text!r}")
        return text.lower() in _YES
    _refuse(ordered, field, "a text; compare it by = or !=, or by ~ for a part of it")
    return text.casefold()


def _refuse(refused: bool, field: Field, what: str) -> None:
    if refused:
        raise InputError(f"{field.name} is {what}")


def _moment(field: Field, text: str) -> float:
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise InputError(f"{field.name} is a time such as 2026-11-28 or 2026-11-28T14:30; got {text!r}") from None


def _compared(condition: Comparison, column: pd.Series) -> "pd.Series[bool]":
    if condition.sign.startswith("!"):
        return ~_compared(replace(condition, sign=_OPPOSITE[condition.sign]), column)
    found = pd.Series(False, column.index)
    for value in condition.values:
        found |= ~_present(column) if value is None else _one(condition, column, value)
    return found


def _one(condition: Comparison, column: pd.Series, value: Any) -> "pd.Series[bool]":
    kind, sign = condition.field.kind, condition.sign
    if kind in ("text", "list"):
        return _matches(column, sign, value)
    if kind == "flag":
        return (column == value).fillna(False).astype(bool)
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    if kind == "time" and sign == "=":
        return (numbers >= value) & (numbers < value + 86400)
    compared = {
        "=": numbers.eq, "<": numbers.lt, "<=": numbers.le, ">": numbers.gt, ">=": numbers.ge,
    }[sign]  # fmt: skip
    return compared(value)


def _matches(column: pd.Series, sign: str, wanted: str) -> "pd.Series[bool]":
    """Whether a text is the wanted one, or (~) has it as a part; of a list, whether one of its texts is."""

    def fits(value: Any) -> bool:
        texts = value if isinstance(value, list | tuple) else [value] if isinstance(value, str) else []
        return any(wanted in text.casefold() if sign == "~" else text.casefold() == wanted for text in texts)

    return pd.Series([fits(value) for value in column], column.index, dtype=bool)


def _present(column: pd.Series) -> "pd.Series[bool]":
    filled = [len(value) > 0 if isinstance(value, list | tuple | str) else not pd.isna(value) for value in column]
    return pd.Series(filled, column.index, dtype=bool)
