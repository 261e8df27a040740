"""A connection that any thread may read: each call has its own cursor, every value is bound."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import pandas as pd

from gainakt.errors import StoreDamaged
from gainakt.store.damage import in_plain_words


class Cursors:
    """What all reading of a store is made of."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None = None) -> None:
        self._connection = connection
        self._cursors = Lock()
        self.path = path
        self.damage: StoreDamaged | None = None
        """What was found when the file could not be read, or written, as it should be."""
        self.on_damage: Callable[[StoreDamaged], object] = lambda _: None
        """Called once, by whoever finds it."""

    def _frame(self, query: str, values: dict[str, Any]) -> pd.DataFrame:
        with self.reading() as cursor:
            frame: pd.DataFrame = cursor.execute(query, values).df()
            return frame

    def _rows(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self.reading() as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(query, values).fetchall()
            return rows

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own for a caller in this package, closed afterwards."""
        with self._in_plain_words():
            with self._cursors:
                cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Remember damage to the file, and raise what `damage.said` makes of an error."""
        try:
            with in_plain_words(self.path):
                yield
        except StoreDamaged as error:
            found, self.damage = self.damage is None, error
            if found:
                self.on_damage(error)
            raise


def bind(values: dict[str, Any], prefix: str, items: Sequence[str]) -> str:
    """Add the items to the bound values; the text of an IN list that names them."""
    given = [items] if isinstance(items, str) else list(items)
    values.update({f"{prefix}{place}": item for place, item in enumerate(given)})
    return "(" + (", ".join(f"${prefix}{place}" for place in range(len(given))) or "NULL") + ")"
