"""How often the tabs that watch a run look at it: the more of them, the less often, for the training's sake."""

import threading
import time

from streamlit.runtime.scriptrunner import get_script_run_ctx

TICK = 1.0
"""Seconds between two looks while few tabs watch."""
TABS = 4
"""Tabs that may look so often; with twice as many, the time between two looks doubles."""
LONGEST = 16.0
_GONE = 3 * LONGEST
"""Seconds without a look after which a tab counts no more."""
_lock = threading.Lock()
_seen: dict[str, float] = {}


def pace(before: float = TICK) -> float:
    """Seconds between two looks of this tab, which looks just now and had so many `before`; a power of 2."""
    context = get_script_run_ctx()
    tabs = watching(context.session_id if context else "", time.monotonic())
    return settled(before, tabs)


def watching(tab: str, now: float) -> int:
    """How many tabs watch, with this one."""
    with _lock:
        _seen[tab] = now
        for other in [one for one, at in _seen.items() if now - at > _GONE]:
            del _seen[other]
        return len(_seen)


def settled(before: float, tabs: int) -> float:
    """The time between two looks of so many tabs; as before unless they are too many, or fewer than half as many."""
    while tabs > TABS * before and before < LONGEST:
        before *= 2
    while tabs < TABS * before / 2 and before > TICK:
        before /= 2
    return before
