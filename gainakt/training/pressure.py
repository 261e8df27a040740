"""Conditions on the gains of a batch: steps that are rejected, and constraints whose multipliers are learned."""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from gainakt.config.training import PressureConfig
from gainakt.errors import InputError
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
    asked = {
        "gain_std": config.least_gain_std,
        "skill_cv": config.least_skill_cv,
        "response_ratio": config.least_response_ratio,
    }
    return {name: value for name, value in asked.items() if value}


class Multipliers:
    """Lagrange multipliers, one per constraint, that grow with the shortfall (gradient ascent, by the library cooper).

    A multiplier is the price of its constraint: nats of loss per unit of the value.
    """

    def __init__(self, config: PressureConfig, device: torch.device):
        self.asked = least(config)
        try:
            self._cooper: Any = import_module("cooper")
        except ModuleNotFoundError:
            raise InputError(
                f"pressure.least_{next(iter(self.asked))} needs the package cooper-optim:"
                " pip install cooper-optim==1.0.1, or set it to 0"
            ) from None
        self._constraints: dict[str, Any] = {
            name: self._cooper.Constraint(
                self._cooper.ConstraintType.INEQUALITY,
                multiplier=self._cooper.multipliers.DenseMultiplier(num_constraints=1, device=device),
            )
            for name in self.asked
        }
        weights = [p for held in self._constraints.values() for p in held.multiplier.parameters()]
        self._ascent = torch.optim.SGD(weights, lr=config.multiplier_rate, maximize=True)
        self._state: Any = None

    def lagrangian(self, loss: Tensor, seen: LossInputs) -> Tensor:
        """The loss plus each multiplier times its constraint's shortfall in this batch."""
        values = measured(seen, self.asked)
        observed = {
            self._constraints[name]: self._cooper.ConstraintState(violation=self.asked[name] - values[name])
            for name in self.asked
        }
        self._state = self._cooper.CMPState(loss=loss, observed_constraints=observed)
        whole: Tensor = self._state.compute_primal_lagrangian().lagrangian
        return whole

    def ascend(self) -> None:
        """Let the multipliers grow, or shrink to no less than 0, by what the last Lagrangian saw."""
        self._ascent.zero_grad()
        self._state.compute_dual_lagrangian().backward()
        self._ascent.step()
        for held in self._constraints.values():
            held.multiplier.post_step_()

    def values(self) -> dict[str, Tensor]:
        """`multiplier.NAME` of each constraint."""
        return {f"multiplier.{name}": held.multiplier.weight.detach()[0] for name, held in self._constraints.items()}


def measured(seen: LossInputs, names: dict[str, float]) -> dict[str, Tensor]:
    """The constrained values of a batch, with their gradients: std, CV of the skills' means, ratio of responses."""
    found = {}
    if "gain_std" in names:
        found["gain_std"] = (seen.own.var(correction=0) + 1e-8).sqrt()
    if "skill_cv" in names:
        each, count = means(seen.own, seen.skill, len(seen.encoder2.mastery.beta))
        each = each[count > 0]
        found["skill_cv"] = (each.var(correction=0) + 1e-8).sqrt() / each.mean()
    if "response_ratio" in names:
        after, _ = means(seen.own, seen.response, 2)
        found["response_ratio"] = after[1] / after[0].clamp(min=1e-6)
    return found
