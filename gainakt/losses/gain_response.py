"""Gains that go with responses."""

from torch import Tensor

from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """Minus Pearson's r of a practised gain and the response just given, over the batch."""
    gain = seen.own - seen.own.mean()
    response = seen.response - seen.response.float().mean()
    return -(gain * response).mean() / ((gain**2).mean() * (response**2).mean() + 1e-8).sqrt()
