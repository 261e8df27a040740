"""A progress bar on a terminal for a training's journal rows; silent elsewhere."""

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class Progress:
    """Steps done, time left, and the latest losses, gain std and AUCs."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def take(self, row: dict[str, Any]) -> None:
        """Show one journal row."""
        if row["kind"] == "started":
            steps = row["steps_per_epoch"] * row["max_epochs"]
            self._bar = tqdm(total=steps, unit="step", file=sys.stderr, disable=None, dynamic_ncols=True)
        if self._bar is None or row["kind"] not in ("step", "evaluated"):
            return
        self._bar.update(row["step"] - self._bar.n)
        known = {"gain_std": "gain std", "validation.encoder1_auc": "AUC 1", "validation.encoder2_auc": "AUC 2"}
        self._shown |= {
            short: f"{row['values'][name]:.3f}" for name, short in known.items() if row["values"].get(name) is not None
        }
        self._bar.set_postfix({"epoch": row["epoch"], **self._shown}, refresh=False)
