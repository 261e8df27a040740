"""An encoder's weights as safetensors plus JSON: never pickle, with a SHA-256 that loading checks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as unpacked
from safetensors.torch import save as packed
from torch import Tensor

from gainakt.errors import InputError
from gainakt.store import tensors


def save(weights: Mapping[str, Tensor], folder: Path, encoder: str, about: dict[str, Any]) -> tuple[str, str]:
    """Write `encoder`'s weights and what they belong to; returns the file's name and its SHA-256."""
    content = packed({key: value.contiguous() for key, value in weights.items()})
    return tensors.write(folder, encoder, content, about)


def load(folder: Path, encoder: str) -> dict[str, Tensor]:
    """The saved weights of `encoder`; raises InputError when the file is missing or damaged."""
    try:
        content = tensors.read(folder, encoder)
    except InputError as error:
        raise InputError(f"{error}; restore it from a copy") from None
    if content is None:
        raise InputError(f"{folder}: no checkpoint of {encoder}; the run has saved none")
    return unpacked(content)


def epoch_of(folder: Path, encoder: str) -> int | None:
    """The epoch of the saved weights of `encoder`; None where none are saved, or what describes them is damaged."""
    try:
        about = tensors.described(folder, encoder)
        return None if about is None else int(about["epoch"])
    except (InputError, KeyError, TypeError, ValueError):
        return None
