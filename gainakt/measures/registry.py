"""Every measure of a run, once: name, label, help, which direction is good, where it is shown, how it is computed.

Tables, labels, help texts, report and docs derive from it. A new measure is one entry in `of_split` or `of_run`.
"""

from collections.abc import Iterable, Iterator

from gainakt.measures import Values
from gainakt.measures.measure import Better, Measure, Table
from gainakt.measures.of_run import AGREEMENT, OF_RECOVERY, OF_RUN, RECOVERED
from gainakt.measures.of_split import OF_SPLIT
from gainakt.measures.predictions import Split

__all__ = ["AGREEMENT", "MEASURES", "RECOVERED", "Better", "Measure", "measure", "named", "shown_in"]

MEASURES: dict[str, Measure] = {measure.name: measure for measure in (*OF_SPLIT, *OF_RUN, *OF_RECOVERY)}
"""Every measure by name, in the order in which tables show them."""


def shown_in(table: Table) -> dict[str, Measure]:
    """The measures of a table that shows only some."""
    return {name: measure for name, measure in MEASURES.items() if table in measure.tables}


def named(names: Iterable[str]) -> list[Measure]:
    """The measures of these names in the registry's order, then those that it does not know, by their raw names."""
    recorded = dict.fromkeys(names)
    newer = [name for name in recorded if name not in MEASURES]
    unknown = (Measure(name, name, "Recorded by another version of the workbench.") for name in newer)
    return [*(measure for name, measure in MEASURES.items() if name in recorded), *unknown]


def measure(split: Split) -> Values:
    """Every measure that follows from a split's predictions; None where it is not defined."""
    return dict(_computed(split))


def _computed(split: Split) -> Iterator[tuple[str, float | None]]:
    for name, one in MEASURES.items():
        if one.compute is not None:
            yield name, one.compute(split)
