"""Shrinkage towards the stand-in's fit, which shrinks rates by how much is known of them."""

import torch
from torch import Tensor

from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """Mean over skills and responses of the squared distance of the head's gain logits to those of the fit.

    0 where no fit was made (`model.prior`).
    """
    head = seen.encoder2.gains
    if seen.encoder2.fit is None:
        return torch.zeros((), device=seen.output.gains.device)
    distance: Tensor = head.levels() - seen.encoder2.fit
    return distance.square().mean()
