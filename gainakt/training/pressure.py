"""Conditions on the gains of a batch: steps that are rejected, and constraints with Lagrange multipliers."""

import torch
from torch import Tensor

from gainakt.config.training import PressureConfig
from gainakt.losses import LossInputs
from gainakt.losses.parts import means


class Rejection:
    """Rejects steps while the gain std of the batch is below a threshold, at most so many in a row."""

    def __init__(self, config: PressureConfig):
        self.below, self.most = config.reject_below, config.reject_most
        self.steps = self.rejected = self.in_a_row = 0

    def rejects(self, own: Tensor) -> bool:
        """Whether a step with these practised gains (N,) is not to be taken."""
        self.steps += 1
        refused = float(own.detach().std(correction=0)) < self.below and self.in_a_row < self.most
        self.in_a_row = self.in_a_row + 1 if refused else 0
        self.rejected += refused
        return refused

    @property
    def share(self) -> float:
        """Share of the steps so far that were rejected."""
        return self.rejected / max(self.steps, 1)


def least(config: PressureConfig) -> dict[str, float]:
    """Constraint -> the value it asks for at least, of those that are on."""
    wanted = {
        "gain_std": config.least_gain_std,
        "skill_cv": config.least_skill_cv,
        "response_ratio": config.least_response_ratio,
    }
    return {name: value for name, value in wanted.items() if value}


class Multipliers:
    """Lagrange multipliers, one per constraint: gradient ascent on the shortfall, never below 0.

    A multiplier is the price of its constraint: nats of loss per unit of the value.
    """

    def __init__(self, config: PressureConfig, device: torch.device):
        self.least, self.rate = least(config), config.multiplier_rate
        self.prices = dict.fromkeys(self.least, torch.zeros((), device=device))
        self._shortfall: dict[str, Tensor] = {}

    def lagrangian(self, loss: Tensor, inputs: LossInputs) -> Tensor:
        """The loss plus each multiplier times its constraint's shortfall in this batch."""
        values = measured(inputs, self.least)
        self._shortfall = {name: self.least[name] - value for name, value in values.items()}
        return loss + sum(self.prices[name] * short for name, short in self._shortfall.items())

    def ascend(self) -> None:
        """Let the multipliers grow, or shrink to no less than 0, by the shortfall of the last Lagrangian."""
        self.prices = {
            name: (price + self.rate * self._shortfall[name].detach()).clamp(min=0)
            for name, price in self.prices.items()
        }

    def values(self) -> dict[str, Tensor]:
        """`multiplier.NAME` of each constraint."""
        return {f"multiplier.{name}": price for name, price in self.prices.items()}


def measured(inputs: LossInputs, names: dict[str, float]) -> dict[str, Tensor]:
    """The constrained values of a batch, with their gradients: std, CV of the skills' means, ratio of responses."""
    values = {}
    if "gain_std" in names:
        values["gain_std"] = (inputs.own.var(correction=0) + 1e-8).sqrt()
    if "skill_cv" in names:
        each, count = means(inputs.own, inputs.skill, len(inputs.encoder2.mastery.beta))
        each = each[count > 0]
        values["skill_cv"] = (each.var(correction=0) + 1e-8).sqrt() / each.mean()
    if "response_ratio" in names:
        after, _ = means(inputs.own, inputs.response, 2)
        values["response_ratio"] = after[1] / after[0].clamp(min=1e-6)
    return values
