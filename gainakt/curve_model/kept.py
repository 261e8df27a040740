"""Fits that were made before, kept in the user's cache folder: a run on the same students need not make them again."""

import hashlib
import inspect
import os
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from gainakt.curve_model import counts, curve, fit, parts
from gainakt.curve_model.counts import Practice
from gainakt.curve_model.fit import Fit

_MOST = 200
"""Fits that are kept, the ones made last."""
_NUMBERS = [field.name for field in fields(Fit) if field.name != "tie"]


def folder() -> Path:
    """Where fits are kept: GAINAKT_CACHE, else `gainakt` in the user's cache folder."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gainakt"
    return Path(os.environ.get("GAINAKT_CACHE") or usual)


def fitted_once(practice: Practice, start: Fit) -> Fit:
    """`fit.fitted`, or what it gave for the same responses from the same start in the same version of the program."""
    try:
        file = folder() / f"fit-{_print(practice, start)}.npz"
    except RuntimeError:  # this user has no home
        return fit.fitted(practice, start)
    try:
        with file.open("rb") as stream, np.load(stream) as kept:
            values = {name: kept[name] if kept[name].ndim else kept[name].item() for name in _NUMBERS}
        return replace(start, **values)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # none there, or a damaged one
        made = fit.fitted(practice, start)
    with suppress(OSError):  # no room, or no folder that can be written: then it is made anew each time
        _keep(made, file)
    return made


def _print(practice: Practice, start: Fit) -> str:
    """What the fit depends on, as 32 hex digits: responses, start, formulas."""
    digest = hashlib.sha256(f"{start.tie} {start.sigma} {start.skill_sigma} {np.__version__}".encode())
    for module in (counts, curve, fit, parts):
        digest.update(inspect.getsource(module).encode())
    for column in (practice.window, practice.skill, practice.response, practice.since, start.theta, start.spread):
        digest.update(f"{column.dtype}{column.shape}".encode())
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()[:32]


def _keep(made: Fit, file: Path) -> None:
    """Write it whole or not at all, and let go of those made longest ago."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as place:  # gone, too, where there is no room
        new = Path(place) / "new.npz"
        np.savez(new, **{name: getattr(made, name) for name in _NUMBERS})
        os.replace(new, file)
    there = sorted(file.parent.glob("fit-*.npz"), key=lambda kept: kept.stat().st_mtime)
    for old in there[:-_MOST]:
        old.unlink(missing_ok=True)
