"""The frozen configuration tree: the only home of a default, a bound, a label and a help text.

Forms, command-line flags, stored snapshots and docs are derived from it through `fields()`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
from pydantic import ValidationError, model_validator
from pydantic_core import PydanticUndefined

from gainakt.config.base import Section
from gainakt.config.data import DataConfig
from gainakt.config.losses import LossConfig, WeightsConfig
from gainakt.config.model import ModelConfig
from gainakt.config.training import OriginConfig, PressureConfig, RegimeConfig, TrainingConfig
from gainakt.errors import InputError, unknown

DEFAULT_STORE = Path("data/gainakt.duckdb")
"""The store's file, relative to where the command runs; GAINAKT_STORE or --store name another."""
SCHEDULE = "schedule"
"""Who a change comes from that a run's own schedule of weights makes; a replay makes it by itself."""


RENAMED = {"weights.bce": "weights.encoder_priority", "model.ability": "model.level"}
"""Former name of a setting -> its present name: older runs, commands, schedules and control requests use the former."""


_SHOWN = 100
"""Characters of a refused value that an error shows."""


def renamed(name: str) -> str:
    """The present name of a setting, given its present or a former one."""
    return RENAMED.get(name, name)


class Config(Section):
    """All settings of one run."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    losses: LossConfig = LossConfig()
    weights: WeightsConfig = WeightsConfig()
    training: TrainingConfig = TrainingConfig()
    regime: RegimeConfig = RegimeConfig()
    pressure: PressureConfig = PressureConfig()
    origin: OriginConfig = OriginConfig()

    @model_validator(mode="before")
    @classmethod
    def _with_present_names(cls, tree: Any) -> Any:
        if not isinstance(tree, Mapping):
            return tree
        parts = {section: dict(part) if isinstance(part, Mapping) else part for section, part in tree.items()}
        for former, present in RENAMED.items():
            (section, old), (_, new) = former.split("."), present.split(".")
            part = parts.get(section)
            if isinstance(part, dict) and old in part and new not in part:
                part[new] = part.pop(old)
        return parts


SECTIONS = {
    "data": "Data",
    "model": "Model",
    "losses": "Loss forms",
    "weights": "Loss weights",
    "training": "Training",
    "regime": "Training phases",
    "pressure": "Constraints on gains",
    "origin": "Faults of the original study",
}
"""Section -> its title, on the pages and in the docs."""


@dataclass(frozen=True)
class FieldSpec:
    """One setting as forms, flags and docs need it.

    `low` and `high` are None where unbounded; `above` and `below` say that the bound itself is not allowed.
    """

    name: str
    label: str
    help: str
    kind: type
    default: Any
    choices: tuple[str, ...]
    low: float | None
    high: float | None
    live: bool
    log: bool
    above: bool = False
    below: bool = False


@cache
def fields() -> dict[str, FieldSpec]:
    """Every setting by its dotted name, in the order of the tree."""
    return {
        f"{section}.{name}": _spec(f"{section}.{name}", info)
        for section, part in Config.model_fields.items()
        for name, info in part.annotation.model_fields.items()  # type: ignore[union-attr]
    }


def _spec(name: str, info: Any) -> FieldSpec:
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    bounds = {key: value for meta in info.metadata for key, value in vars_of(meta).items()}
    extra = info.json_schema_extra
    return FieldSpec(
        name=name,
        label=extra["label"],
        help=info.description,
        kind=str if choices else info.annotation,
        default=None if info.default is PydanticUndefined else info.default,
        choices=choices,
        low=bounds.get("ge", bounds.get("gt")),
        high=bounds.get("le", bounds.get("lt")),
        live=extra["live"],
        log=extra["log"],
        above="gt" in bounds,
        below="lt" in bounds,
    )


def vars_of(meta: Any) -> dict[str, Any]:
    """The bound that one annotated-types marker (Ge, Le, ...) carries, by its name."""
    return {key: getattr(meta, key) for key in ("ge", "gt", "le", "lt") if hasattr(meta, key)}


def flatten(config: Config) -> dict[str, Any]:
    """Dotted name -> value."""
    return flatten_stored(config.model_dump())


def flatten_stored(tree: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Dotted name -> value of what a stored configuration states, which may be a part; by its present names."""
    found = {f"{section}.{name}": value for section, part in tree.items() for name, value in part.items()}
    for former in RENAMED.keys() & found.keys():
        found[RENAMED[former]] = found.pop(former)
    return found


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """A new configuration with dotted fields replaced and validated; text values are parsed.

    Raises InputError that names the field, what is allowed and what was given.
    """
    tree = config.model_dump()
    known = fields()
    for given, value in changes.items():
        name = renamed(given)
        if name not in known:
            section = name.split(".")[0]
            raise unknown("setting", name, [n for n in sorted(known) if n.split(".")[0] == section] or known)
        section, key = name.split(".")
        tree[section][key] = value
    try:
        return checked(Config.model_validate(tree))
    except ValidationError as error:
        raise InputError(_explain(error)) from None


def stored(values: object) -> Config:
    """The configuration that a run keeps; raises InputError where this version knows none such."""
    if not values:  # else it would be repeated with the usual settings
        raise InputError("the run's settings are lost: the first row of its journal is damaged; a backup may have it")
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise InputError(f"the run was written by another version of the workbench: {_explain(error)}") from None


def checked(config: Config) -> Config:
    """The same configuration after the checks that need two fields; raises InputError."""
    model = config.model
    if model.width % model.heads:
        raise InputError(f"model.heads: {model.heads} does not divide model.width {model.width}; choose one that does")
    if model.prior == "irt" and model.threshold == model.offset == "global":
        raise InputError(
            "model.prior: irt starts a threshold or an offset per skill, and both are global; set model.threshold or"
            " model.offset to per_skill"
        )
    if model.sharing != "apart" and (model.hidden != "nothing" or model.counts):
        raise InputError("model.hidden and model.counts need encoders that share nothing; set model.sharing to apart")
    if model.sharing != "apart" and (model.encoder1 == "recurrent" or model.gain_head == "skill_response"):
        raise InputError(
            "model.sharing needs two transformers, and model.encoder1 recurrent or model.gain_head skill_response has"
            " one; set model.sharing to apart"
        )
    if model.counts and model.hidden == "response":
        raise InputError("model.counts would reveal the responses that model.hidden hides; set it to false")
    if config.regime.alternate and config.regime.alone_epochs:
        raise InputError("regime.alternate and regime.alone_epochs exclude each other; set one to 0")
    weights_at(config.regime.schedule, 1)
    return config


def weights_at(schedule: str, epoch: int) -> dict[str, float]:
    """Weight -> its value at `epoch` by a schedule such as `variance 1:0 10:20; encoder_priority 1:0.5 5:0.3`.

    Straight lines between the points, constant outside them. Raises InputError that says what is wrong.
    """
    values: dict[str, float] = {}
    for part in filter(str.strip, schedule.split(";")):
        name, *texts = part.split()
        spec = fields().get(renamed(f"weights.{name}"))
        if spec is None:
            known = ", ".join(WeightsConfig.model_fields)
            raise InputError(
                f"regime.schedule: unknown weight {_shortened(name)} in {_shortened(part.strip())}; known: {known}"
            )
        name = spec.name.removeprefix("weights.")
        points = sorted(_point(text, spec) for text in texts)
        if not points or len({at for at, _ in points}) < len(points) or name in values:
            raise InputError(
                f"regime.schedule: {_shortened(part.strip())}: expected each weight once, with epoch:value points, no"
                " epoch twice"
            )
        at, levels = ([point[place] for point in points] for place in (0, 1))
        values[name] = float(np.interp(epoch, at, levels))
    return values


def _point(text: str, spec: FieldSpec) -> tuple[int, float]:
    epoch, _, value = text.partition(":")
    try:
        point = int(epoch), float(value)
    except ValueError:
        raise InputError(f"regime.schedule: {_shortened(text)} is not epoch:value, such as 10:0.5") from None
    if point[0] < 1 or not (spec.low or 0.0) <= point[1] <= (spec.high or 0.0):
        raise InputError(
            f"regime.schedule: {_shortened(text)}: epochs start at 1, and {spec.name} is from {spec.low:g} to"
            f" {spec.high:g}"
        )
    return point


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        lines.append(f"{name}: {item['msg']}; got {_shortened(item['input'])}")
    return "; ".join(lines)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"


def difference(config: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    """Dotted name -> (value here, value there) of the settings that differ."""
    here, there = flatten(config), flatten(other)
    return {name: (here[name], there[name]) for name in here if here[name] != there[name]}
