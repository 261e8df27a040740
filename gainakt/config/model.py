"""Sizes of the encoders and every choice between gain and prediction."""

from typing import Literal

from gainakt.config.base import Section, setting


class ModelConfig(Section):
    """Sizes of the two encoders and every choice between gain and prediction."""

    kind: Literal["gainakt", "parametric"] = setting(
        "gainakt",
        "Kind of model",
        "gainakt: the two encoders. parametric: the light stand-in, a learning curve over counts of practice that is"
        " fitted in seconds; of the model's settings it knows the two below.",
    )
    hidden: Literal["nothing", "skill", "response"] = setting(
        "nothing",
        "Hidden from the gains",
        "For the tests of differentiation: gains, beta and transfer do not know which skill is practised, or gains do"
        " not know what the response was.",
    )
    ability: bool = setting(
        False, "Ability term", "Initial mastery differs between students, by what their responses so far tell."
    )
    counts: bool = setting(
        False,
        "Counts told",
        "For the tests of differentiation: the encoder reads how often the practised skill was answered correctly and"
        " incorrectly before. Where the skill is hidden it could not know, elsewhere it has to work it out.",
    )
    width: int = setting(64, "Width", "Width D of both encoders.", ge=8, le=1024)
    blocks: int = setting(2, "Blocks", "Transformer blocks per encoder.", ge=1, le=12)
    heads: int = setting(4, "Attention heads", "Attention heads per block; must divide the width.", ge=1, le=16)
    feedforward: int = setting(256, "Feed-forward width", "Hidden width of each block's feed-forward.", ge=8, le=4096)
    dropout: float = setting(0.2, "Dropout", "Share of activations dropped while training.", ge=0, le=0.9)
    sharing: Literal["apart", "embeddings", "first_block"] = setting(
        "apart",
        "What the encoders share",
        "apart: nothing, the origin's. embeddings: those of skills, interactions and positions. first_block: those and"
        " the first block. What is shared gives encoder priority its force; one best epoch then counts for both.",
    )
    gain_head: Literal["additive", "linear", "per_skill", "mixture", "hierarchical"] = setting(
        "additive",
        "Gain head",
        "linear: sigmoid(W_s v + b_s), the origin's. additive: sigmoid(a_s + c_s r + w v), a rate and a response effect"
        " per skill and a context that all skills share. per_skill: a small network per skill. mixture: experts that"
        " skills mix. hierarchical: contexts of groups of skills, a rate per skill.",
    )
    gain_dropout: float = setting(
        0.0, "Dropout in the gain head", "Share of Encoder 2's output dropped before the gain head.", ge=0, le=0.9
    )
    experts: int = setting(4, "Experts or groups", "Experts of the mixture, groups of the hierarchy.", ge=1, le=64)
    groups_path: str = setting(
        "",
        "File of skill groups",
        "CSV with the columns skill and group, for the hierarchical head; empty: the groups are learned.",
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
    prior: Literal["none", "irt", "parametric"] = setting(
        "parametric",
        "Known of the skills",
        "parametric: the light stand-in is fitted to the training students first; it shrinks rates by how much is known"
        " of them. Curves and thresholds start there, all gains alike, and the fit weight draws each skill's numbers to"
        " those of the fit. Start values below then count only where accumulation is `all`, which has no such fit. irt:"
        " thresholds per skill (or offsets, where one threshold serves all) start from a Rasch fit of first attempts."
        " none: all skills start alike.",
    )
    identified: bool = setting(
        False, "Fix the scales", "Keep mean log beta at 0 and mean gamma at 1, so that gains alone carry the speed."
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

    @property
    def fitted(self) -> bool:
        """Whether the stand-in is fitted before training."""
        return self.prior == "parametric" and self.accumulation != "all"
