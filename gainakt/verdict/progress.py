"""How a long computation says how far it is."""

from collections.abc import Callable, Iterator

import numpy as np

Progress = Callable[[float, str], None]
"""Called with the share that is done, in (0, 1), and what is being done."""


def in_steps(progress: Progress, steps: int) -> Callable[[str], None]:
    """A function to call, with words, as each of so many steps begins."""
    shares: Iterator[float] = iter(np.linspace(0, 1, steps + 1))
    return lambda words: progress(float(next(shares)), words)
