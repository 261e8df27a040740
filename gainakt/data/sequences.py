"""Interactions -> split by student -> windows -> batches of similar length.

The alignment is stated here once: at step t a model has seen skills and responses up to t and the asked skill of
t + 1; it predicts the response of t + 1. A window's first interaction is therefore never scored.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gainakt.data.interactions import TEST, Interactions
from gainakt.errors import InputError

_HOLDOUT, _TEST_SHARE, _VALIDATION_SHARE = 0.1, 0.2, 0.1
_LAST = torch.iinfo(torch.long).max
"""Question number of padding: after every other."""
MEASURED = 3_000_000
"""Interactions of the training and of the validation students that measures read at most."""
UNSEEN = -1
"""Index of every student outside the training split, whose gamma is the training students' mean."""


@dataclass(frozen=True)
class Split:
    """Which students (sorted indices) train, validate and test, and by which rule."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    rule: str


def split_students(data: Interactions, fold: int, seed: int) -> Split:
    """Students into train, validation, test: given folds and test students are kept, the rest is drawn by `seed`.

    Raises InputError when the asked fold does not exist or a part would be empty.
    """
    everyone = np.arange(len(data.students))
    given = np.unique(data.fold[data.fold >= 0])
    test = everyone[data.fold == TEST]
    rng = np.random.default_rng([seed, 0])
    if len(given) > 1:
        if fold not in given:
            raise InputError(f"training.fold: {fold} is not in the data; folds there: {', '.join(map(str, given))}")
        validation = everyone[data.fold == fold]
        rule = f"given folds, fold {fold} validates"
        if len(test):
            rule += ", given test students"
        else:
            after = given[(list(given).index(fold) + 1) % len(given)]
            test = everyone[data.fold == after]
            rule += f", no test students given, so fold {after} tests"
    elif len(test):
        rest = rng.permutation(everyone[data.fold != TEST])
        validation = rest[: max(1, round(_HOLDOUT * len(rest)))]
        rule = f"given test students, {_HOLDOUT:.0%} of the others validate (seed {seed})"
    else:
        order = rng.permutation(everyone)
        test = order[: max(1, round(_TEST_SHARE * len(order)))]
        validation = order[len(test) : len(test) + max(1, round(_VALIDATION_SHARE * len(order)))]
        rule = f"70/10/20 by student (seed {seed})"
    train = np.setdiff1d(everyone, np.concatenate([validation, test]))
    if not (len(train) and len(validation) and len(test)):
        raise InputError(
            f"{data.source}: {len(everyone)} student(s) cannot be split into training, validation and test;"
            " give at least three, in at least two folds or files if there are any"
        )
    return Split(train, np.sort(validation), np.sort(test), rule)


@dataclass(frozen=True)
class Batch:
    """B windows of up to T interactions, padded at the end.

    `skill`, `response`, `valid` are (B, T); `student` (B,) indexes the training students or is UNSEEN; `interactions`
    counts the valid entries, known without asking the device.
    """

    student: Tensor
    skill: Tensor
    response: Tensor
    valid: Tensor
    interactions: int
    group: Tensor | None = None
    """Ascending question numbers (B, T) where a question's skills stand in rows of their own, which share an answer."""

    @property
    def asked(self) -> Tensor:
        """Skill of the next interaction (B, T-1), known at step t."""
        return self.skill[:, 1:]

    @property
    def target(self) -> Tensor:
        """Response to be predicted at step t, that of t + 1 (B, T-1), as float."""
        return self.response[:, 1:].float()

    @property
    def scored(self) -> Tensor:
        """Mask of the steps whose next response exists (B, T-1); of a first question no row is scored."""
        if self.group is None:
            return self.valid[:, 1:]
        return self.valid[:, 1:] & (self.group[:, 1:] > self.group[:, :1])

    @property
    def last_visible(self) -> Tensor | None:
        """Last step (B, T-1) that a prediction may see where rows are siblings; None: step t itself, as ever."""
        if self.group is None:
            return None
        return (torch.searchsorted(self.group, self.group[:, 1:].contiguous()) - 1).clamp(min=0)


class Held(NamedTuple):
    """The columns of all interactions on a device, in the data's own small types; every split's windows share them."""

    skill: Tensor
    response: Tensor
    group: Tensor | None

    @classmethod
    def on(cls, data: Interactions, device: torch.device) -> "Held":
        """The columns of these data."""
        columns = (data.skill, data.response, data.group)
        held = (None if one is None else torch.as_tensor(one).to(device) for one in columns)  # on a CPU no copy
        return cls(*held)  # type: ignore[arg-type]


class Windows:
    """The windows of some students, held flat on a device and handed out as batches.

    `held` are the data's columns where several splits share them.
    """

    def __init__(
        self,
        data: Interactions,
        students: np.ndarray,
        window: int,
        training: bool,
        device: torch.device,
        held: Held | None = None,
    ):
        start, length, owner = cut(*data.rows_of(students), window, data.group)
        keep = length > 1  # a single interaction has nothing to predict
        self.left_out, self.window = int((~keep).sum()), window
        if not keep.any():
            raise InputError(
                f"{data.source}: {len(students)} student(s) of one part (training, validation or test) have a single"
                " interaction each, so there is nothing to predict; give students with two interactions or more"
            )
        order = np.lexsort((start[keep], owner[keep]))
        self.students = students[owner[keep][order]]
        self.start, self.length = start[keep][order], length[keep][order]
        self.interactions = int(self.length.sum())
        self.device = device
        student = owner[keep][order] if training else np.full(len(self.length), UNSEEN)
        self._student = torch.as_tensor(student, dtype=torch.long, device=device)
        self._start = torch.as_tensor(self.start, dtype=torch.long, device=device)
        self._length = torch.as_tensor(self.length, dtype=torch.long, device=device)
        self.held = held or Held.on(data, device)

    def __len__(self) -> int:
        return len(self.length)

    def some(self, most: int = MEASURED) -> "Windows":
        """Windows drawn at random, always the same ones, that hold about `most` interactions; all where so few are."""
        if self.interactions <= most:
            return self
        order = np.random.default_rng(0).permutation(len(self))
        rows = np.sort(order[: np.searchsorted(np.cumsum(self.length[order]), most) + 1])
        fewer, place = copy.copy(self), torch.as_tensor(rows, device=self.device)
        fewer.students, fewer.start, fewer.length = self.students[rows], self.start[rows], self.length[rows]
        fewer._student, fewer._start, fewer._length = self._student[place], self._start[place], self._length[place]
        fewer.interactions = int(fewer.length.sum())
        return fewer

    def batch(self, rows: np.ndarray) -> Batch:
        """The batch of these windows, as long as the longest of them."""
        steps = torch.arange(int(self.length[rows].max()), device=self.device)
        index = torch.as_tensor(rows, dtype=torch.long, device=self.device)
        valid = steps < self._length[index][:, None]  # (B, T)
        place = torch.where(valid, self._start[index][:, None] + steps, 0)
        return Batch(
            student=self._student[index],
            skill=torch.where(valid, self.held.skill[place].long(), 0),
            response=torch.where(valid, self.held.response[place].long(), 0),
            valid=valid,
            interactions=int(self.length[rows].sum()),
            group=None if self.held.group is None else torch.where(valid, self.held.group[place].long(), _LAST),
        )

    def shuffled(self, batch_size: int, seed: int, epoch: int, skip: int = 0, even: bool = False) -> Iterator[Batch]:
        """All windows once, batched by similar length, in an order that depends on seed and epoch alone.

        Batches of `batch_size` windows, or, if `even`, as many batches of equally many interactions: a step that takes
        the mean over its batch then gives each interaction the same weight, and not those of short windows more. The
        first `skip` batches are left out: a training that goes on within an epoch has done them.
        """
        rng = np.random.default_rng([seed, 1, epoch])
        near = self.length * rng.uniform(1.0, 1.2, len(self.length))
        order, cuts = np.argsort(near, kind="stable"), np.arange(0, len(self.length), batch_size)
        if even:
            cuts = _even_cuts(self.length[order], len(cuts))
        ends = np.append(cuts[1:], len(order))
        for place in rng.permutation(len(cuts))[skip:]:
            yield self.batch(order[cuts[place] : ends[place]])

    def in_order(self, tokens: int = 4_096) -> Iterator[tuple[np.ndarray, Batch]]:
        """All windows once, short to long, about `tokens` padded interactions a batch, with their row numbers."""
        order = np.argsort(self.length, kind="stable")
        begin = 0
        while begin < len(order):
            end = begin + 1
            while end < len(order) and (end + 1 - begin) * self.length[order[end]] <= tokens:
                end += 1
            yield order[begin:end], self.batch(order[begin:end])
            begin = end


def windows_of(data: Interactions, split: Split, window: int, device: torch.device) -> dict[str, Windows]:
    """The windows of training, validation and test students, over one copy of the data on the device."""
    held = Held.on(data, device)
    return {
        name: Windows(data, getattr(split, name), window, name == "train", device, held)
        for name in ("train", "validation", "test")
    }


def cut(
    first: np.ndarray, last: np.ndarray, window: int, group: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, length and owner of the windows of rows [first, last); a cut never parts the rows of one question."""
    starts, lengths, owners = [], [], []
    start, owner = first, np.arange(len(first))
    while (open_ := start < last).any():
        start, last, owner = start[open_], last[open_], owner[open_]
        end = np.minimum(start + window, last)
        if group is not None:
            inside = end < last
            whole = end.copy()
            whole[inside] = np.searchsorted(group, group[end[inside]], "left")
            end = np.where(whole > start, whole, end)
        starts.append(start)
        lengths.append(end - start)
        owners.append(owner)
        start = end
    return np.concatenate(starts), np.concatenate(lengths), np.concatenate(owners)


def _even_cuts(length: np.ndarray, batches: int) -> np.ndarray:
    """Where so many batches begin, none empty, each with as near as possible the same number of interactions."""
    number = np.arange(batches)
    cuts = np.searchsorted(np.cumsum(length), number * (length.sum() / batches), "right")
    cuts = np.maximum.accumulate(cuts - number) + number
    return np.asarray(np.minimum(cuts, len(length) - batches + number))


def batches_per_epoch(windows: Windows, batch_size: int) -> int:
    """Optimiser steps in one epoch."""
    return -(-len(windows) // batch_size)
