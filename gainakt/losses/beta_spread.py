"""The push for slopes that differ."""

from torch import Tensor
from torch.nn import functional as F

from gainakt.losses.inputs import LossInputs

BETA_STD_TARGET = 0.3
"""The seed's criterion on std(beta)."""


def loss(inputs: LossInputs) -> Tensor:
    """max(0, 0.3 - std(beta))."""
    return F.relu(BETA_STD_TARGET - inputs.encoder2.mastery.beta.std(correction=0))
