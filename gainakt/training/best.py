"""The best epochs of a training: each encoder's own, or one of both where they share parameters."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from gainakt.config import Config
from gainakt.model.gainakt import GainAKT
from gainakt.training import checkpoints, events

ENCODERS = ("encoder1", "encoder2")
Values = Mapping[str, float | None]


def weighted_loss(config: Config, measured: Values) -> float:
    """w BCE + (1 - w) IM of the validation students."""
    share = config.weights.encoder_priority
    return share * (measured["bce"] or 0.0) + (1 - share) * (measured["im"] or 0.0)


class Best:
    """Keeps, of each encoder, the weights with the highest validation AUC, in memory and in `folder` if there is one.

    Encoders that share parameters keep the same epoch, the one with the lowest weighted validation loss.
    """

    def __init__(self, model: GainAKT, folder: Path | None, about: dict[str, Any]):
        self.model, self.folder, self.about = model, folder, about
        self.kept: dict[str, tuple[float, int, dict[str, Tensor]]] = {}

    def consider(self, config: Config, measured: Values, epoch: int, step: int) -> Iterator[events.Event]:
        """Keep what is better than before; `measured` are the validation metrics of this epoch."""
        together = config.model.sharing != "apart"
        for encoder in ENCODERS:
            auc = measured[f"{encoder}_auc"] or 0.0
            score = -weighted_loss(config, measured) if together else auc
            if encoder in self.kept and score <= self.kept[encoder][0]:
                continue
            module = getattr(self.model, encoder)
            self.kept[encoder] = (score, epoch, copy.deepcopy(module.state_dict()))
            if self.folder is not None:
                about = {"encoder": encoder, "epoch": epoch, "step": step, "validation_auc": auc, **self.about}
                about["config"] = config.model_dump()
                file, digest = checkpoints.save(module.state_dict(), self.folder, encoder, about)
                yield events.Checkpointed(step, epoch, encoder, auc, file, digest)

    def complete(self, config: Config) -> None:
        """Write the checkpoints that a state brought along where the folder has none, or those of a later epoch."""
        for encoder, (score, epoch, weights) in self.kept.items():
            if self.folder is not None and checkpoints.epoch_of(self.folder, encoder) != epoch:
                auc = score if config.model.sharing == "apart" else None
                about = {"encoder": encoder, "epoch": epoch, "validation_auc": auc, **self.about}
                checkpoints.save(weights, self.folder, encoder, {**about, "config": config.model_dump()})

    def restore(self) -> None:
        """Put both encoders back to their best epochs."""
        for encoder, (_, _, weights) in self.kept.items():
            getattr(self.model, encoder).load_state_dict(weights)

    @property
    def epochs(self) -> dict[str, int]:
        """Encoder -> its best epoch."""
        return {encoder: kept[1] for encoder, kept in self.kept.items()}
