"""Encoder priority, the weights of the other loss terms (named as their files in `gainakt.losses`), and their forms."""

from typing import Literal

from gainakt.config.base import Section, setting, weight


class WeightsConfig(Section):
    """Weights of the loss terms; all may change while a run trains, and a term of weight 0 is not computed."""

    encoder_priority: float = setting(
        0.5,
        "Encoder priority",
        "w in the total loss w BCE + (1 - w) IM + other terms: higher favours Encoder 1's predictions, lower"
        " Encoder 2's. While the encoders share no parameters it hardly matters, because Adam ignores the scale"
        " of a gradient.",
        ge=0,
        le=1,
        live=True,
    )
    variance: float = weight(
        "Variance weight",
        "Higher pushes the gains of different skills apart. A large gain std that comes from this weight alone"
        " says nothing about the skills.",
        most=5000,
    )
    contrastive: float = weight(
        "Contrastive weight",
        "The original study's contrast between skills: the formula of minus variance a second time, with a"
        " weight of its own.",
        most=5000,
    )
    beta_spread: float = weight(
        "Beta spread weight",
        "Higher pushes the slopes beta apart until their std is 0.3: max(0, 0.3 - std(beta)). Does not affect gains.",
    )
    triplet: float = weight(
        "Triplet weight",
        "Higher pulls the gains of one skill together and pushes those of another skill away, by at least the margin.",
    )
    ranking: float = weight(
        "Ranking weight",
        "Higher pushes a skill's mean gain after correct responses above that after incorrect ones, by at least"
        " the margin.",
    )
    gain_response: float = weight(
        "Gain-response weight",
        "Higher makes gains larger after correct responses: minus the correlation of gain and response. The"
        " original study's alignment loss.",
    )
    smoothness: float = weight(
        "Smoothness weight",
        "Higher keeps a student's gains on one skill alike from one interaction to the next (squared change).",
    )
    balance: float = weight(
        "Load balance weight",
        "Higher makes the experts of the mixture head be used equally. No effect with other heads.",
    )
    shrinkage: float = weight(
        "Shrinkage weight",
        "Higher pulls the gain head's parameters of each skill towards their mean over skills (a hierarchical prior).",
    )
    fit: float = setting(
        0.25,
        "Fit weight",
        "Higher keeps each skill's gains, offset, M_sat and theta closer to those of the learning-curve model"
        " that is fitted before training, most of all for skills with few responses. No effect without that fit.",
        ge=0,
        le=100,
        live=True,
        log=True,
    )
    distillation: float = weight(
        "Distillation weight",
        "Higher makes Encoder 2's predictions more like Encoder 1's. Encoder 1 is not changed by it.",
    )
    gain_targets: float = weight(
        "Gain targets weight",
        "Higher pulls each skill's gains towards a target between 0.1 and 0.9 that is drawn at random for the skill.",
    )
    adversary: float = weight(
        "Adversary weight",
        "Higher pushes gains to look differentiated to a discriminator that learns to recognise uniform ones.",
    )


class LossConfig(Section):
    """Forms of the loss terms; their weights are in `weights`."""

    variance_form: Literal["minus_variance", "std_hinge"] = setting(
        "minus_variance",
        "Variance loss",
        "minus_variance: minus the variance of the gains, as in the original study. std_hinge: max(0, target -"
        " std), whose gradient does not vanish when gains are uniform (as in VICReg).",
    )
    variance_of: Literal["gains", "logits"] = setting(
        "gains",
        "Variance of",
        "gains, or logits: the gains before the sigmoid, where the gradient does not vanish near 0 and 1.",
    )
    variance_over: Literal["skills", "students", "responses"] = setting(
        "skills",
        "Variance over",
        "skills: at each interaction. students: of their mean gains, skill by skill. responses: of the mean"
        " gains after correct and after incorrect responses, skill by skill.",
    )
    sampled_skills: int = setting(
        256,
        "Skills sampled per step",
        "With more skills than this, terms that compare all skills use a random sample of this size at each"
        " step, which limits memory.",
        ge=2,
        le=100_000,
    )
    std_target: float = setting(
        0.2, "Target std", "The std that std_hinge demands, in units of gain (or logit).", gt=0, le=0.5, live=True
    )
    margin: float = setting(
        0.1, "Margin", "The difference in gain that the triplet and ranking terms demand.", ge=0, le=1, live=True
    )
