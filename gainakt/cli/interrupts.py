"""Ctrl-C and SIGTERM ask for an orderly end; a second one ends the command at once."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def asking(stop: Callable[[], object], says: str) -> Iterator[None]:
    """Call `stop`, and say what follows from it, at the first of these signals."""

    def ask(number: int, _frame: object) -> None:
        stop()
        print(f"\n{says}; press again to abort", file=sys.stderr)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
