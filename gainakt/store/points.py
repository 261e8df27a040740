"""What trackers of experiments take of a run: its numbers as points in one order, its settings as one flat list."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gainakt.errors import InputError
from gainakt.store.entities import Run
from gainakt.store.reader import Reader


class Point(NamedTuple):
    """One recorded number; `time` in unix seconds."""

    name: str
    value: float
    step: int
    time: float


def points(store: Reader, run: Run) -> list[Point]:
    """The values of a run's series by step, then its final measures at its last step; no missing values.

    `validation.encoder1_auc` becomes `validation/encoder1_auc`; final measures are named `final/test/encoder1_auc`.
    """
    series = store.series([run.run_id], store.names(run.run_id)).dropna(subset=["value"]).sort_values("step")
    found = [
        Point(str(row.name).replace(".", "/", 1), float(row.value), int(row.step), float(row.time or 0.0))
        for row in series.itertuples(index=False)
    ]
    final = store.metrics([run.run_id]).dropna(subset=["value"])
    found += [
        Point(f"final/{row.split}/{row.name}", float(row.value), run.step or 0, run.ended or 0.0)
        for row in final.itertuples(index=False)
    ]
    return found


def settings(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its dotted name, as `train --set` takes it."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from settings(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def refuse_what_is_there(paths: Sequence[Path]) -> None:
    """Raises InputError where one of the paths to write exists."""
    for path in paths:
        if path.exists():
            raise InputError(f"{path} is there already; choose another folder")
