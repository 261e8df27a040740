"""One training in several processes, which torchrun started: each computes a part of every batch's rows.

What the parts give is gathered, so that every loss term, also one of a mean, std or correlation over the batch, is that
of the whole batch. All processes hold the same weights and come to the same decisions; the first one alone reads what
is asked of the run and writes its folder. Where no process group has been joined, nothing here does anything.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gainakt.data.sequences import Batch
from gainakt.model.gainakt import GainAKT, Output, Part
from gainakt.training.requests import Requests


@contextmanager
def joined(job: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Be one of the processes for a while; gives the `job` that the first of them brings."""
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
    try:
        yield _told(job)
    finally:
        dist.destroy_process_group()


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def _told(what: Any) -> Any:
    """What the first process says, as JSON."""
    text = bytearray(json.dumps(what).encode()) if dist.get_rank() == 0 else bytearray()
    length = torch.tensor([len(text)])
    dist.broadcast(length, 0)
    content = torch.frombuffer(text, dtype=torch.uint8) if text else torch.empty(int(length), dtype=torch.uint8)
    dist.broadcast(content, 0)
    return json.loads(content.numpy().tobytes())


def heard(requests: Requests) -> Requests:
    """What is asked of the run, which the first process reads, in every process."""
    return requests if count() == 1 else lambda: _told(requests() if dist.get_rank() == 0 else None)


def agree(model: GainAKT) -> None:
    """Give every process the first one's start values: those of a fit may differ in the last bits between machines."""
    if count() > 1:
        for values in [*model.parameters(), *model.buffers()]:
            dist.broadcast(values.detach(), 0)


def draw_apart(seed: int, step: int) -> None:
    """Let dropout draw anew in each process but the first, by the step: a resumed run then draws alike."""
    if count() > 1 and dist.get_rank():
        torch.manual_seed((seed * 1_000_003 + step) * count() + dist.get_rank())


def forward(model: GainAKT, batch: Batch, encoder1: Part, encoder2: Part) -> Output:
    """The model's output for the whole batch, of which this process computes its rows."""
    if count() == 1:
        return model(batch, encoder1, encoder2)  # type: ignore[no-any-return]
    rows = len(batch.skill)
    each = -(-rows // count())
    own = (dist.get_rank() * each + torch.arange(each, device=batch.skill.device)).clamp(max=rows - 1)
    tensors: dict[str, Any] = {name: part[own] for name, part in vars(batch).items() if isinstance(part, Tensor)}
    output = model(replace(batch, **tensors), encoder1, encoder2)
    whole = {id(part): _Gathered.apply(part, rows) for part in output}  # type: ignore[no-untyped-call]
    return Output(*(whole[id(part)] for part in output))


class _Gathered(torch.autograd.Function):
    """The first `rows` rows of all processes' parts, one after the other.

    Every process computes the same loss from them. The gradient goes to its own part times the number of processes, so
    that the mean over processes (`average`) is the gradient by parameters that act on a part, and by those that the
    loss reads itself as well.
    """

    @staticmethod
    def forward(ctx: Any, part: Tensor, rows: int) -> Tensor:
        """(R, ...) -> (rows, ...)."""
        ctx.part_rows = len(part)
        parts = [torch.empty_like(part, memory_format=torch.contiguous_format) for _ in range(count())]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)[:rows]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """(rows, ...) -> (R, ...)."""
        own = torch.zeros(ctx.part_rows, *gradients[0].shape[1:], dtype=gradients[0].dtype, device=gradients[0].device)
        begin = dist.get_rank() * ctx.part_rows
        there = gradients[0][begin : begin + ctx.part_rows]
        own[: len(there)] = count() * there
        return own, None


def average(model: nn.Module) -> None:
    """Make every process's gradients their mean."""
    if count() == 1:
        return
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    if gradients:
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        means = (flat / count()).split([gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))
