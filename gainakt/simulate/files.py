"""Simulated students into a file, streamed: student, order, skill, response and, where there are items, item."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from gainakt.errors import InputError
from gainakt.simulate.engine import Part, run, with_students
from gainakt.simulate.parameters import Course
from gainakt.simulate.scenario import Scenario
from gainakt.simulate.truth import save_truth

FORMATS = (".parquet", ".csv", ".tsv")
_ROWS = 1 << 20
"""Rows per Parquet row group, whatever the number of students simulated at a time."""


@dataclass(frozen=True)
class Written:
    """What was written: the responses' file first, then the truth's; and the figures of the data."""

    files: list[Path]
    students: int
    interactions: int
    skills: int
    share_correct: float

    def summary(self) -> dict[str, Any]:
        """The figures and the files' paths, as JSON can hold them."""
        return {"path": str(self.files[0]), "truth": [str(file) for file in self.files[1:]]} | {
            name: getattr(self, name) for name in ("students", "interactions", "skills", "share_correct")
        }


def write(
    name: str,
    scenario: Scenario,
    seed: int,
    out: Path,
    blocks: int | None = None,
    report: Callable[[int], object] | None = None,
) -> Written:
    """Simulate into `out`, whose ending names the format, with the truth beside it; nothing is left when it fails.

    The same scenario and seed give the same bytes, whatever `blocks` (see `engine.run`). `report` gets the number of
    students of each part that is done.
    """
    if out.suffix.lower() not in FORMATS:
        raise InputError(f"{out}: its ending names the format; known: {', '.join(FORMATS)}")
    if not out.parent.is_dir():
        raise InputError(f"{out}: there is no folder {out.parent}; make it first")
    course, truth, parts = run(scenario, seed, blocks)
    names = student_labels(scenario.students)
    gamma, ability, interactions, correct = [], [], 0, 0
    partial = out.with_name(f".{out.name}.partial")
    try:
        with _sink(out.suffix.lower(), partial, bool(course.item_labels)) as take:
            for part in parts:
                take(_table(part, course, names))
                gamma.append(part.gamma)
                ability.append(part.ability)
                interactions += len(part.response)
                correct += int(part.response.sum())
                if report:
                    report(len(part.gamma))
        full = with_students(truth, np.concatenate(gamma), np.concatenate(ability))
        origin = {"scenario": name, "seed": seed, "settings": scenario.model_dump(mode="json")}
        files = save_truth(out, course, full, names, origin)
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
    return Written([out, *files], scenario.students, interactions, scenario.skills, correct / interactions)


def student_labels(students: int) -> list[str]:
    """s0000, s0001, ...: equally long, so that their order as text is their order."""
    digits = len(str(students - 1))
    return [f"s{i:0{digits}d}" for i in range(students)]


def _table(part: Part, course: Course, names: list[str]) -> pa.Table:
    size = len(part.length)
    who = np.repeat(np.arange(size, dtype=np.int32), part.length)
    begin = np.cumsum(part.length) - part.length
    columns: dict[str, Any] = {
        "student": _labelled(who, names[part.first : part.first + size]),
        "order": pa.array((np.arange(len(who)) - begin[who]).astype(np.int32)),
        "skill": _labelled(part.label, course.labels),
        "response": pa.array(part.response),
    }
    if course.item_labels:
        columns["item"] = _labelled(part.item, course.item_labels)
    return pa.table(columns)


def _labelled(index: np.ndarray, labels: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(labels)).dictionary_decode()


@contextmanager
def _sink(suffix: str, path: Path, items: bool) -> Iterator[Callable[[pa.Table], None]]:
    """A function that appends tables to the file."""
    names = ["student", "order", "skill", "response", *(["item"] if items else [])]
    types = {"order": pa.int32(), "response": pa.int8()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    if suffix == ".parquet":
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            rows = _RowGroups(writer)
            yield rows.take
            rows.flush()
        return
    separator = "," if suffix == ".csv" else "\t"
    with path.open("wb") as file:
        file.write((separator.join(names) + "\n").encode())
        options = pa_csv.WriteOptions(include_header=False, delimiter=separator, quoting_style="none")
        with pa_csv.CSVWriter(file, schema, write_options=options) as writer:
            yield writer.write_table


class _RowGroups:
    """Cuts what comes into row groups of equal size, so that the bytes do not depend on how it comes."""

    def __init__(self, writer: pq.ParquetWriter):
        self.writer = writer
        self.waiting: list[pa.Table] = []

    def take(self, table: pa.Table) -> None:
        self.waiting.append(table)
        if sum(one.num_rows for one in self.waiting) >= _ROWS:
            whole = pa.concat_tables(self.waiting)
            full = whole.num_rows // _ROWS * _ROWS
            for start in range(0, full, _ROWS):
                self._write(whole.slice(start, _ROWS))
            self.waiting = [whole.slice(full)]

    def flush(self) -> None:
        rest = pa.concat_tables(self.waiting)
        if rest.num_rows:
            self._write(rest)

    def _write(self, table: pa.Table) -> None:
        self.writer.write_table(table.combine_chunks(), row_group_size=_ROWS)
