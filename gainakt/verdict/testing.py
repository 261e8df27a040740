"""Are differences real? Tests of the data with the stand-in or a run's own preset, and of the run's own account."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gainakt.store import Run

Report = Callable[[float, str], None]
"""Told how far a job is, in (0, 1), and what it does."""


def tests(run: Run, root: Path, arm: str, report: Report, known: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Both questions about a saved run: `data` (the tests a, b, c) and `own` (the run's own account), by question.

    `arm` is "stand-in" (seconds) or "preset" (trains the run's own configuration again and again). `known` are rows of
    earlier tests on the same data: what a stand-in found in them, with the same window, is taken over. Raises
    InputError when a checkpoint is missing or the data have changed.
    """
    from gainakt.verdict.own_test import account
    from gainakt.verdict.with_curve_model import tests as with_stand_in
    from gainakt.verdict.with_preset import tests as with_preset

    config, data, own = account(run, root, lambda done, says: report(0.1 * done, says))

    def later(done: float, says: str) -> None:
        report(0.1 + 0.9 * done, says)

    window = config.data.window
    if arm == "preset":
        about = _told(with_preset(config, data, later))
    else:
        same = (row["data"] for row in known if row.get("with") == arm and row.get("window") == window)
        told = [data for data in same if all("size" in one for one in data.values())]  # rows of before there was one
        about = told[-1] if told else _told(with_stand_in(data, window, config.training.seed, later))
    return {
        "data": about,
        "window": window,
        "own": own,
    }


def _told(found: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: evidence.as_json() for name, evidence in found.items()}
