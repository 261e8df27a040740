"""The running average of a model's weights: what is validated, kept and read at the end of a training."""

from typing import cast

import torch
from torch import Tensor
from torch.optim.swa_utils import PARAM_LIST, AveragedModel

from gainakt.model.gainakt import GainAKT


class Averaged:
    """`model` holds the exponential average of the weights over about `steps` steps; the trained model itself if 0.

    Over the first steps it is their plain mean. Bounds hold, since they are intervals; fixed scales are fixed anew.
    """

    def __init__(self, trained: GainAKT, steps: float):
        def move(average: PARAM_LIST, now: PARAM_LIST, number: Tensor | int) -> None:
            torch._foreach_lerp_(average, now, 1 / max(1.0, min(steps, 1.0 + int(number))))

        self.trained = trained
        self.average = AveragedModel(trained, multi_avg_fn=move) if steps else None
        self.model = cast("GainAKT", self.average.module) if self.average else trained

    def update(self) -> None:
        """Take in the weights after a step."""
        if self.average:
            self.average.update_parameters(self.trained)
            self.model.encoder2.mastery.constrain()
