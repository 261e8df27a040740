"""Tensors in a run's folder: a safetensors file named after its content, and a JSON file that names it.

The JSON file holds the SHA-256 and takes the place of the former one in one step. So whoever reads, and whoever is
killed while writing, has what was there before whole, or the new one. Neither torch nor DuckDB is needed.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from gainakt.errors import InputError

_TRIES = 3
"""How often a description is read whose file is gone: each time a newer one may have come."""


def write(folder: Path, name: str, content: bytes, about: dict[str, Any]) -> tuple[str, str]:
    """Keep `content` as `name`, with what it belongs to; the file's name and its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    file = f"{name}-{digest[:12]}.safetensors"
    description = json.dumps({**about, "file": file, "sha256": digest}, indent=1).encode()
    for place, data in ((folder / file, content), (folder / f"{name}.json", description)):
        fresh = place.with_name(f"{place.name}.new")
        fresh.write_bytes(data)
        fresh.replace(place)
    for former in (*folder.glob(f"{name}-*.safetensors*"), folder / f"{name}.safetensors"):  # what a kill left too
        if former.name != file:
            former.unlink(missing_ok=True)
    return file, digest


def read(folder: Path, name: str) -> bytes | None:
    """What is kept as `name`, None where nothing is; raises InputError where it is gone or damaged."""
    for _ in range(_TRIES):
        about = described(folder, name)
        if about is None:
            return None
        file = folder.joinpath(about["file"])
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            raise InputError(f"{file}: damaged (its SHA-256 is not the recorded {about['sha256'][:12]}...)")
        return content
    raise InputError(f"{file}: gone")


def described(folder: Path, name: str) -> dict[str, Any] | None:
    """What belongs to the tensors kept as `name`, None where nothing is; raises InputError where it is damaged."""
    place = folder / f"{name}.json"
    try:
        about = dict(json.loads(place.read_bytes()))
        if re.fullmatch(r"[0-9a-f]{64}", about["sha256"]) and _named(name, about["file"]):
            return about
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InputError(f"{place}: damaged")


def _named(name: str, file: str) -> bool:
    """Whether a description may name this file; older versions wrote `name.safetensors`."""
    return re.fullmatch(rf"{re.escape(name)}(-[0-9a-f]{{1,64}})?\.safetensors", file) is not None
