"""AKT (Ghosh, Heffernan, Lan 2020) by pyKT."""

from typing import Any

from gainakt.benchmark import pykt
from gainakt.benchmark.part import Part, Predict

SETTINGS: dict[str, Any] = {
    "width": 256, "blocks": 4, "heads": 8, "dropout": 0.05, "learning_rate": 1e-4, "batch_size": 64, "epochs": 100,
    "patience": 5,
}  # fmt: skip


def fit(train: Part, validation: Part) -> Predict:
    """Train it."""
    return pykt.fit("akt", "AKT", SETTINGS, train, validation)
