"""What a measure is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gainakt.measures.predictions import Split

Compute = Callable[[Split], float | None]
Of = Literal["split", "run", "recovery"]
Better = Literal["higher", "lower", ""]
Table = Literal["runs", "primary", "compared", "gains", "skills", "mastery"]
"""Tables that show some measures only: the Runs page's, the forms of the mastery correlation, those of the report."""


@dataclass(frozen=True)
class Measure:
    """One measure: `of` a split of students, of the whole run, or of the recovery of a known truth.

    `short` heads narrow columns; `better` is the good direction, "" where neither is. `compute` is None where the
    measure needs more than a split's predictions and is computed elsewhere.
    """

    name: str
    label: str
    help: str
    better: Better = ""
    compute: Compute | None = None
    tables: tuple[Table, ...] = ()
    short: str = ""
    of: Of = "split"
