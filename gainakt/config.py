"""The frozen configuration tree: the only home of a default, a bound, a label and a help text.

Forms, command-line flags, stored snapshots and docs are derived from it through `fields()`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticUndefined

from gainakt.errors import InputError


def setting(default: Any, label: str, help: str, *, live: bool = False, log: bool = False, **bounds: Any) -> Any:
    """A configuration field; `live` may change mid-run, `log` asks for a slider with 0 and then a log scale."""
    extra: dict[str, Any] = {"label": label, "live": live, "log": log}
    return Field(default, title=label, description=help, json_schema_extra=extra, **bounds)


class Section(BaseModel):
    """A frozen group of settings; unknown names and non-finite numbers are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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


class ModelConfig(Section):
    """Sizes of the two encoders and every choice between gain and prediction."""

    width: int = setting(64, "Width", "Width D of both encoders.", ge=8, le=1024)
    blocks: int = setting(2, "Blocks", "Transformer blocks per encoder.", ge=1, le=12)
    heads: int = setting(4, "Attention heads", "Attention heads per block; must divide the width.", ge=1, le=16)
    feedforward: int = setting(256, "Feed-forward width", "Hidden width of each block's feed-forward.", ge=8, le=4096)
    dropout: float = setting(0.2, "Dropout", "Share of activations dropped while training.", ge=0, le=0.9)
    gain_head: Literal["additive", "linear"] = setting(
        "additive",
        "Gain head",
        "linear: sigmoid(W_s v + b_s), the origin's. additive: sigmoid(a_s + c_s r + w v), a rate and a response effect"
        " per skill and a context that all skills share.",
    )
    gain_start: float = setting(
        0.02,
        "Gain at the start",
        "Every gain's value before training. Near 0.5 (the origin's) a few interactions saturate the curve.",
        gt=0,
        lt=1,
    )
    accumulation: Literal["all", "practised", "transfer"] = setting(
        "transfer",
        "Accumulation",
        "Which interactions feed a skill's practice: all in full, only those that practise it, or those in full and a"
        " learned share of the others.",
    )
    transfer_start: float = setting(
        0.05,
        "Transfer share at the start",
        "Learned share of another skill's gain that counts as practice.",
        gt=0,
        lt=1,
    )
    threshold: Literal["global", "per_skill"] = setting(
        "per_skill",
        "Threshold theta",
        "One mastery threshold for all skills (the origin's) or one per skill.",
    )
    offset: Literal["global", "per_skill"] = setting(
        "per_skill",
        "Offset",
        "One inflection point of the learning curve for all skills or one per skill.",
    )
    temperature: Literal["fixed", "learned"] = setting(
        "learned",
        "Temperature T",
        "Fixed at its start (the origin's) or learned.",
    )
    student_velocity: Literal["fixed", "per_student"] = setting(
        "fixed",
        "Learning velocity gamma",
        "gamma fixed at its start for everyone, or learned per training student; an unseen student gets the training"
        " students' arithmetic mean.",
    )
    beta_start: float = setting(4.0, "Beta at the start", "Mean of the slopes beta before training.", ge=0.01, le=20)
    beta_start_std: float = setting(
        0.0,
        "Beta std at the start",
        "Their standard deviation; the origin draws 0.5, so that its beta criterion passes untrained.",
        ge=0,
        le=5,
    )
    gamma_start: float = setting(1.0, "Gamma at the start", "Learning velocity before training.", ge=0.01, le=10)
    saturation_start: float = setting(0.8, "M_sat at the start", "Ceiling of mastery before training.", gt=0, le=1)
    threshold_start: float = setting(0.2, "Theta at the start", "Mastery threshold before training.", ge=0, le=1)
    offset_start: float = setting(0.5, "Offset at the start", "Inflection point before training.", ge=-10, le=10)
    temperature_start: float = setting(0.25, "T at the start", "Temperature before training.", ge=0.01, le=10)


class LossConfig(Section):
    """Forms of the loss terms; their weights are in `weights`."""

    variance_form: Literal["minus_variance", "std_hinge"] = setting(
        "minus_variance",
        "Variance loss",
        "minus_variance: minus the variance over skills of the gains at an interaction, the origin's."
        " std_hinge: max(0, target - std), whose pull does not vanish at collapse (VICReg).",
    )
    std_target: float = setting(
        0.2,
        "Target std",
        "Std over skills that the hinge asks for, in units of gain.",
        gt=0,
        le=0.5,
        live=True,
    )


class WeightsConfig(Section):
    """Weights of the loss terms; all may change while a run trains."""

    bce: float = setting(
        0.5,
        "Encoder priority",
        "Share of Encoder 1's loss: total = w BCE + (1 - w) IM + other terms. The encoders share no parameter and"
        " Adam ignores a gradient's scale, so it reaches Encoder 2 only against its other terms and through clipping.",
        ge=0,
        le=1,
        live=True,
    )
    variance: float = setting(
        0.0,
        "Variance weight",
        "Acts on Encoder 2's gains: pushes gains of different skills apart. A large std bought"
        " by weight alone means nothing by itself.",
        ge=0,
        le=5000,
        live=True,
        log=True,
    )
    contrastive: float = setting(
        0.0,
        "Contrastive weight",
        "The origin's skill contrast: the same formula as minus variance, under its second name and weight.",
        ge=0,
        le=5000,
        live=True,
        log=True,
    )
    beta_spread: float = setting(
        0.0,
        "Beta spread weight",
        "Acts on beta only: max(0, 0.3 - std(beta)).",
        ge=0,
        le=100,
        live=True,
        log=True,
    )


class TrainingConfig(Section):
    """How long, how fast and on what the model trains."""

    seed: int = setting(0, "Seed", "Seed of the split, the start values, the order of batches and dropout.", ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto",
        "Device",
        "auto takes CUDA, then Apple's MPS, then the CPU.",
    )
    max_epochs: int = setting(15, "Epochs at most", "0 evaluates the untrained model.", ge=0, le=1000)
    patience: int = setting(
        10,
        "Patience",
        "Stop when neither encoder's validation AUC has improved for this many epochs.",
        ge=1,
    )
    batch_size: int = setting(64, "Batch size", "Windows per step.", ge=1, le=4096)
    learning_rate: float = setting(3e-3, "Learning rate", "Adam's rate; the peak of the one-cycle.", gt=0, le=1)
    mastery_rate: float = setting(
        5.0,
        "Rate of the mastery parameters",
        "Learning rate of beta, M_sat, theta, offset, T, transfer and the gain head's a_s, c_s, as a multiple of the"
        " learning rate.",
        gt=0,
        le=100,
    )
    schedule: Literal["constant", "one_cycle"] = setting(
        "one_cycle",
        "Schedule",
        "Learning rate over the run: constant, or up and down once over the epochs at most.",
    )
    weight_decay: float = setting(0.01, "Weight decay", "AdamW's decay of the encoders' matrices.", ge=0, le=1)
    clip_norm: float = setting(1.0, "Clip norm", "Gradient norm at which all gradients are scaled down.", gt=0)
    fold: int = setting(0, "Validation fold", "The given fold that validates, where a file has folds.", ge=0)
    log_every: int = setting(5, "Log every", "Steps between two recorded points.", ge=1, le=1000)


class Config(Section):
    """One run, whole: data, model, losses, weights, training."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    losses: LossConfig = LossConfig()
    weights: WeightsConfig = WeightsConfig()
    training: TrainingConfig = TrainingConfig()


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
    return config


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


_V3_PHASE1: dict[str, Any] = {
    # the seed's settings (its Phase 1 run)
    "model.width": 256,
    "model.heads": 4,
    "model.blocks": 4,
    "model.feedforward": 256,
    "model.dropout": 0.1,
    "model.temperature": "fixed",
    "model.temperature_start": 1.0,
    "model.threshold": "global",
    "model.threshold_start": 0.85,
    "model.student_velocity": "per_student",
    "model.beta_start": 2.0,
    "model.beta_start_std": 0.5,
    "weights.bce": 0.5,
    "weights.variance": 2.0,
    "weights.contrastive": 1.0,
    "weights.beta_spread": 0.5,
    "training.learning_rate": 1.74e-4,
    "training.schedule": "constant",
    "training.batch_size": 64,
    "training.weight_decay": 1e-4,
    "training.clip_norm": 1.0,
    "training.patience": 10,
    "training.max_epochs": 30,
    "training.mastery_rate": 1.0,
    # the origin's formulas
    "model.gain_head": "linear",
    "model.gain_start": 0.5,
    "model.accumulation": "all",
    "losses.variance_form": "minus_variance",
    # left open by the seed; these start values fit its epoch-1 figures
    "model.saturation_start": 0.8,
    "model.gamma_start": 1.0,
    "model.offset_start": 2.0,
    "model.offset": "global",
}

OPEN_IN_SEED = (
    "model.saturation_start",
    "model.gamma_start",
    "model.offset_start",
    "model.offset",
    "model.gain_start",
    "training.max_epochs",
    "training.seed",
)
"""Settings of `v3-phase1` that the seed document does not state."""

PRESETS: dict[str, tuple[str, Config]] = {
    "corrected": (
        "Small initial gains, practised skill in full and a learned transfer share, thresholds per skill.",
        Config(),
    ),
    "v3-phase1": (
        "The seed's failed run: the origin's formulas and settings at its size.",
        changed(Config(), _V3_PHASE1),
    ),
}


def preset(name: str) -> Config:
    """The named configuration; raises InputError that lists the known names."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}; known: {', '.join(PRESETS)}")
    return PRESETS[name][1]
