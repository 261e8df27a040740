"""A run's settings as a file that people read and `train --config` takes: TOML, one section per part of the tree."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gainakt.config.tree import flatten_stored
from gainakt.errors import InputError

_LARGEST = 1 << 20


def written(config: Mapping[str, Mapping[str, Any]], preset: str, about: Sequence[str] = ()) -> str:
    """The settings of a stored configuration as TOML, below `about` as comments."""
    lines = [f"# {''.join(filter(str.isprintable, ' '.join(line.split())))}" for line in about]
    lines += [f"preset = {_value(preset)}"] if preset else []
    for section, part in config.items():
        lines += [
            "",
            f"[{section}]",
            *(f"{name} = {_value(value)}" for name, value in part.items() if value is not None),
        ]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """The preset that a file names ("" for none) and the settings that it states, by dotted name.

    Raises InputError where it cannot be read or is no such file; whether the settings exist is not looked at here.
    """
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise InputError(f"{path}: is no file but a folder, a pipe or a device; name a file of settings in TOML")
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: {path.stat().st_size:,} bytes; a file of settings has a few thousand")
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:  # tomllib raises its own, and Python's for a huge number
        raise InputError(f"{path}: cannot be read as settings in TOML: {error}") from None
    preset = tree.pop("preset", "")
    loose = [name for name, part in tree.items() if not isinstance(part, dict)]
    if loose or not isinstance(preset, str):
        name = loose[0] if loose else "preset"
        raise InputError(f"{path}: {name!r}: expected sections such as [training] with max_epochs = 5 below")
    return preset, flatten_stored(tree)
