"""Probing a model without touching its training: which loss term pulls at the gains, and how saturated it is.

Dropout is off, the loss terms draw from a generator of their own and what they remember is copied, so that a training
that is probed gives the same numbers as one that is not.
"""

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from gainakt import losses
from gainakt.config import Config
from gainakt.data.sequences import Batch, Windows
from gainakt.model.gainakt import GainAKT, Interpretable
from gainakt.model.heads.base import GainHead, WrappedHead
from gainakt.model.mastery import BOUNDS, per_skill
from gainakt.training.regimes import Phase

_DENSE = 2_000_000
"""Most gain logits (windows x steps x skills) whose gradients are probed."""
FLAT = 0.025
"""Slope of the learning curve's sigmoid, a tenth of its largest, under which practice counts as past saturation."""
_FLAT_AT = math.log((1 + math.sqrt(1 - 4 * FLAT)) / (1 - math.sqrt(1 - 4 * FLAT)))
EDGE, BIN = 0.01, 0.01


def gradients(
    model: GainAKT, config: Config, batch: Batch, phase: Phase | None = None, memory: dict[str, Any] | None = None
) -> dict[str, float]:
    """How each weighted loss term pulls at Encoder 2, on as many windows of the batch as memory allows.

    For the gain logits of every interaction and skill (`gains`) and all parameters of Encoder 2 (`parameters`):
    `gradient.WHERE.norm.TERM`, its share of the sum of norms `gradient.WHERE.share.TERM`, and the cosine between two
    terms `gradient.WHERE.cosine.TERM.OTHER` where both pull. `gradient.seconds` is what the probe costs.
    """
    begun, phase = time.perf_counter(), phase or Phase()
    weights = losses.applied(config, phase.encoder1, phase.encoder2)
    skills, steps = len(model.encoder2.mastery.beta), batch.skill.shape[1]
    few = _first(batch, max(1, _DENSE // (skills * steps)))
    was_training = model.training
    model.eval()
    trained = [parameter for parameter in model.encoder2.parameters() if parameter.requires_grad]
    with _shifted(model.encoder2, few) as shift:
        inputs = losses.LossInputs(
            few,
            model(few, phase.encoder1, phase.encoder2),
            model.encoder2,
            config,
            torch.Generator().manual_seed(config.training.seed),
            copy.deepcopy(memory or {}),
            phase.encoder1,
        )
        terms = losses.compute(inputs, weights)
        at = [shift, *trained]
        pulls = {name: _pull(weights[name] * term, at) for name, term in terms.items() if weights[name]}
    model.train(was_training)
    gains = _logged("gains", {name: pull[:1] for name, pull in pulls.items()})
    return (
        gains
        | _logged("parameters", {name: pull[1:] for name, pull in pulls.items()})
        | {"gradient.seconds": time.perf_counter() - begun}
    )


def _first(batch: Batch, windows: int) -> Batch:
    parts = {name: part[:windows] for name, part in vars(batch).items() if isinstance(part, Tensor)}
    return replace(batch, **parts, interactions=int(parts["valid"].sum()))


class _Shifted(WrappedHead):
    """A gain head with a zero of its own added to every logit of a batch, whose gradient is then the logit's."""

    def __init__(self, head: GainHead, shift: Tensor, valid: Tensor):
        super().__init__(head)
        self.shift, self.valid = shift, valid

    def pairs(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, A, T); see `GainHead`."""
        steps = self.shift[:, : v.shape[1]].transpose(1, 2)  # (B, S, T)
        chosen = skill[:, :, None].expand(-1, -1, v.shape[1])  # (B, A, T)
        return self.head.pairs(v, response, skill) + steps.gather(1, chosen)

    def own(self, v: Tensor, response: Tensor, skill: Tensor) -> Tensor:
        """Gain logits (B, T); see `GainHead`."""
        return self.head.own(v, response, skill) + self.shift.gather(2, skill[..., None])[..., 0]

    def every(self, v: Tensor, response: Tensor, chosen: Tensor) -> Tensor:
        """Gain logits (..., C); see `GainHead`. With the padding left out `v` is (N, D)."""
        shift = self.shift[self.valid] if v.dim() == 2 else self.shift
        return self.head.every(v, response, chosen) + shift[..., chosen]


@contextmanager
def _shifted(encoder: Interpretable, batch: Batch) -> Iterator[Tensor]:
    """Puts a shift (B, S, T) of zeros into the encoder's gain head for a while, and gives it."""
    shift = torch.zeros(*batch.skill.shape, len(encoder.mastery.beta), device=batch.skill.device, requires_grad=True)
    head = encoder.gains
    encoder.gains = _Shifted(head, shift, batch.valid)
    try:
        yield shift
    finally:
        encoder.gains = head


def _pull(term: Tensor, at: list[Tensor]) -> list[Tensor]:
    """The term's gradient at each of these, flat; zeros where it does not reach."""
    if not term.requires_grad:
        return [torch.zeros(part.numel(), device=part.device) for part in at]
    gradients = torch.autograd.grad(term, at, retain_graph=True, allow_unused=True)
    return [
        torch.zeros(part.numel(), device=part.device) if g is None else g.flatten().float()
        for g, part in zip(gradients, at, strict=True)
    ]


def _logged(where: str, pulls: dict[str, list[Tensor]]) -> dict[str, float]:
    whole = {name: torch.cat(parts) for name, parts in pulls.items()}
    norms = {name: float(vector.norm()) for name, vector in whole.items()}
    total = sum(norms.values())
    logged = {f"gradient.{where}.norm.{name}": norm for name, norm in norms.items()}
    if total > 0:
        logged |= {f"gradient.{where}.share.{name}": norm / total for name, norm in norms.items()}
    for one, other in combinations([name for name, norm in norms.items() if norm > 0], 2):
        cosine = float(whole[one] @ whole[other]) / (norms[one] * norms[other])
        logged[f"gradient.{where}.cosine.{one}.{other}"] = min(max(cosine, -1.0), 1.0)
    return logged


@torch.inference_mode()
def state(model: GainAKT, windows: Windows) -> dict[str, float]:
    """How saturated, bound and distinct the model's parts are on these students, dropout off.

    `curve_slope`: mean slope of the learning curve's sigmoid at the asked skills (0.25 at most). `curve_past`: share of
    asked skills past saturation. `practice_past`: share of practice beyond that point. `practised_gain_std`: std of the
    practised gains. `gains_at_edge`: share of them within 0.01 of 0 or 1. `distinct_gains`: exp of their entropy over
    bins of 0.01, 1 if all are alike. `at_bounds.NAME`: share of a parameter's values at a bound.
    """
    encoder, was_training = model.encoder2, model.training
    model.eval()
    sums = torch.zeros(5, dtype=torch.float64)
    bins, moments = torch.zeros(round(1 / BIN), dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    for _, batch in windows.in_order():
        states = encoder.encoder(batch.skill, batch.response)
        sums += _curve_sums(encoder, states, batch)
        own = _own(encoder, states, batch)
        bins += torch.bincount((own / BIN).long().clamp(max=len(bins) - 1), minlength=len(bins))
        at_edge = (own < EDGE) | (own > 1 - EDGE)
        moments += torch.stack([torch.ones_like(own), own, own**2, at_edge.double()]).sum(1)
    model.train(was_training)
    count, slope, past, practice, beyond = sums.tolist()
    gains, total, squares, edge = moments.tolist()
    shares = bins / gains
    return {
        "curve_slope": slope / count,
        "curve_past": past / count,
        "practice_past": beyond / max(practice, 1e-12),
        "practised_gain_std": max(squares / gains - (total / gains) ** 2, 0.0) ** 0.5,
        "gains_at_edge": edge / gains,
        "distinct_gains": float(torch.exp(-torch.special.xlogy(shares, shares).sum())),
        **{f"at_bounds.{name}": share for name, share in _at_bounds(encoder).items()},
    }


def _own(encoder: Interpretable, states: Tensor, batch: Batch) -> Tensor:
    gains = torch.sigmoid(encoder.gains.own(states, batch.response, batch.skill).float())
    return gains[batch.valid].cpu().double()  # MPS has no float64


def _curve_sums(encoder: Interpretable, states: Tensor, batch: Batch) -> Tensor:
    """Of the asked skills: how many, summed slope, how many past saturation, summed practice, practice beyond it."""
    mastery, asked = encoder.mastery, batch.asked
    practice = encoder.practice(states, batch, asked)  # (B, T-1)
    speed = mastery.beta[asked] * mastery.velocity(batch.student)[:, None]
    start = per_skill(mastery.offset, asked) - (0.0 if encoder.level is None else encoder.level(batch, asked))
    at = speed * practice - start
    reached = torch.sigmoid(at)
    slope, scored = reached * (1 - reached), batch.scored
    beyond = (practice - (start + _FLAT_AT) / speed).clamp(min=0).minimum(practice)
    parts = (torch.ones_like(slope), slope, (at > _FLAT_AT).to(slope), practice, beyond)
    return torch.stack([part[scored].cpu().double().sum() for part in parts])


def _at_bounds(encoder: Interpretable) -> dict[str, float]:
    """Of every parameter that trains: the share of its values at one of its bounds."""
    shares = {}
    for name, (low, high) in BOUNDS.items():
        values = getattr(encoder.mastery, name).detach()
        if getattr(encoder.mastery, name).requires_grad:
            near = 1e-6 * (high - low)
            shares[name] = float(((values <= low + near) | (values >= high - near)).double().mean())
    return shares
