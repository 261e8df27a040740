"""Options that several verbs share, and reading `--set name=value`."""

import stat
from pathlib import Path
from typing import Annotated, Any

import typer

from gainakt.errors import InputError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
StoreOption = Annotated[Path, typer.Option("--store", help="The store's DuckDB file.", envvar="GAINAKT_STORE")]
RunArgument = Annotated[str, typer.Argument(help="A run's id, or its first characters as long as they are unique.")]


def no_device(path: Path | None) -> Path | None:
    """The path of a file or folder; raises InputError for a pipe, which hangs, or a device, which a write replaces.

    What is wrong otherwise, such as a file that is not there, is said by who opens it.
    """
    try:
        mode = path.stat().st_mode if path else stat.S_IFREG
    except OSError:
        return path
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{path} is a pipe or a device; name a file")
    return path


def assigned(items: list[str] | None, example: str) -> dict[str, Any]:
    """Name -> value of every `--set name=value`; raises InputError that shows the example."""
    changes = {}
    for item in items or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise InputError(f"--set {item!r}: expected name=value, such as {example}")
        changes[name.strip()] = value.strip()
    return changes


def listed(text: str) -> tuple[str, ...]:
    """The parts of a text with commas between, without blanks and empty parts."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))
