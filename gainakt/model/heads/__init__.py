"""Gain heads, one per file: `gainakt.model.heads.NAME` holds the class `Head` that `model.gain_head` NAME chooses."""

from importlib import import_module
from typing import cast

from gainakt.config.model import ModelConfig
from gainakt.model.heads.base import GainHead

__all__ = ["GainHead", "make"]


def make(config: ModelConfig, skills: int) -> GainHead:
    """The configured gain head for so many skills."""
    return cast(GainHead, import_module(f"{__name__}.{config.gain_head}").Head(config, skills))
