"""A fit as tensors, for a checkpoint."""

import numpy as np
import torch
from torch import Tensor, nn

from gainakt.config import Config
from gainakt.curve_model.fit import Fit, Tie


def tie_of(config: Config) -> Tie:
    """What the configuration hides from the gains."""
    hidden = config.model.hidden
    return Tie(skills=hidden == "skill", response=hidden == "response", level=config.model.level)


class Stored(nn.Module):
    """A fit as tensors, for a checkpoint."""

    def __init__(self, fit: Fit):
        super().__init__()
        for name in ("theta", "mean", "spread", "sigma", "skill_sigma"):
            self.register_buffer(name, torch.as_tensor(np.asarray(getattr(fit, name)), dtype=torch.float64))


def restored(tensors: dict[str, Tensor], config: Config) -> Fit:
    """The fit of a checkpoint."""
    theta, mean, spread = (tensors[name].numpy() for name in ("theta", "mean", "spread"))
    sigma, skill_sigma = float(tensors["sigma"]), float(tensors.get("skill_sigma", 0.0))
    return Fit(theta, mean, spread, sigma, skill_sigma, tie_of(config), 0.0, 0)
