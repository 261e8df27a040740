"""An encoder's weights as safetensors plus JSON: never pickle, with a SHA-256 that loading checks."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_bytes
from safetensors.torch import save_file
from torch import Tensor

from gainakt.errors import InputError


def save(weights: Mapping[str, Tensor], folder: Path, encoder: str, about: dict[str, Any]) -> tuple[str, str]:
    """Write `encoder`'s weights and what they belong to; returns the file's name and its SHA-256.

    The weights get a name of their own, after their content; the description that names them takes the place of the
    former one in one step. So whoever reads, and whoever is killed here, has the former checkpoint whole or this one.
    """
    fresh = folder / f"{encoder}.new"
    save_file({key: value.contiguous() for key, value in weights.items()}, fresh)
    digest = _sha256(fresh)
    name = f"{encoder}-{digest[:12]}.safetensors"
    fresh.replace(folder / name)
    described = folder / f"{encoder}.json.new"
    described.write_text(json.dumps({**about, "file": name, "sha256": digest}, indent=1))
    described.replace(folder / f"{encoder}.json")
    for former in (*folder.glob(f"{encoder}-*.safetensors"), folder / f"{encoder}.safetensors"):
        if former.name != name:
            former.unlink(missing_ok=True)
    return name, digest


def load(folder: Path, encoder: str) -> dict[str, Tensor]:
    """The saved weights of `encoder`; raises InputError when the file is missing or damaged."""
    for _ in range(_TRIES):
        about = _described(folder, encoder)
        if about is None:
            raise InputError(f"{folder}: no checkpoint of {encoder}; the run has saved none")
        file = folder / about["file"]
        try:
            content = file.read_bytes()
            break
        except FileNotFoundError:
            continue  # a training in progress has just put a newer one in its place
    else:
        raise InputError(f"{file}: the weights of {encoder} are gone; restore them from a copy")
    if hashlib.sha256(content).hexdigest() != about["sha256"]:
        raise InputError(
            f"{file}: damaged (its SHA-256 is not the recorded {about['sha256'][:12]}...); restore it from a copy"
        )
    return load_bytes(content)


def epoch_of(folder: Path, encoder: str) -> int | None:
    """The epoch of the saved weights of `encoder`; None where none are saved, or what describes them is damaged."""
    try:
        about = _described(folder, encoder)
        return None if about is None else int(about["epoch"])
    except (InputError, KeyError, TypeError, ValueError):
        return None


_TRIES = 3
"""How often a description is read whose weights are gone: each time a newer checkpoint may have come."""


def _described(folder: Path, encoder: str) -> dict[str, Any] | None:
    """What belongs to the saved weights of `encoder`, with the name of their file; None where none are saved."""
    place = folder / f"{encoder}.json"
    try:
        about = json.loads(place.read_bytes())
        sound = isinstance(about["sha256"], str) and re.fullmatch(
            rf"{encoder}(-[0-9a-f]+)?\.safetensors", about["file"]
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        sound = None
    if not sound:
        raise InputError(f"{place}: damaged; restore it from a copy")
    return dict(about)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
