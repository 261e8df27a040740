"""What runs were trained with: the settings, data and versions in which they differ."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pandas as pd
from pydantic import ValidationError

from gainakt.config import Config, fields, flatten, flatten_stored, renamed
from gainakt.store import Run

Table = dict[str, dict[str, Any]]
"""Name -> run id -> value; a run that does not state it is left out."""

OF_CODE = {"gainakt": "Code version", "threads": "Threads", "machine": "Machine"}
"""What a run tells of where it was trained, beside the versions of packages; name -> words."""


def stated(run: Run) -> dict[str, Any]:
    """Dotted name -> value of a run's settings, with the defaults of those that are newer than the run.

    As they were recorded, of a published record or a yardstick and where another version knew settings that this one
    does not.
    """
    if not (run.published or run.yardstick):
        with suppress(ValidationError):
            return flatten(Config.model_validate(run.config))
    return flatten_stored(run.config)


def settings(runs: Mapping[str, Run], only_differing: bool = True) -> Table:
    """The settings of runs (run id -> run) by dotted name, in the order of the tree.

    Those differ that two runs state differently: what a run does not state is unknown, not different.
    """
    return _table({run_id: stated(run) for run_id, run in runs.items()}, list(fields()), only_differing)


def label(name: str) -> str:
    """The label of a setting, given its dotted name or a former one; the name itself where there is no such setting."""
    spec = fields().get(renamed(name))
    return name if spec is None else spec.label


def surroundings(runs: Mapping[str, Run], only_differing: bool = True) -> Table:
    """Data, split, device, versions of code and packages of runs, by what it is in words."""
    return _table({run_id: dict(_around(run)) for run_id, run in runs.items()}, [], only_differing)


_DATA = {
    "name": "Data",
    "fingerprint": "Data fingerprint",
    "students": "Students",
    "interactions": "Interactions",
    "skills": "Skills",
    "split_rule": "Split of students",
}


def _around(run: Run) -> Iterator[tuple[str, Any]]:
    for name, title in _DATA.items():
        if run.data.get(name) is not None:
            yield title, run.data[name]
    split = run.data.get("split")
    for name, part in split.items() if isinstance(split, Mapping) else ():
        if isinstance(part, Mapping) and part.get("students") is not None:
            yield f"{str(name).capitalize()} students", part["students"]
    if run.device:
        yield "Device", run.device
    if run.parameters is not None:
        yield "Trained parameters", run.parameters
    for name, version in run.versions.items():
        if version is not None:
            yield OF_CODE.get(name, f"Version of {name}"), version


def _table(by_run: Mapping[str, Mapping[str, Any]], first: list[str], only_differing: bool) -> Table:
    names = dict.fromkeys(name for values in by_run.values() for name in values)
    ordered = [*(name for name in first if name in names), *(name for name in names if name not in set(first))]
    table = {
        name: {run_id: values[name] for run_id, values in by_run.items() if values.get(name) is not None}
        for name in ordered
    }
    return {name: row for name, row in table.items() if row and (not only_differing or differs(row))}


def differs(row: Mapping[str, Any]) -> bool:
    """Whether two runs state different values."""
    return len({_same(value) for value in row.values()}) > 1


def _same(value: Any) -> str:
    """A value as it is compared: 2 and 2.0 are the same."""
    return repr(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def as_frame(table: Table, runs: Mapping[str, str], heading: str) -> pd.DataFrame:
    """A table as a frame: what it is, then a column of texts per run (run id -> label), blank where not stated."""
    rows = [
        {heading: label(name) if heading == "Setting" else name}
        | {title: text_of(row.get(run_id)) for run_id, title in runs.items()}
        for name, row in table.items()
    ]
    return pd.DataFrame(rows, columns=[heading, *runs.values()])


def text_of(value: Any) -> str:
    """A setting's value for reading; what is not stated is blank."""
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else "empty" if value == "" else str(value)
