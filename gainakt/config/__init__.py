"""The settings of a run: one frozen, checked tree; named presets of it; what a loss weight acts on in it.

The only home of a default, a bound, a label and a help text: forms, flags, stored snapshots and docs derive from it.
May import only `errors`.
"""

from gainakt.config.base import Section, setting
from gainakt.config.data import DataConfig
from gainakt.config.losses import LossConfig, WeightsConfig
from gainakt.config.model import ModelConfig
from gainakt.config.training import OriginConfig, PressureConfig, RegimeConfig, TrainingConfig
from gainakt.config.tree import (
    DEFAULT_STORE,
    SCHEDULE,
    SECTIONS,
    Config,
    FieldSpec,
    changed,
    checked,
    difference,
    fields,
    flatten,
    flatten_stored,
    renamed,
    stored,
    vars_of,
    weights_at,
)

__all__ = [
    "DEFAULT_STORE",
    "SCHEDULE",
    "SECTIONS",
    "Config",
    "DataConfig",
    "FieldSpec",
    "LossConfig",
    "ModelConfig",
    "OriginConfig",
    "PressureConfig",
    "RegimeConfig",
    "Section",
    "TrainingConfig",
    "WeightsConfig",
    "changed",
    "checked",
    "difference",
    "fields",
    "flatten",
    "flatten_stored",
    "renamed",
    "setting",
    "stored",
    "vars_of",
    "weights_at",
]
