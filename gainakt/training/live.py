"""Live settings that live in the optimiser or in modules: brought there when they change.

Loss weights and hinge targets need nothing here, the next step reads them from the configuration.
"""

import torch
from torch import nn
from torch.optim import Optimizer

from gainakt.config import Config
from gainakt.model.gainakt import GainAKT
from gainakt.training.setup import decays, rates

_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
"""Where AdamW and its schedule keep a group's learning rate."""
_PARAMETERS = {"temperature_start": "temperature", "transfer_start": "transfer"}
"""Setting of the model -> the learned parameter that it sets anew for all skills."""


def apply(before: Config, now: Config, model: GainAKT, average: GainAKT, optimiser: Optimizer) -> None:
    """Make what differs between two configurations felt, from the next step on; the average does not lag behind."""
    if rates(now) != rates(before):
        for group, old, new in zip(optimiser.param_groups, rates(before), rates(now), strict=True):
            group.update({key: group[key] * (new / old) for key in _RATES if key in group})
    if decays(now) != decays(before):
        for group, decay in zip(optimiser.param_groups, decays(now), strict=True):
            group["weight_decay"] = decay
    set_dropout(model, now)
    for setting, parameter in _PARAMETERS.items():
        value = getattr(now.model, setting)
        if value != getattr(before.model, setting):
            with torch.no_grad():
                for one in (model, average):
                    getattr(one.encoder2.mastery, parameter).fill_(value)


def set_dropout(model: GainAKT, config: Config) -> None:
    """Give every dropout of the model the configuration's share."""
    before_head = model.encoder2.drop
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = config.model.gain_dropout if module is before_head else config.model.dropout
