"""What a loss weight acts on in a given configuration, in a sentence: a pure function of the configuration."""

from collections.abc import Callable

from gainakt.config.tree import Config


def acts_on(name: str, config: Config) -> str:
    """A sentence on what the weight with this dotted name does here; empty where its help text says enough."""
    sentence = _SENTENCES.get(name)
    return sentence(config) if sentence else ""


def no_effect(name: str, config: Config) -> str:
    """Why the live setting with this dotted name does nothing in this configuration; empty where it does something."""
    reason = _IDLE.get(name)
    return reason(config) if reason else ""


def _encoder_priority(config: Config) -> str:
    priority, phases = config.weights.encoder_priority, config.regime
    if phases.alone_epochs and phases.alone_from == 1 and phases.alone_epochs >= config.training.max_epochs:
        return "Encoder 1 does not train in this run: this only weighs IM against Encoder 2's other terms."
    if config.model.sharing != "apart":
        part = {"embeddings": "embeddings", "first_block": "embeddings and the first block"}[config.model.sharing]
        return f"Decides whose gradient shapes the shared {part}, and which epoch is kept as the best."
    if priority in (0.0, 1.0):
        idle = "Encoder 1" if priority == 0 else "Encoder 2's prediction"
        return f"At {priority:g} {idle} gets no gradient at all; between 0 and 1 the value hardly matters."
    others = _other_terms(config)
    against = f" It still weighs IM against {', '.join(others)}." if others else ""
    return f"Hardly any effect: the encoders share no parameters, and Adam ignores the scale of a gradient.{against}"


def _other_terms(config: Config) -> list[str]:
    apart = ("encoder_priority", "beta_spread")
    on = [name for name, value in config.weights.model_dump().items() if value and name not in apart]
    return [name.replace("_", " ") for name in on if config.origin.variance_added or name != "variance"]


_OVER = {
    "skills": "over skills at an interaction",
    "students": "over students, skill by skill",
    "responses": "between responses, skill by skill",
}


def _variance(config: Config) -> str:
    form, head = config.losses, config.model.gain_head
    if not config.origin.variance_added:
        return "No effect: the variance loss is computed and logged, but not part of the total."
    if form.variance_over == "skills" and head in ("additive", "skill_response"):
        return (
            f"Acts on the {form.variance_of} over skills at an interaction: with this gain head, on a_s and c_s,"
            " each skill's rate and response effect."
        )
    if head == "skill_response":
        return f"Acts on the {form.variance_of} {_OVER[form.variance_over]}, through a_s and c_s of each skill."
    through = f"through the {head.replace('_', '-')} head and Encoder 2"
    return f"Acts on the {form.variance_of} {_OVER[form.variance_over]}, {through}."


def _beta_spread(config: Config) -> str:
    if config.model.beta_start_std >= 0.3:
        return f"Inactive: beta starts with std {config.model.beta_start_std:g}, above the target of 0.3."
    return "Acts on beta only, never on gains."


def _balance(config: Config) -> str:
    if config.model.gain_head == "mixture":
        return ""
    return f"No effect: the {config.model.gain_head.replace('_', '-')} head has no experts."


def _distillation(config: Config) -> str:
    if config.regime.alone_epochs and config.regime.encoder1 == "removed":
        return "No effect in the epochs in which Encoder 1 is removed; freeze it instead."
    return ""


_PER_SKILL = {
    "additive": "a_s and c_s",
    "skill_response": "a_s and c_s",
    "linear": "W_s and b_s",
    "per_skill": "every skill's network",
    "mixture": "gates and b_s",
    "hierarchical": "b_s",
}


def _shrinkage(config: Config) -> str:
    return f"Acts on {_PER_SKILL[config.model.gain_head]}."


def _contrastive(config: Config) -> str:
    if config.origin.mastery_head:
        return ""
    return "The mastery head is off, so Encoder 2 learns only from terms such as this one."


_SENTENCES: dict[str, Callable[[Config], str]] = {
    "weights.encoder_priority": _encoder_priority,
    "weights.variance": _variance,
    "weights.contrastive": _contrastive,
    "weights.beta_spread": _beta_spread,
    "weights.balance": _balance,
    "weights.distillation": _distillation,
    "weights.shrinkage": _shrinkage,
}


def _fit(config: Config) -> str:
    if not config.model.fitted:
        return "No effect: no learning-curve model was fitted before this training."
    return ""


def _transfer(config: Config) -> str:
    if config.model.accumulation != "transfer":
        return f"No effect: with accumulation {config.model.accumulation} nothing is transferred."
    return ""


def _std_target(config: Config) -> str:
    hinge = config.losses.variance_form == "std_hinge" and config.weights.variance
    return "" if hinge or config.weights.adversary else "Acts only with the variance loss std_hinge, or an adversary."


def _margin(config: Config) -> str:
    used = config.weights.triplet or config.weights.ranking
    return "" if used else "Acts only with a triplet or ranking weight above 0."


def _gain_dropout(config: Config) -> str:
    return "No effect: this gain head reads nothing of Encoder 2." if config.model.gain_head == "skill_response" else ""


_IDLE: dict[str, Callable[[Config], str]] = {
    "weights.variance": lambda config: "" if config.origin.variance_added else _variance(config),
    "weights.beta_spread": lambda config: _beta_spread(config) if config.model.beta_start_std >= 0.3 else "",
    "weights.balance": _balance,
    "weights.fit": _fit,
    "model.transfer_start": _transfer,
    "model.gain_dropout": _gain_dropout,
    "losses.std_target": _std_target,
    "losses.margin": _margin,
}
