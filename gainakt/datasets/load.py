"""The data of a configuration, wherever they come from."""

from dataclasses import replace

import numpy as np

from gainakt.config import DataConfig
from gainakt.data.interactions import NO_FOLD, Interactions
from gainakt.data.sources import read
from gainakt.errors import InputError
from gainakt.simulate import simulate


def load(config: DataConfig) -> Interactions:
    """Interactions of the configured path, or of the simulated class when there is no path; raises InputError."""
    if config.path:
        data = read(config.path, config)
    else:
        name, changes = named(config.simulate)
        data = simulate(name, config.seed, **changes)
    if config.split == "students":
        data = replace(data, fold=np.full_like(data.fold, NO_FOLD))
    return data


def named(text: str) -> tuple[str, dict[str, str]]:
    """Scenario and changed fields of a text such as `demo students=500 rate_cv=0`; raises InputError."""
    name, *changes = text.split() or [""]
    pairs = [change.partition("=") for change in changes]
    if wrong := [change for change, (_, equals, _) in zip(changes, pairs, strict=True) if not equals]:
        raise InputError(f"data.simulate: {wrong[0]!r} is no field=value, such as students=500, after the scenario")
    return name, {field: value for field, _, value in pairs}
