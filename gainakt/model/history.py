"""What came before each interaction, as plain numbers: counts and recency of its skill, surprises of its student."""

import torch
from torch import Tensor
from torch.nn import functional as F

from gainakt.data.sequences import Batch

FEATURES = 22
"""Numbers for each interaction."""
_EVIDENCE = 5.0
"""Interactions' worth of shrinkage of a student's mean surprise."""


def history(batch: Batch, usual: Tensor) -> Tensor:
    """What the window holds before each interaction (B, T, FEATURES), in numbers of about -3 to 3.

    Of its skill: correct and incorrect responses so far, both streaks, share of correct, steps since the last, the last
    three responses. Of the student: surprises (responses minus `usual` (S,), the skill's usual share of correct), their
    mean over all, the last 2, 5 and 10; position; skills so far. Rows of one question have what came before it.
    """
    steps = torch.arange(batch.skill.shape[1], device=batch.skill.device).expand_as(batch.skill)
    number, of_skill = _of_skill(batch, len(usual), steps)
    of_student = _of_student(batch, usual, steps, number)
    if batch.group is not None:
        first = torch.searchsorted(batch.group, batch.group)[..., None]  # row of each question
        of_student = of_student.gather(1, first.expand_as(of_student))
    return torch.cat([of_skill, of_student, torch.logit(usual, 1e-3)[batch.skill][..., None]], -1)


def _of_skill(batch: Batch, skills: int, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Earlier opportunities (B, T), and the columns that tell of the skill (B, T, 15)."""
    key = torch.where(batch.valid, batch.skill, skills)
    order = key.argsort(dim=1, stable=True)  # a skill's interactions side by side, in their order
    response = batch.response.gather(1, order)
    new = F.pad(key.gather(1, order).diff(dim=1) != 0, (1, 0), value=True)
    first = torch.where(new, steps, 0).cummax(1).values
    number = steps - first
    sums = response.cumsum(1) - response
    correct = sums - sums.gather(1, first)
    right, wrong = (steps - torch.maximum(first, 1 + _last(response == other, steps)) for other in (0, 1))
    since = torch.where(number > 0, order - _earlier(order, 1), 0)
    codes = [(number >= back) & (_earlier(response, back) == answer) for back in (1, 2, 3) for answer in (0, 1)]
    counts = (correct, number - correct, number, right, wrong, since)
    share = (correct + 1) / (number + 2)
    columns = [*(torch.log1p(count.float()) for count in counts), share, since == 1, number == 0, *codes]
    ranked = torch.stack([column.float() for column in columns], -1)
    if batch.group is not None:  # a question that names a skill twice tells it nothing of itself
        repeats = ~new & (batch.group.gather(1, order).diff(dim=1, prepend=batch.group[:, :1] - 1) == 0)
        ranked = ranked.gather(1, torch.where(repeats, 0, steps).cummax(1).values[..., None].expand_as(ranked))
    back = order.argsort(dim=1)  # to the order of time
    return number.gather(1, back), ranked.gather(1, back[..., None].expand_as(ranked))


def _of_student(batch: Batch, usual: Tensor, steps: Tensor, number: Tensor) -> Tensor:
    """The columns that tell of the student (B, T, 6)."""
    surprise = (batch.response - usual[batch.skill]) * batch.valid
    before = surprise.cumsum(1) - surprise
    fresh = (number == 0).long()
    columns = [4 * before / (steps + _EVIDENCE)]
    columns += [2 * (before - _earlier(before, back)) / steps.clamp(1, back) for back in (2, 5, 10)]
    columns += [torch.log1p(count.float()) / 2 for count in (steps, fresh.cumsum(1) - fresh)]
    return torch.stack(columns, -1)


def _last(here: Tensor, steps: Tensor) -> Tensor:
    """The last step before each (B, T) at which `here` was true; -1 where there was none."""
    return _earlier(torch.where(here, steps, -1).cummax(1).values + 1, 1) - 1


def _earlier(values: Tensor, back: int) -> Tensor:
    """The values (B, T) so many steps earlier, 0 before the first."""
    return F.pad(values, (back, 0))[:, : values.shape[1]]
