"""How the compared runs are named and coloured, and cells that tell better from worse without relying on colour."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.chance import group_names
from gainakt.analysis.compare.measures import BETTER, WORSE
from gainakt.ui.text import shortened

FEW = 6
"""Up to so many runs each has a colour of its own; more are coloured by the group that differs in the seed only."""
_CELLS = {BETTER: "background-color: rgba(0,114,178,0.22)", WORSE: "background-color: rgba(213,94,0,0.22)", 0: ""}


@dataclass(frozen=True)
class Look:
    """Labels and groups of a comparison's runs."""

    comparison: Compared

    @cached_property
    def labels(self) -> dict[str, str]:
        """Run id -> name with the end of its id, since names repeat; the baseline is marked."""
        return {
            run_id: f"{'▸ ' if run_id == self.comparison.baseline else ''}{shortened(run.name, 24)} ({run_id[-4:]})"
            for run_id, run in self.comparison.runs.items()
        }

    @cached_property
    def groups(self) -> dict[str, str]:
        """Run id -> name of its group."""
        names = group_names(self.comparison)
        return {run_id: names[first] for first, members in self.comparison.groups.items() for run_id in members}

    @property
    def many(self) -> bool:
        """Whether there are too many runs for a colour each."""
        return len(self.comparison.runs) > FEW

    @property
    def revision(self) -> str:
        """What charts keep their zoom for."""
        return ",".join(self.comparison.runs)


def coloured(table: pd.DataFrame, ways: pd.DataFrame, formats: dict[str, str]) -> "pd.io.formats.style.Styler":
    """A table whose cells are blue where better, orange where worse (`ways`: BETTER, WORSE or 0, by column)."""

    def cells(column: pd.Series) -> list[str]:
        return [_CELLS[int(way)] for way in ways[column.name]] if column.name in ways else [""] * len(column)

    return table.style.apply(cells, axis=0).format(formats, na_rep="–")
