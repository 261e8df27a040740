"""Turns a workbook into CSV, or Feather into Parquet, as a process of its own with bounded memory.

A file of two kilobytes may ask for a terabyte: two cells at the far corners of a sheet, a column of packed zeros. What
reads it may end the process, so that is not the dashboard's. This file imports nothing of GainAKT, to start quickly.
"""

import contextlib
import csv
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

MOST_MEMORY = 4 << 30
"""Bytes that the process may have."""

HEADER_WITHIN = 12
"""Rows of a sheet in which its header is looked for."""


def sheets(path: str) -> dict[str, list[list[str]]]:
    """The first rows of each sheet with two rows or more, by its name."""
    import python_calamine as calamine

    with calamine.load_workbook(path) as book:
        filled = [(name, sheet) for name in book.sheet_names if (sheet := book.get_sheet_by_name(name)).height > 1]
        return {
            name: [
                [cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False, nrows=HEADER_WITHIN)
            ]
            for name, sheet in filled
        }


def sheet(path: str, target: str, name: str) -> None:
    """Write a sheet as CSV."""
    import python_calamine as calamine

    with calamine.load_workbook(path) as book, Path(target).open("w", encoding="utf-8", newline="") as stream:
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        cells = ([cell(value) for value in row] for row in rows)
        csv.writer(stream).writerows(row if any(row) else [] for row in cells)  # formatted and left empty


def cell(value: Any) -> str:
    """A cell as text: whole numbers without a point, moments as ISO 8601."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat(" ") if isinstance(value, dt.datetime) else str(value)


def feather(path: str, target: str) -> list[str]:
    """Write the table as Parquet; the names of columns whose types are their own, where there are any."""
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    table = pyarrow.feather.read_table(path)
    odd = [column.name for column in table.schema if isinstance(column.type, pa.BaseExtensionType)]
    if not odd:
        pyarrow.parquet.write_table(table, target)
    return odd


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    with contextlib.suppress(ValueError, OSError):  # macOS refuses it, or a lower limit stands already
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    _limit()
    try:
        work: Any = {"sheets": sheets, "sheet": sheet, "feather": feather}[sys.argv[1]]
        answer = work(*sys.argv[2:])
    except MemoryError:
        sys.exit(1)
    except Exception as error:  # what a library finds wrong with a stranger's file
        json.dump({"wrong": (str(error).splitlines() or [type(error).__name__])[0]}, sys.stdout)
    else:
        json.dump({"answer": answer}, sys.stdout)
