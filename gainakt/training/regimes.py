"""Which encoder trains in an epoch."""

from dataclasses import dataclass

from gainakt.config.training import RegimeConfig
from gainakt.model.gainakt import Part


@dataclass(frozen=True)
class Phase:
    """What both encoders do in an epoch."""

    encoder1: Part = "trained"
    encoder2: Part = "trained"


def phase(regime: RegimeConfig, epoch: int) -> Phase:
    """The phase of `epoch`, counted from 1."""
    if regime.alternate:
        first = (epoch - 1) // regime.alternate % 2 == 0
        return Phase("trained", "frozen") if first else Phase("frozen", "trained")
    alone = regime.alone_from <= epoch < regime.alone_from + regime.alone_epochs
    return Phase(regime.encoder1, "trained") if alone else Phase()
