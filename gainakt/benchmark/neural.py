"""Training a network as a yardstick: Adam at a constant rate until the validation AUC no longer rises."""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt.benchmark.part import Array, Part, Predict
from gainakt.measures.metrics import auc


def trained(network: nn.Module, settings: dict[str, Any], train: Part, validation: Part) -> Predict:
    """`network` gives the logit of each next response (B, T-1) of a batch; kept is the best of its epochs."""
    optimiser = torch.optim.Adam(network.parameters(), settings["learning_rate"])
    best, kept, since = -np.inf, copy.deepcopy(network.state_dict()), 0
    for epoch in range(1, settings["epochs"] + 1):
        network.train()
        for batch in train.windows.shuffled(settings["batch_size"], train.seed, epoch):
            loss = F.binary_cross_entropy_with_logits(network(batch)[batch.scored], batch.target[batch.scored])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
        scored = validation.scored(_predicted(network, validation))
        score = auc(scored.response, scored.probability) or 0.0
        if score > best:
            best, kept, since = score, copy.deepcopy(network.state_dict()), 0
        elif (since := since + 1) >= settings["patience"]:
            break
    network.load_state_dict(kept)
    return lambda part: _predicted(network, part)


@torch.inference_mode()
def _predicted(network: nn.Module, part: Part) -> Array:
    network.eval()
    found = []
    for _, batch in part.windows.in_order():
        chance = F.pad(torch.sigmoid(network(batch)), (1, 0), value=0.5)  # (B, T)
        found.append(chance[batch.valid].numpy())
    return np.concatenate(found)


def visible(states: Tensor, last: Tensor | None) -> Tensor:
    """The state (B, T-1, D) that each prediction may see, of the states after each interaction (B, T, D)."""
    if last is None:
        return states[:, :-1]
    return states.gather(1, last[..., None].expand(-1, -1, states.shape[-1]))
