"""Gains that go with responses."""

from torch import Tensor

from gainakt.losses.inputs import LossInputs

FLOOR = 0.01
"""Added to the std of the gains: where all are alike, r would pull without bound."""


def loss(inputs: LossInputs) -> Tensor:
    """Minus Pearson's r (damped by the floor) of a practised gain and the response just given, over the batch."""
    gain = inputs.own - inputs.own.mean()
    response = inputs.response - inputs.response.float().mean()
    spread = ((gain**2).mean() + FLOOR**2).sqrt() * ((response**2).mean() + 1e-6).sqrt()
    return -(gain * response).mean() / spread
