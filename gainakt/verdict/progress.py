"""How a long computation says how far it is."""

from collections.abc import Callable
from typing import Any

Progress = Callable[[float, str], None]
"""Called with the share that is done, in (0, 1), and what is being done."""


class Steps:
    """Says that one more of so many steps begins; `go_on` repeats it while the step lasts, so that it can be ended."""

    def __init__(self, progress: Progress, steps: int):
        self._progress, self._steps, self._begun, self._words = progress, steps, 0, ""

    def __call__(self, words: str) -> None:
        self._begun, self._words = self._begun + 1, words
        self.go_on()

    def go_on(self) -> list[Any]:
        """Repeat the last step's words; as `requests` of a training, asks for nothing."""
        self._progress((self._begun - 1) / self._steps, self._words)
        return []
