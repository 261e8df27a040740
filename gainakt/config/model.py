"""Sizes of the encoders and every choice between gain and prediction."""

from typing import Any, Literal

from pydantic import field_validator

from gainakt.config.base import Section, setting


class ModelConfig(Section):
    """Sizes of the two encoders and every choice between gain and prediction."""

    kind: Literal["gainakt", "parametric"] = setting(
        "gainakt",
        "Kind of model",
        "gainakt: the two encoders. parametric: the learning-curve model alone, fitted in seconds; of the"
        " settings here only the next two apply to it.",
    )
    hidden: Literal["nothing", "skill", "response"] = setting(
        "nothing",
        "Hidden from the gains",
        "For tests only: gains, beta and transfer are computed without the practised skill (skill), or gains"
        " without the response (response).",
    )
    level: Literal["none", "student", "student_skill"] = setting(
        "none",
        "Level",
        "Where a student started, as far as the responses so far tell: it shifts mastery both ways, while practice only"
        " grows, so that a gain need not carry what the student knew before. student: one level per student."
        " student_skill: one more on each skill.",
    )
    counts: bool = setting(
        False,
        "Practice counts as input",
        "For tests only: Encoder 2 also reads how often the practised skill was answered correctly and"
        " incorrectly before.",
    )
    width: int = setting(64, "Width", "Width D of both encoders.", ge=8, le=1024)
    blocks: int = setting(2, "Blocks", "Transformer blocks per encoder.", ge=1, le=12)
    heads: int = setting(4, "Attention heads", "Attention heads per block; must divide the width.", ge=1, le=16)
    feedforward: int = setting(
        256, "Feed-forward width", "Hidden width of the feed-forward layer in each block.", ge=8, le=4096
    )
    dropout: float = setting(
        0.2,
        "Dropout",
        "Share of activations dropped during training; higher regularises more.",
        ge=0,
        le=0.9,
        live=True,
    )
    encoder1: Literal["transformer", "recurrent"] = setting(
        "transformer",
        "Encoder 1",
        "transformer: blocks as in Encoder 2, as in the original study. recurrent: an LSTM of the same width that also"
        " reads counts and recency of the asked skill and the student's surprises; more accurate and faster.",
    )
    sharing: Literal["apart", "embeddings", "first_block"] = setting(
        "apart",
        "What the encoders share",
        "apart: nothing, as in the original study. embeddings: those of skills, interactions and positions."
        " first_block: those and the first block. Only with shared parameters does encoder priority matter, and"
        " one best epoch then counts for both encoders.",
    )
    gain_head: Literal["additive", "skill_response", "linear", "per_skill", "mixture", "hierarchical"] = setting(
        "additive",
        "Gain head",
        "How a gain is computed for skill s after response r. linear: sigmoid(W_s v + b_s), as in the original"
        " study. additive: sigmoid(a_s + c_s r + w v), a rate and a response effect per skill and a context"
        " shared by all. skill_response: the same without a context, so Encoder 2 needs no transformer. per_skill: a"
        " small network per skill. mixture: experts that each skill mixes. hierarchical: a context per group of"
        " skills, a rate per skill.",
    )
    gain_dropout: float = setting(
        0.0,
        "Dropout in the gain head",
        "Share of Encoder 2's output dropped before the gain head.",
        ge=0,
        le=0.9,
        live=True,
    )
    experts: int = setting(
        4, "Experts or groups", "Number of experts (mixture head) or of skill groups (hierarchical head).", ge=1, le=64
    )
    groups_path: str = setting(
        "",
        "File of skill groups",
        "CSV file with the columns skill and group, for the hierarchical head; empty: the groups are learned.",
    )
    gain_start: float = setting(
        0.02,
        "Initial gain",
        "Every gain before training. Near 0.5, as in the original study, a few interactions saturate the"
        " learning curve.",
        gt=0,
        lt=1,
    )
    accumulation: Literal["all", "practised", "transfer"] = setting(
        "transfer",
        "Accumulation",
        "Which interactions add to a skill's practice. all: every one in full. practised: only those with the"
        " skill. transfer: those in full, and a learned share of the others.",
    )
    transfer_start: float = setting(
        0.05,
        "Transfer share",
        "Share of another skill's gain that counts as practice, before training. Changed while a run trains, all skills"
        " are set to it at once.",
        gt=0,
        lt=1,
        live=True,
    )
    threshold: Literal["global", "per_skill"] = setting(
        "per_skill",
        "Threshold theta",
        "One mastery threshold for all skills, as in the original study, or one per skill.",
    )
    offset: Literal["global", "per_skill"] = setting(
        "per_skill",
        "Offset",
        "One inflection point of the learning curve for all skills, or one per skill.",
    )
    temperature: Literal["fixed", "learned"] = setting(
        "learned",
        "Temperature T",
        "Fixed at its initial value, as in the original study, or learned.",
    )
    student_velocity: Literal["fixed", "per_student"] = setting(
        "fixed",
        "Learning velocity gamma",
        "Fixed at its initial value for everyone, or learned per training student; other students get the"
        " training students' mean.",
    )
    prior: Literal["none", "irt", "parametric"] = setting(
        "parametric",
        "Skill prior",
        "Where the parameters of each skill start. parametric: a fit of the learning-curve model to the"
        " training students, towards which the fit weight shrinks them; not made with accumulation all."
        " irt: thresholds (or offsets, if there is one threshold) from a Rasch fit of first attempts. none: all"
        " skills alike, at the initial values below.",
    )
    identified: bool = setting(
        False,
        "Fix the scales",
        "Keep mean log beta at 0 and mean gamma at 1, so that only gains carry the learning speed.",
    )
    beta_start: float = setting(4.0, "Initial beta", "Mean of the slopes beta before training.", ge=0.01, le=20)
    beta_start_std: float = setting(
        0.0,
        "Initial std of beta",
        "Standard deviation of the slopes before training. The original study used 0.5, which meets its"
        " criterion for beta without any training.",
        ge=0,
        le=5,
    )
    gamma_start: float = setting(1.0, "Initial gamma", "Learning velocity before training.", ge=0.01, le=10)
    saturation_start: float = setting(0.8, "Initial M_sat", "Ceiling of mastery before training.", gt=0, le=1)
    threshold_start: float = setting(0.2, "Initial theta", "Mastery threshold before training.", ge=0, le=1)
    offset_start: float = setting(
        0.5, "Initial offset", "Inflection point of the learning curve before training.", ge=-10, le=10
    )
    temperature_start: float = setting(
        0.25,
        "Value of T",
        "Temperature before training; lower makes predictions change faster with mastery. Changed while a run"
        " trains, T is set to it at once.",
        ge=0.01,
        le=10,
        live=True,
    )

    @field_validator("level", mode="before")
    @classmethod
    def _level_of_ability(cls, value: Any) -> Any:
        return {True: "student", False: "none"}[value] if isinstance(value, bool) else value

    @property
    def fitted(self) -> bool:
        """Whether the learning-curve model is fitted before training."""
        return self.prior == "parametric" and self.accumulation != "all"
