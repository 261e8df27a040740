"""One optimiser step: what both encoders say, the weighted loss terms, the pressure on the gains."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt import losses
from gainakt.config import Config
from gainakt.data.sequences import Batch
from gainakt.errors import RunFailed
from gainakt.model.gainakt import GainAKT, Output
from gainakt.training import ranks
from gainakt.training.pressure import Multipliers, Rejection, least
from gainakt.training.regimes import Phase
from gainakt.training.setup import optimiser

_EXPLODED = 1e4


class Diverged(RunFailed):
    """The loss became NaN, infinite or absurd; the message says where and what to try."""


class Stepper:
    """The model with its optimiser, and what terms and pressure remember from step to step."""

    def __init__(self, model: GainAKT, config: Config, steps_per_epoch: int, device: torch.device):
        self.model, self.device, self.step = model, device, 0
        self.optimiser, self.schedule = optimiser(model, config, steps_per_epoch)
        self.generator = torch.Generator().manual_seed(config.training.seed)
        self.memory: dict[str, object] = {}
        pressure = config.pressure
        self.rejection = Rejection(pressure) if pressure.reject_below else None
        self.multipliers = Multipliers(pressure, device) if least(pressure) else None

    def optimise(self, config: Config, batch: Batch, phase: Phase, epoch: int) -> tuple[dict[str, Tensor], Output]:
        """One step; returns what is to be logged as tensors, so that nothing waits for the device."""
        self.step += 1
        ranks.draw_apart(config.training.seed, self.step)
        weights = losses.applied(config, phase.encoder1, phase.encoder2)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            output = ranks.forward(self.model, batch, phase.encoder1, phase.encoder2)
            inputs = losses.LossInputs(
                batch, output, self.model.encoder2, config, self.generator, self.memory, phase.encoder1
            )
            terms = losses.compute(inputs, weights)
            loss, logged = losses.weighted(terms, weights)
            if self.multipliers and phase.encoder2 == "trained":
                loss = self.multipliers.lagrangian(loss, inputs)
        self.optimiser.zero_grad(set_to_none=True)
        if loss.requires_grad:  # not so where the mastery head is off and nothing else trains
            loss.backward()
        ranks.average(self.model)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.training.clip_norm)
        values = {"loss.total": loss, **{f"loss.{k}": v for k, v in terms.items()}, "gradient_norm": norm}
        if self.device.type == "cpu" or self.step % config.training.log_every == 0:
            self.check(values, config, epoch)
        if self.rejection and self.rejection.rejects(inputs.own):
            self.optimiser.zero_grad(set_to_none=True)  # then the step moves nothing
        self.optimiser.step()
        self.schedule.step()
        self.model.encoder2.mastery.constrain()
        return values | logged | self.pressure(phase), output

    def pressure(self, phase: Phase) -> dict[str, Tensor]:
        """Let the multipliers move; log them and the share of rejected steps, where there are any."""
        logged = {}
        if self.multipliers:
            if phase.encoder2 == "trained":
                self.multipliers.ascend()
            logged = self.multipliers.values()
        return logged if self.rejection is None else {**logged, "rejected_share": torch.tensor(self.rejection.share)}

    def check(self, values: dict[str, Tensor], config: Config, epoch: int) -> None:
        """Raise Diverged when a term or the gradient is no usable number."""
        limit = _EXPLODED * (1 + max(config.weights.model_dump().values()))
        for name, value in values.items():
            number = float(value.detach())
            if not (math.isfinite(number) and abs(number) < limit):
                raise Diverged(
                    f"{name} became {number:g} at step {self.step} (epoch {epoch}); training stopped. Try a smaller"
                    f" training.learning_rate (now {config.training.learning_rate:g}) or smaller loss weights"
                )


def padded(batch: Batch, window: int) -> Batch:
    """The batch padded to the whole window, as the origin's were."""
    short = window - batch.skill.shape[1]
    skill, response, valid = (F.pad(part, (0, short)) for part in (batch.skill, batch.response, batch.valid))
    group = batch.group
    if group is not None:
        group = torch.cat([group, group[:, -1:].expand(-1, short)], 1)
    return replace(batch, skill=skill, response=response, valid=valid, group=group)
