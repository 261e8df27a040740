"""Networks of the package pyKT (Liu et al. 2022), where it is installed, as yardsticks in its own settings."""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from gainakt.benchmark.neural import trained
from gainakt.benchmark.part import Part, Predict
from gainakt.data.sequences import Batch
from gainakt.errors import InputError


class Network(nn.Module):
    """A network of pyKT, asked for the logit of each next response; `named` says if it takes a dict of sequences."""

    def __init__(self, inner: nn.Module, named: bool):
        super().__init__()
        self.inner, self.named = inner, named

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, T-1)."""
        skill, response = batch.skill, batch.response
        if not self.named:
            return torch.logit(self.inner(skill, response)[0], 1e-6)[:, 1:]
        cut = {"seqs": slice(None, -1), "shft_": slice(1, None)}
        sequences = {}
        for letter, values in (("q", skill), ("c", skill), ("r", response)):
            sequences[f"{letter}seqs"] = values[:, cut["seqs"]]
            sequences[f"shft_{letter}seqs"] = values[:, cut["shft_"]]
        return torch.logit(self.inner(sequences), 1e-6)[:, 1:]


def fit(module: str, name: str, settings: dict[str, Any], train: Part, validation: Part, **more: Any) -> Predict:
    """Train the network `name` of pyKT's `module`; raises InputError where it is not installed or cannot be used."""
    if train.question is not None:
        raise InputError("pyKT's networks cannot hide a question's other rows; set data.several_skills to joined")
    try:
        kind = getattr(import_module(f"pykt.models.{module}"), name)
    except Exception as error:  # its modules import much that may be missing or too old for this Python
        raise InputError(
            f"pyKT's {name} cannot be imported ({error}); pip install pykt-toolkit, or leave it out"
        ) from None
    torch.manual_seed(train.seed)
    sizes = {"d_model": settings["width"], "n_blocks": settings["blocks"], "dropout": settings["dropout"]}
    inner = kind(train.skills, 0, **sizes, num_attn_heads=settings["heads"], d_ff=settings["width"], **more)
    return trained(Network(inner, name == "simpleKT"), settings, train, validation)
