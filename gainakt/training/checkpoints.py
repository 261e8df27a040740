"""An encoder's weights as safetensors plus JSON: never pickle, with a SHA-256 that loading checks."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from gainakt.errors import InputError


def save(weights: Mapping[str, Tensor], folder: Path, encoder: str, about: dict[str, Any]) -> tuple[str, str]:
    """Write `encoder`'s weights and what they belong to; returns the file's name and its SHA-256."""
    name = f"{encoder}.safetensors"
    fresh = folder / f"{name}.new"
    save_file({key: value.contiguous() for key, value in weights.items()}, fresh)
    digest = _sha256(fresh)
    text = json.dumps({**about, "file": name, "sha256": digest}, indent=1)
    (folder / f"{encoder}.json.new").write_text(text)
    fresh.replace(folder / name)
    (folder / f"{encoder}.json.new").replace(folder / f"{encoder}.json")
    return name, digest


def load(folder: Path, encoder: str) -> dict[str, Tensor]:
    """The saved weights of `encoder`; raises InputError when the file is missing or damaged."""
    file, about = folder / f"{encoder}.safetensors", folder / f"{encoder}.json"
    if not file.exists() or not about.exists():
        raise InputError(f"{folder}: no checkpoint of {encoder}; the run has saved none")
    expected = json.loads(about.read_text())["sha256"]
    if _sha256(file) != expected:
        raise InputError(
            f"{file}: damaged (its SHA-256 is not the recorded {expected[:12]}...); restore it from a copy"
        )
    return load_file(file)


def epoch_of(folder: Path, encoder: str) -> int | None:
    """The epoch of the saved weights of `encoder`; None where none are saved."""
    about = folder / f"{encoder}.json"
    return int(json.loads(about.read_text())["epoch"]) if about.exists() else None


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
