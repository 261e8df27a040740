"""Values of a journal as the store's columns can hold them; what they cannot hold raises ValueError or TypeError."""

import json
import math
from collections.abc import Mapping
from typing import Any

from gainakt.store.lines import plain

_LARGEST = 2**53
"""Up to here every integer is a number in a chart, too."""
_LATEST = 4102444800.0
"""The year 2100: a time beyond it is none."""
_SURROGATE = "\\ud"


def number(value: Any) -> float | None:
    """A finite float, or None."""
    if value is None:
        return None
    converted = float(value)
    return converted if math.isfinite(converted) else None


def whole(value: Any) -> int | None:
    """An integer that the store's columns and charts can hold, or None; raises ValueError for others."""
    if value is None:
        return None
    converted = int(value)
    if converted != value or abs(converted) > _LARGEST:
        raise ValueError(f"{value!r} is no integer of 53 bits")
    return converted


def is_whole(value: Any) -> bool:
    """Whether the value is an integer that the store's columns and charts can hold."""
    return type(value) is int and abs(value) <= _LARGEST


def text(value: Any) -> str | None:
    """The value as text that UTF-8 can carry, or None."""
    if isinstance(value, str) and value.isascii():
        return value
    return None if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def as_json(value: Any) -> str:
    """The value as JSON text, all of whose texts UTF-8 can carry."""
    written = json.dumps(plain(value), ensure_ascii=True)
    if _SURROGATE not in written:
        return written
    return json.dumps(_carried_value(json.loads(written, object_pairs_hook=_carried)), ensure_ascii=True)


def _carried(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {str(text(name)): _carried_value(value) for name, value in pairs}


def _carried_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_carried_value(item) for item in value]
    return text(value) if isinstance(value, str) else value


def as_object(value: Any) -> str:
    """A JSON object as text; raises TypeError for other values."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is no object")
    return as_json(value)


def moment_of(value: Any) -> float | None:
    """Unix seconds, None where it is no time of this century."""
    moment = number(value)
    return moment if moment is not None and 0 <= moment < _LATEST else None
