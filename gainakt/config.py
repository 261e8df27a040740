"""The frozen configuration tree: the only home of a default, a bound, a label and a help text.

Forms, command-line flags, stored snapshots and docs are derived from it through `fields()`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from gainakt.errors import InputError
from gainakt.sections.base import Section, setting
from gainakt.sections.losses import LossConfig, WeightsConfig
from gainakt.sections.model import ModelConfig
from gainakt.sections.training import OriginConfig, PressureConfig, RegimeConfig, TrainingConfig

__all__ = [
    "DEFAULT_STORE", "Config", "DataConfig", "FieldSpec", "LossConfig", "ModelConfig", "OriginConfig", "PressureConfig",
    "RegimeConfig", "Section", "TrainingConfig", "WeightsConfig", "changed", "checked", "difference", "fields",
    "flatten", "setting", "weights_at",
]  # fmt: skip


DEFAULT_STORE = Path("data/gainakt.duckdb")
"""The store's file, relative to where the command runs; GAINAKT_STORE or --store name another."""


class DataConfig(Section):
    """Where the interactions come from and how they are cut into windows."""

    path: str = setting(
        "",
        "Data path",
        "A file, a folder or several of them (separated by ;) of responses; empty means the simulated class below.",
    )
    test_path: str = setting("", "Test path", "Files whose students test, beside those whose name says so (test.csv).")
    simulate: str = setting("demo", "Simulated class", "The simulated scenario that is used when no path is given.")
    seed: int = setting(0, "Seed of the simulated class", "The same scenario and seed give the same responses.", ge=0)
    window: int = setting(
        200,
        "Window",
        "Longest sequence in interactions; longer ones are cut, each starting at zero practice.",
        ge=2,
        le=5000,
    )
    format: Literal["auto", "table", "sequences", "lines"] = setting(
        "auto",
        "Format",
        "table: one row per response, with a header. sequences: pyKT's, one row per student with lists. lines: three or"
        " four lines per student (length, questions, skills, responses). auto: by what is in the file.",
    )
    encoding: str = setting("auto", "Encoding", "Of text files: auto, or a name such as utf-8, utf-16, latin-1, gbk.")
    student_column: str = setting("", "Student column", "Its header; empty: guessed from known headers.")
    skill_column: str = setting("", "Skill column", "Its header; empty: guessed, or the skill model below.")
    response_column: str = setting("", "Response column", "Its header; empty: guessed from known headers.")
    time_column: str = setting(
        "", "Time or order column", "Its header; empty: guessed; - for none, so that rows count in the file's order."
    )
    question_column: str = setting("", "Question column", "Its header; empty: guessed; - for none.")
    fold_column: str = setting("", "Fold column", "Its header; empty: guessed; - for none.")
    attempt_column: str = setting(
        "",
        "Attempt column",
        "Its header; rows of a student that share it are one response to a question of several skills (order_id in"
        " ASSISTments 2009); empty: guessed; - for none.",
    )
    skill_model: str = setting(
        "", "Skill model", "Name of the KC model of a DataShop export, such as Default; empty: the first."
    )
    skill_separator: str = setting(
        "",
        "Skill separator",
        "What stands between several skills in one cell; empty: ~~, and _ or ; between numbers in columns known for it.",
    )
    several_skills: Literal["joined", "first", "expanded"] = setting(
        "joined",
        "Several skills per question",
        "joined: the combination is one skill. first: the others are ignored. expanded: one interaction per skill,"
        " marked as siblings, which must be scored as one question.",
    )
    partial_credit: Literal["reject", "correct", "incorrect"] = setting(
        "reject",
        "Partial credit",
        "What a response between 0 and 1 counts as; reject leaves the row out and reports it.",
    )
    bad_rows: Literal["report", "stop"] = setting(
        "report", "Bad rows", "report: leave them out and list each with its reason. stop: end at the first."
    )
    overlap: Literal["local", "same"] = setting(
        "local",
        "Ids in both train and test",
        "local: different people, ids count within their file. same: the same people, who then only test.",
    )
    pseudonymise: bool = setting(
        False, "Pseudonymise", "Replace student ids by numbers in order of appearance; nothing keeps the originals."
    )


class Config(Section):
    """One run, whole: data, model, losses, weights, training, and what presses on it."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    losses: LossConfig = LossConfig()
    weights: WeightsConfig = WeightsConfig()
    training: TrainingConfig = TrainingConfig()
    regime: RegimeConfig = RegimeConfig()
    pressure: PressureConfig = PressureConfig()
    origin: OriginConfig = OriginConfig()


@dataclass(frozen=True)
class FieldSpec:
    """One setting as forms, flags and tables need it; `low` and `high` are None where unbounded."""

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
    )


def vars_of(meta: Any) -> dict[str, Any]:
    """The bound that one annotated-types marker (Ge, Le, ...) carries, by its name."""
    return {key: getattr(meta, key) for key in ("ge", "gt", "le", "lt") if hasattr(meta, key)}


def flatten(config: Config) -> dict[str, Any]:
    """Dotted name -> value."""
    return {f"{section}.{name}": value for section, part in config.model_dump().items() for name, value in part.items()}


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """A new configuration with dotted fields replaced and validated; text values are parsed.

    Raises InputError that names the field, what is allowed and what was given.
    """
    tree = config.model_dump()
    known = fields()
    for name, value in changes.items():
        if name not in known:
            near = ", ".join(sorted(n for n in known if n.split(".")[0] == name.split(".")[0])) or ", ".join(known)
            raise InputError(f"unknown field {name!r}; known fields: {near}")
        section, key = name.split(".")
        tree[section][key] = value
    try:
        return checked(Config.model_validate(tree))
    except ValidationError as error:
        raise InputError(_explain(error)) from None


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
    if config.regime.alternate and config.regime.alone_epochs:
        raise InputError("regime.alternate: turns and epochs of Encoder 2 alone exclude each other; set one to 0")
    weights_at(config.regime.schedule, 1)
    return config


def weights_at(schedule: str, epoch: int) -> dict[str, float]:
    """Weight -> its value at `epoch` by a schedule such as `variance 1:0 10:20; bce 1:0.5 5:0.3`.

    Straight lines between the points, constant outside them. Raises InputError that says what is wrong.
    """
    found: dict[str, float] = {}
    for part in filter(str.strip, schedule.split(";")):
        name, *texts = part.split()
        spec = fields().get(f"weights.{name}")
        if spec is None:
            known = ", ".join(WeightsConfig.model_fields)
            raise InputError(f"regime.schedule: unknown weight {name!r} in {part.strip()!r}; known: {known}")
        points = sorted(_point(text, spec) for text in texts)
        if not points or len({at for at, _ in points}) < len(points) or name in found:
            raise InputError(
                f"regime.schedule: {part.strip()!r}; each weight once, with epoch:value points, no epoch twice"
            )
        epochs, values = ([point[place] for point in points] for place in (0, 1))
        found[name] = float(np.interp(epoch, epochs, values))
    return found


def _point(text: str, spec: FieldSpec) -> tuple[int, float]:
    epoch, _, value = text.partition(":")
    try:
        point = int(epoch), float(value)
    except ValueError:
        raise InputError(f"regime.schedule: {text!r} is no epoch:value, such as 10:0.5") from None
    if point[0] < 1 or not (spec.low or 0.0) <= point[1] <= (spec.high or 0.0):
        raise InputError(
            f"regime.schedule: {text!r}; epochs start at 1, and {spec.name} lies in {spec.low:g} to {spec.high:g}"
        )
    return point


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        lines.append(f"{name}: {item['msg']}; got {item['input']!r}")
    return "; ".join(lines)


def difference(config: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    """Dotted name -> (value here, value there) of the settings that differ."""
    here, there = flatten(config), flatten(other)
    return {name: (here[name], there[name]) for name in here if here[name] != there[name]}
