"""Both tests of a saved run: on its data, with the learning-curve model or its own preset, and on the run itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gainakt.store import Run
from gainakt.verdict import with_curve_model, with_preset
from gainakt.verdict.judge import tested_level
from gainakt.verdict.on_run import run_test
from gainakt.verdict.progress import Progress
from gainakt.verdict.statistics import DataTest, Question


def both_tests(
    run: Run, root: Path, arm: str, progress: Progress, earlier: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """By question, what the tests on the data (`data`) and on the run (`own`) find, and `window` and `level` of both.

    `arm` is "stand-in", the learning-curve model (seconds), or "preset", which trains the run's own configuration again
    and again. `earlier` are results on the same data: those of the learning-curve model with the same window and level
    are taken over. Raises InputError when a checkpoint is missing or the data have changed.
    """
    config, data, on_run = run_test(run, root, lambda done, words: progress(0.1 * done, words))

    def later(done: float, words: str) -> None:
        progress(0.1 + 0.9 * done, words)

    window, level = config.data.window, tested_level(config.model.level)
    if arm == "preset":
        on_data = _as_json(with_preset.data_tests(config, data, later))
    else:
        on_data = _taken_over(earlier, arm, window, level) or _as_json(
            with_curve_model.data_tests(data, window, config.training.seed, later, level)
        )
    return {"data": on_data, "window": window, "level": level, "own": on_run}


def _taken_over(earlier: Sequence[Mapping[str, Any]], arm: str, window: int, level: str) -> dict[str, Any]:
    """The newest result with the same window and level; rows of earlier versions lack effect sizes and don't count."""
    same = (
        row["data"]
        for row in earlier
        if (row.get("with"), row.get("window"), row.get("level", "student")) == (arm, window, level)
    )
    complete = [result for result in same if all("size" in test for test in result.values())]
    return dict(complete[-1]) if complete else {}


def _as_json(tests: Mapping[Question, DataTest]) -> dict[str, Any]:
    return {question: test.as_json() for question, test in tests.items()}
