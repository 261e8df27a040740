"""The origin's skill contrast, the same formula as its variance loss."""

from torch import Tensor

from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """Minus the variance over skills of the gains at an interaction, mean over interactions."""
    return seen.contrast
