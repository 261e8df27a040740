"""Progress bars on a terminal; silent elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class TrainingBar:
    """Steps done, time left, and the latest gain std and AUCs, from a training's journal rows."""

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
        measures = {"gain_std": "gain std", "validation.encoder1_auc": "AUC 1", "validation.encoder2_auc": "AUC 2"}
        self._shown |= {
            short: f"{row['values'][name]:.3f}"
            for name, short in measures.items()
            if row["values"].get(name) is not None
        }
        self._bar.set_postfix({"epoch": row["epoch"], **self._shown}, refresh=False)


@contextmanager
def share_bar() -> Iterator[Callable[[float, str], None]]:
    """A bar, and the function that moves it to a share in (0, 1) with words."""
    form = "{l_bar}{bar}| {elapsed} {desc}"
    with tqdm(total=1.0, file=sys.stderr, disable=None, bar_format=form) as bar:

        def report(done: float, words: str) -> None:
            bar.set_description_str(words, refresh=False)
            bar.update(done - bar.n)

        yield report
