"""The push for gains that differ: over skills, students or responses."""

from torch import Tensor

from gainakt.losses.inputs import LossInputs
from gainakt.losses.parts import means, minus_variance, std_hinge


def loss(inputs: LossInputs) -> Tensor:
    """Minus the variance, or the hinge on the std, of gains or their logits."""
    form = inputs.config.losses
    if form.variance_of == "gains" and form.variance_over == "skills" and form.variance_form == "minus_variance":
        return inputs.contrast
    rows = _rows(inputs, inputs.gains if form.variance_of == "gains" else inputs.gain_logits)
    return std_hinge(rows, form.std_target) if form.variance_form == "std_hinge" else minus_variance(rows)


def _rows(inputs: LossInputs, values: Tensor) -> Tensor:
    """Rows within which values (N, C) should vary: (N, C), or (C, students), or (C, 2) for the responses."""
    over = inputs.config.losses.variance_over
    if over == "skills":
        return values
    if over == "students":
        owner = inputs.batch.valid.nonzero()[:, 0]
        return means(values, owner, len(inputs.batch.student))[0].T
    each, count = means(values, inputs.response, 2)
    return each.T if bool((count > 0).all()) else each[inputs.response[:1]].T
