"""What a loss weight acts on in a given setting, in a sentence: a pure function of the configuration."""

from collections.abc import Callable

from gainakt.config import Config

_ADAM = "Adam ignores a gradient's scale"


def acts_on(name: str, config: Config) -> str:
    """A sentence on what the weight with this dotted name acts on here; empty where its help text says enough."""
    told = _TOLD.get(name)
    return told(config) if told else ""


def _encoder_priority(config: Config) -> str:
    share, regime = config.weights.encoder_priority, config.regime
    if regime.alone_epochs and regime.alone_from == 1 and regime.alone_epochs >= config.training.max_epochs:
        return "Encoder 1 does not train in this run: it only sets IM against Encoder 2's other terms."
    if config.model.sharing != "apart":
        part = {"embeddings": "embeddings", "first_block": "embeddings and the first block"}[config.model.sharing]
        return f"Here it acts: it sets whose gradient shapes the shared {part}, and which epoch is kept as the best."
    if share in (0.0, 1.0):
        idle = "Encoder 1" if share == 0 else "Encoder 2's prediction"
        return f"At {share:g} {idle} gets no gradient at all; anywhere between, hardly anything depends on it."
    others = _others(config)
    against = f" It does set IM against {', '.join(others)}." if others else ""
    return f"Hardly acts on Encoder 2 here: the encoders share no parameter and {_ADAM}.{against}"


def _others(config: Config) -> list[str]:
    on = [
        name
        for name, value in config.weights.model_dump().items()
        if value and name not in ("encoder_priority", "beta_spread")
    ]
    return [name.replace("_", " ") for name in on if config.origin.variance_added or name != "variance"]


def _variance(config: Config) -> str:
    form, head = config.losses, config.model.gain_head
    if not config.origin.variance_added:
        return "Acts on nothing here: the term is computed, logged and never added."
    if form.variance_over == "skills" and head == "additive":
        return (
            f"Acts on the {form.variance_of} over skills at an interaction: here on a_s and c_s, each skill's rate and"
            " response effect."
        )
    over = {
        "skills": "over skills at an interaction", "students": "over students, skill by skill",
        "responses": "between responses, skill by skill",
    }[form.variance_over]  # fmt: skip
    return f"Acts on the {form.variance_of} {over}, through the {head.replace('_', '-')} head and Encoder 2."


def _beta_spread(config: Config) -> str:
    if config.model.beta_start_std >= 0.3:
        return f"At rest from the start: beta is drawn with std {config.model.beta_start_std:g}, over its target 0.3."
    return "Acts on beta alone, never on gains."


def _balance(config: Config) -> str:
    if config.model.gain_head == "mixture":
        return ""
    return f"Acts on nothing here: the {config.model.gain_head.replace('_', '-')} head has no experts."


def _distillation(config: Config) -> str:
    regime = config.regime
    if regime.alone_epochs and regime.encoder1 == "removed":
        return "Acts on nothing in the epochs in which Encoder 1 is removed; freeze it instead."
    return ""


_KEPT = {
    "additive": "a_s and c_s", "linear": "W_s and b_s", "per_skill": "every skill's network",
    "mixture": "gates and b_s", "hierarchical": "b_s",
}  # fmt: skip


def _shrinkage(config: Config) -> str:
    return f"Acts on {_KEPT[config.model.gain_head]}."


def _off_head(config: Config) -> str:
    return "" if config.origin.mastery_head else "The mastery head is off: only terms like this one teach Encoder 2."


_TOLD: dict[str, Callable[[Config], str]] = {
    "weights.encoder_priority": _encoder_priority,
    "weights.variance": _variance,
    "weights.contrastive": _off_head,
    "weights.beta_spread": _beta_spread,
    "weights.balance": _balance,
    "weights.distillation": _distillation,
    "weights.shrinkage": _shrinkage,
}
