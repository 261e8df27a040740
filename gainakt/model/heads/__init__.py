"""Gain heads, one per file: `HEADS` lists them by the name that `model.gain_head` chooses."""

from collections.abc import Callable

from gainakt.config.model import ModelConfig
from gainakt.model.heads import additive, hierarchical, linear, mixture, per_skill, skill_response
from gainakt.model.heads.base import GainHead

__all__ = ["HEADS", "GainHead", "make"]

HEADS: dict[str, Callable[[ModelConfig, int], GainHead]] = {
    "additive": additive.Head,
    "skill_response": skill_response.Head,
    "linear": linear.Head,
    "per_skill": per_skill.Head,
    "mixture": mixture.Head,
    "hierarchical": hierarchical.Head,
}
"""Name -> the head, made from the configuration and the number of skills."""


def make(config: ModelConfig, skills: int) -> GainHead:
    """The configured gain head for so many skills."""
    return HEADS[config.gain_head](config, skills)
