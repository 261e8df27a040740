"""Progress of what runs here, on stderr: bars on a terminal, and a line for each epoch of a training anywhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from gainakt.config import SCHEDULE

_SHOWN = {"encoder1_auc": "Encoder 1 AUC", "encoder2_auc": "Encoder 2 AUC", "gain_std": "gain std"}


class TrainingBar:
    """Steps done and time left in a line that overwrites itself; above it a line for each epoch and each mark."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._epochs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def take(self, row: dict[str, Any]) -> None:
        """Show one journal row."""
        if row["kind"] == "started":
            self._epochs = row["max_epochs"]
            steps = row["steps_per_epoch"] * row["max_epochs"]
            self._bar = tqdm(total=steps, unit="step", file=sys.stderr, disable=None, dynamic_ncols=True)
        if self._bar is None:
            return
        if row["kind"] in ("step", "evaluated"):
            self._bar.update(row["step"] - self._bar.n)
        if row["kind"] == "evaluated" and row["epoch"]:
            self._say(f"epoch {row['epoch']} of {self._epochs}: {_measured(row['values'])} (validation students)")
        if row["kind"] == "changed" and row["who"] != SCHEDULE:
            self._say(f"step {row['step']:,}: {row['field']} {row['old']} -> {row['new']}")

    def _say(self, text: str) -> None:
        """Print a line above the bar."""
        assert self._bar is not None
        self._bar.write(text, file=sys.stderr)


def _measured(values: dict[str, Any]) -> str:
    known = {text: values.get(f"validation.{name}") for name, text in _SHOWN.items()}
    return ", ".join(f"{text} {value:.3f}" for text, value in known.items() if value is not None)


@contextmanager
def share_bar() -> Iterator[Callable[[float, str], None]]:
    """A bar, and the function that moves it to a share in (0, 1) with words."""
    form = "{l_bar}{bar}| {elapsed} {desc}"
    with tqdm(total=1.0, file=sys.stderr, disable=None, bar_format=form) as bar:

        def report(done: float, words: str) -> None:
            bar.set_description_str(words, refresh=False)
            bar.update(done - bar.n)

        yield report
