"""What a sweep tries: a small TOML file of settings with lists or ranges of values, over presets and seeds."""

import hashlib
import itertools
import json
import math
import os
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from gainakt.config import Config, changed, fields, renamed
from gainakt.config.base import LARGEST_SEED
from gainakt.config.presets import preset
from gainakt.errors import InputError, unknown
from gainakt.measures.registry import MEASURES

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
SEARCHES = ("grid", "random", "optuna")
MOST_POINTS = 2_000
_WHOLE = {"seeds": (1, 1_000), "trials": (1, MOST_POINTS), "seed": (0, LARGEST_SEED)}
_MOST_RUNS = 10_000
_LARGEST = 1e300
_FLAGS = ("tests", "prune")
_KEYS = ("preset", "search", "measure", "goal", *_WHOLE, *_FLAGS)
READY = Path(__file__).parent / "ready"
Values = dict[str, Any]
"""What is varied -> its value: dotted names of settings, and `preset` where there are several."""


@dataclass(frozen=True)
class Range:
    """Values from `low` to `high`, both included, evenly spread or (`log`) evenly on a log scale."""

    low: float
    high: float
    log: bool = False


Axis = tuple[Any, ...] | Range


@dataclass(frozen=True)
class Trial:
    """One training of a sweep: a point of its space (numbered from 0) with one seed."""

    point: int
    values: Values
    preset: str
    config: Config

    @property
    def identity(self) -> str:
        """The hash of the configuration, by which a trial is found again."""
        return identity(self.config)

    @property
    def label(self) -> str:
        """The point in words, such as `v3-phase1, variance 10`."""
        return ", ".join(str(v) if n == "preset" else f"{n.split('.')[1]} {v}" for n, v in self.values.items())


def identity(config: Config) -> str:
    """The hash of a configuration: the same settings have the same, whatever their order in a file."""
    return hashlib.sha256(json.dumps(config.model_dump(), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Space:
    """What a sweep tries and how.

    `axes` are varied, `fixed` settings hold in every trial. Random and Optuna search draw `trials` points. Each point
    is trained with `seeds` seeds from the preset's own on. Optuna moves `measure` of the validation students towards
    `goal`; `prune` stops trials that are behind the median of others in the same epoch. `tests` adds the tests with the
    learning-curve model to each run.
    """

    presets: tuple[str, ...]
    axes: dict[str, Axis]
    fixed: Values
    search: str = "grid"
    seeds: int = 1
    trials: int = 0
    seed: int = 0
    measure: str = "encoder2_auc"
    goal: str = "maximize"
    prune: bool = False
    tests: bool = False

    @property
    def varied(self) -> dict[str, Axis]:
        """All axes, the presets first where there are several."""
        return ({"preset": self.presets} if len(self.presets) > 1 else {}) | self.axes

    @property
    def points(self) -> int:
        """How many points are tried."""
        if self.search != "grid":
            return self.trials
        return math.prod(len(axis) for axis in self.varied.values() if isinstance(axis, tuple))

    @property
    def total(self) -> int:
        """How many runs that makes."""
        return self.points * self.seeds

    def listed(self) -> Iterator[Values]:
        """The points of a grid, or of a random search, which draws the same ones each time."""
        if self.search == "grid":
            lists = (axis for axis in self.varied.values() if isinstance(axis, tuple))
            yield from (dict(zip(self.varied, values, strict=True)) for values in itertools.product(*lists))
            return
        chance = random.Random(self.seed)
        for _ in range(self.trials):
            yield {name: _drawn(name, axis, chance) for name, axis in self.varied.items()}

    @cached_property
    def every(self) -> list[list[Trial]]:
        """All trials of a grid or a random search, by point; raises InputError for settings that do not go together."""
        return [self.trials_at(point, values) for point, values in enumerate(self.listed())]

    def trials_at(self, point: int, values: Values) -> list[Trial]:
        """The trials of a point, one per seed; raises InputError for settings that do not go together."""
        settings = dict(values)
        name = settings.pop("preset", self.presets[0])
        base = changed(preset(name), {**self.fixed, **settings})
        seeds = (base.training.seed + number for number in range(self.seeds))
        return [Trial(point, values, name, changed(base, {"training.seed": seed})) for seed in seeds]


@lru_cache(16)  # a page reads the same plan again and again
def read(text: str) -> Space:
    """The space that a TOML text describes; raises InputError."""
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib's own, and Python's for a huge number
        raise InputError(f"not TOML: {error}; a line looks like weights.variance = [0.1, 1, 10]") from None
    given, found = dict(_flat(tree)), {}
    options = {name: given.pop(name) for name in _KEYS if name in given}
    presets = options.pop("preset", "corrected")
    names = presets if isinstance(presets, list) else [presets]
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError('preset: expected a name in quotes, such as preset = "corrected", or a list of names')
    presets = tuple(dict.fromkeys(names))
    axes, fixed = {}, {}
    for name, value in given.items():
        found[renamed(name)] = value
        if renamed(name) not in fields():
            raise unknown("setting", name, [*_KEYS, *fields()])
    for name, value in found.items():
        if isinstance(value, list | dict):
            axes[name] = _axis(name, value)
        else:
            fixed[name] = value
    if path := fixed.get("data.path"):
        fixed["data.path"] = os.path.abspath(str(path))  # other processes may work in another folder
    space = Space(presets=presets, axes=axes, fixed=fixed, **{name: _option(name, v) for name, v in options.items()})
    _check(space)
    _check_settings(space)
    return space


def with_seeds(text: str, seeds: int) -> str:
    """The plan with another number of seeds."""
    line = f"seeds = {seeds}"
    changed_text, found = re.subn(r"^seeds\s*=.*$", line, text, count=1, flags=re.MULTILINE)
    return changed_text if found else f"{line}\n{text}"


def _flat(tree: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name -> value; a table of low and high is a value."""
    for name, value in tree.items():
        if isinstance(value, dict) and not ({"low", "high"} & value.keys()):
            yield from _flat(value, f"{start}{name}.")
        else:
            yield start + name, value


def _axis(name: str, value: Any) -> Axis:
    if isinstance(value, list):
        if not value or any(isinstance(one, list | dict) for one in value):
            raise InputError(f"{name}: expected a list of values, such as [0.1, 1, 10]")
        return tuple(dict.fromkeys(value))
    extra = value.keys() - {"low", "high", "log"}
    low, high, log = value.get("low"), value.get("high"), value.get("log", False)
    numbers = all(
        isinstance(end, int | float) and not isinstance(end, bool) and abs(end) < _LARGEST for end in (low, high)
    )
    if extra or not numbers or not isinstance(log, bool) or fields()[name].kind not in (int, float):
        raise InputError(f"{name}: expected numbers such as {{ low = 0.1, high = 10, log = true }}, or a list")
    if not low < high or (log and low <= 0):
        raise InputError(f"{name}: low must be below high{' and above 0 on a log scale' if log else ''}")
    return Range(low, high, log)


def _option(name: str, value: Any) -> Any:
    if name in _WHOLE:
        least, most = _WHOLE[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise InputError(f"{name}: expected a whole number from {least} to {most}, got {value!r:.100}")
    if name in _FLAGS and not isinstance(value, bool):
        raise InputError(f"{name}: expected true or false, got {value!r:.100}")
    choices = {"search": SEARCHES, "goal": ("maximize", "minimize"), "measure": tuple(MEASURES)}.get(name)
    if choices and value not in choices:
        raise unknown(name, str(value), choices)
    return value


def _check(space: Space) -> None:
    """Raise InputError for what cannot be searched, before anything runs."""
    ranges = [name for name, axis in space.axes.items() if isinstance(axis, Range)]
    if not space.varied and space.seeds == 1:
        raise InputError("nothing is varied: give a setting a list, such as weights.variance = [0.1, 1, 10]")
    if space.search == "grid" and ranges:
        raise InputError(f'{ranges[0]}: a grid needs a list of values; a range needs search = "random" or "optuna"')
    if (space.search == "grid") == bool(space.trials):
        raise InputError(
            "trials: a grid has as many as its lists give; leave it out"
            if space.trials
            else f"trials: say how many points to try, such as trials = 40 (search = {space.search!r})"
        )
    if space.seeds > 1 and "training.seed" in space.axes:
        raise InputError("training.seed is varied by seeds; give one of them")
    if space.prune and (space.search != "optuna" or space.seeds > 1):
        raise InputError('prune needs search = "optuna" and one seed: it compares single trainings')
    if space.points > MOST_POINTS:
        raise InputError(f"{space.points:,} points are too many; {MOST_POINTS:,} at most")
    if space.total > _MOST_RUNS:
        raise InputError(f"{space.total:,} runs are too many; {_MOST_RUNS:,} at most, each point with every seed")


def _check_settings(space: Space) -> None:
    """Raise InputError for settings that no training takes: of Optuna's points, each axis by itself."""
    if space.search != "optuna":
        _ = space.every
        return
    for name in space.presets:
        base = changed(preset(name), space.fixed)
        for field, axis in space.axes.items():
            for value in (axis.low, axis.high) if isinstance(axis, Range) else axis:
                changed(base, {field: value})


def _drawn(name: str, axis: Axis, chance: random.Random) -> Any:
    if not isinstance(axis, Range):
        return chance.choice(axis)
    if axis.log:
        value = math.exp(chance.uniform(math.log(axis.low), math.log(axis.high)))
    else:
        value = chance.uniform(axis.low, axis.high)
    value = min(max(value, axis.low), axis.high)
    return round(value) if fields()[name].kind is int else float(f"{value:.6g}")


def ready() -> dict[str, str]:
    """The sweeps that come with the workbench: name -> TOML text."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(READY.glob("*.toml"))}
