"""More gain after correct responses than after incorrect ones."""

from torch import Tensor
from torch.nn import functional as F

from gainakt.losses.parts import means
from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """max(0, margin - (mean gain after correct - after incorrect)) of each skill with both in the batch, their mean."""
    skills = len(seen.encoder2.mastery.beta)
    each, count = means(seen.own, 2 * seen.skill + seen.response, 2 * skills)
    each, both = each.view(skills, 2), (count.view(skills, 2) > 0).all(1)
    terms = F.relu(seen.config.losses.margin - (each[:, 1] - each[:, 0]))
    return (terms * both).sum() / both.sum().clamp(min=1)
