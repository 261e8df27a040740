"""What the command line says of a run's verdict."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gainakt.errors import StoreBusy
from gainakt.store import Store, open_for_reading, runs_root


def known(store: Path, run_id: str, targets: Any = None) -> dict[str, Any]:
    """The verdict from what is known of a run; where the store's holder does not answer, from the runs' folders."""
    from gainakt.verdict.judge import DEFAULTS, as_json

    try:
        reading = open_for_reading(store)
    except StoreBusy:
        reading = Store.open(":memory:", runs=runs_root(store))
        reading.take_in()
    with reading:
        return as_json(reading, run_id, targets or DEFAULTS)


def apart(values: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str, Any, str]]]:
    """What to print as it is, and the findings of a verdict as name, status, value, evidence."""
    if "verdict" not in values:
        return values, []
    found = {
        **values.get("verdict", {}), **{name: value for name, value in values.items() if name.startswith("data_")},
    }  # fmt: skip
    hidden = {"verdict", "mastery_correlations", *found}
    rows = [(name, f["status"], f["value"], f["evidence"]["text"]) for name, f in found.items()]
    return {name: value for name, value in values.items() if name not in hidden}, rows


@contextmanager
def progress() -> Iterator[Any]:
    """A bar on stderr, and the function that moves it to a share in (0, 1) with words."""
    form = "{l_bar}{bar}| {elapsed} {desc}"
    with tqdm(total=1.0, file=sys.stderr, disable=None, bar_format=form) as bar:

        def report(done: float, says: str) -> None:
            bar.set_description_str(says, refresh=False)
            bar.update(done - bar.n)

        yield report
