"""The push for gains that differ: over skills, students or responses."""

from torch import Tensor

from gainakt.losses.parts import means, minus_variance, std_hinge
from gainakt.losses.seen import Seen


def loss(seen: Seen) -> Tensor:
    """Minus the variance, or the hinge on the std, of gains or their logits."""
    form = seen.config.losses
    if form.variance_of == "gains" and form.variance_over == "skills" and form.variance_form == "minus_variance":
        return seen.contrast
    rows = _rows(seen, seen.gains if form.variance_of == "gains" else seen.gain_logits)
    return std_hinge(rows, form.std_target) if form.variance_form == "std_hinge" else minus_variance(rows)


def _rows(seen: Seen, values: Tensor) -> Tensor:
    """Rows within which values (N, C) should vary: (N, C), or (C, students), or (C, 2) for the responses."""
    over = seen.config.losses.variance_over
    if over == "skills":
        return values
    if over == "students":
        owner = seen.batch.valid.nonzero()[:, 0]
        return means(values, owner, len(seen.batch.student))[0].T
    each, count = means(values, seen.response, 2)
    return each.T if bool((count > 0).all()) else each[seen.response[:1]].T
