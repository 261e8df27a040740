"""The store of runs: append-only run folders that any process writes, and a DuckDB file that one process holds.

What is saved and read back lives here; what it means (criteria, verdicts, figures) does not. Names load on first use: a
process that only writes a run folder does not import DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gainakt.store.entities import Histogram, Run
    from gainakt.store.inbox import RunFolder, runs_root
    from gainakt.store.store import Store, open_for_reading

__all__ = ["Histogram", "Run", "RunFolder", "Store", "open_for_reading", "runs_root"]

_HOMES = {
    "Histogram": "entities",
    "Run": "entities",
    "RunFolder": "inbox",
    "runs_root": "inbox",
    "Store": "store",
    "open_for_reading": "store",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
