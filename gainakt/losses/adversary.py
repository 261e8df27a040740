"""A discriminator that learns to spot the model's gains among differentiated ones."""

import torch
from torch import Tensor
from torch.nn import functional as F

from gainakt.losses.inputs import LossInputs

ROWS, POINTS, HIDDEN, RATE = 256, 16, 32, 3e-3
"""Interactions a step that it reads, points of a row that it reads, hidden units, its Adam's learning rate."""


class Judge:
    """Two layers over the sorted, centred gains of one interaction: are they differentiated, or the model's?

    Sorted, because which skill gains most is not its business. It starts and learns by a generator of its own.
    """

    def __init__(self, seed: int, device: torch.device):
        numbers = torch.Generator().manual_seed(seed)
        shapes = ((POINTS, HIDDEN), (HIDDEN,), (HIDDEN, 1), (1,))
        self.layers = [(torch.randn(shape, generator=numbers) / shape[0] ** 0.5).to(device) for shape in shapes]
        for layer in self.layers:
            layer.requires_grad_()
        self.adam = torch.optim.Adam(self.layers, lr=RATE)

    def logits(self, gains: Tensor, *, learns: bool) -> Tensor:
        """High where gains (N, C) look differentiated (N,)."""
        place = torch.linspace(0, gains.shape[1] - 1, POINTS, device=gains.device).round().long()
        points = 10 * (gains.sort(-1).values - gains.mean(-1, keepdim=True))[:, place]
        expand, shift, contract, bias = (w if learns else w.detach() for w in self.layers)
        logits: Tensor = F.leaky_relu(points @ expand + shift, 0.1) @ contract + bias
        return logits[:, 0]

    @torch.enable_grad()
    def learn(self, differentiated: Tensor, models: Tensor) -> None:
        """One step towards telling the two apart."""
        good, bad = (self.logits(rows, learns=True) for rows in (differentiated, models.detach()))
        self.adam.zero_grad()
        (F.softplus(-good).mean() + F.softplus(bad).mean()).backward()
        self.adam.step()


def loss(inputs: LossInputs) -> Tensor:
    """-log of the chance that the discriminator gives the model's gains to be differentiated, mean over interactions.

    It learns at each step against rows of the same mean whose std over skills is the target std.
    """
    if "adversary" not in inputs.memory:
        inputs.memory["adversary"] = Judge(inputs.config.training.seed, inputs.skill.device)
    judge: Judge = inputs.memory["adversary"]
    rows = inputs.gains[torch.randperm(len(inputs.gains), generator=inputs.generator)[:ROWS].to(inputs.skill.device)]
    noise = torch.randn(rows.shape, generator=inputs.generator).to(rows.device)
    judge.learn((rows.detach().mean(-1, keepdim=True) + inputs.config.losses.std_target * noise).clamp(0, 1), rows)
    return F.softplus(-judge.logits(rows, learns=False)).mean()
