"""What several loss terms are made of."""

import torch
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy in nats over the masked steps (B, T)."""
    terms = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (terms * mask).sum() / mask.sum().clamp(min=1)


def minus_variance(rows: Tensor) -> Tensor:
    """Minus the variance within a row, mean over rows; (N, S). The origin's variance and contrast."""
    return -rows.var(dim=-1, correction=0).mean()


def std_hinge(rows: Tensor, target: float) -> Tensor:
    """max(0, target - std within a row), mean over rows; (N, S). VICReg, arXiv 2105.04906."""
    return F.relu(target - torch.sqrt(rows.var(dim=-1, correction=0) + 1e-4)).mean()


def means(values: Tensor, group: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Mean of `values` (N, ...) in each of the groups (G, ...), 0 where empty, and the counts (G,)."""
    count = torch.bincount(group, minlength=groups)
    total = torch.zeros(groups, *values.shape[1:], dtype=values.dtype, device=values.device)
    spread = count.clamp(min=1).view(-1, *[1] * (values.dim() - 1))
    return total.index_add(0, group, values) / spread, count
