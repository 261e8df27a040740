"""Loss terms: their weights (one field each, named as its file in `gainakt.losses`) and their forms."""

from typing import Literal

from gainakt.config.base import Section, setting, weight


class WeightsConfig(Section):
    """Weights of the loss terms; all may change while a run trains, and a term of weight 0 is not computed."""

    encoder_priority: float = setting(
        0.5,
        "Encoder priority",
        "Share of Encoder 1's loss: total = w BCE + (1 - w) IM + other terms. Encoders that share no parameter hardly"
        " feel it: Adam ignores a gradient's scale.",
        ge=0,
        le=1,
        live=True,
    )
    variance: float = weight(
        "Variance weight",
        "Acts on Encoder 2's gains: pushes gains of different skills apart. A large std bought"
        " by weight alone means nothing by itself.",
        most=5000,
    )
    contrastive: float = weight(
        "Contrastive weight",
        "The origin's skill contrast: the same formula as minus variance, under its second name and weight.",
        most=5000,
    )
    beta_spread: float = weight("Beta spread weight", "Acts on beta only: max(0, 0.3 - std(beta)).")
    triplet: float = weight(
        "Triplet weight", "Gains of one skill nearer to each other than to those of another skill, by the margin."
    )
    ranking: float = weight(
        "Ranking weight", "A skill's mean gain after correct responses above that after incorrect ones, by the margin."
    )
    gain_response: float = weight(
        "Gain-response weight", "Minus the correlation of a gain with the response just given; the origin's alignment."
    )
    smoothness: float = weight(
        "Smoothness weight", "Squared change of the gain between successive interactions with the same skill."
    )
    balance: float = weight(
        "Load balance weight", "Acts on the mixture head only: all experts used alike over the practised skills."
    )
    shrinkage: float = weight(
        "Shrinkage weight", "Pulls what the gain head keeps per skill towards the skills' mean: a hierarchical prior."
    )
    fit: float = setting(
        0.25,
        "Fit weight",
        "Draws each skill's gains, offset, M_sat and theta to those of the stand-in's fit, where one is made: shrinkage"
        " by how much is known of a skill.",
        ge=0,
        le=100,
        live=True,
        log=True,
    )
    distillation: float = weight(
        "Distillation weight", "Encoder 2 also learns from Encoder 1's predictions, which it cannot change."
    )
    gain_targets: float = weight(
        "Gain targets weight",
        "Pulls each skill's gains towards a target of its own, between 0.1 and 0.9, dealt by seed.",
    )
    adversary: float = weight(
        "Adversary weight", "Gains should look differentiated to a discriminator that learns to spot uniform ones."
    )


class LossConfig(Section):
    """Forms of the loss terms; their weights are in `weights`."""

    variance_form: Literal["minus_variance", "std_hinge"] = setting(
        "minus_variance",
        "Variance loss",
        "minus_variance: minus the variance over skills of the gains at an interaction, the origin's."
        " std_hinge: max(0, target - std), whose pull does not vanish at collapse (VICReg).",
    )
    variance_of: Literal["gains", "logits"] = setting(
        "gains", "Variance of", "The gains, or their logits, where the sigmoid does not flatten the pull."
    )
    variance_over: Literal["skills", "students", "responses"] = setting(
        "skills",
        "Variance over",
        "skills: at each interaction. students: of their mean gains, for each skill. responses: of the mean gains after"
        " correct and incorrect ones, for each skill.",
    )
    sampled_skills: int = setting(
        256,
        "Skills compared at most",
        "Terms that compare the gains of all skills draw this many anew at each step where there are more, so that"
        " memory does not grow with the skills.",
        ge=2,
        le=100_000,
    )
    std_target: float = setting(
        0.2, "Target std", "Std that the hinge asks for, in units of gain (or logit).", gt=0, le=0.5, live=True
    )
    margin: float = setting(
        0.1, "Margin", "Distance in gain that the triplet and ranking terms ask for.", ge=0, le=1, live=True
    )
