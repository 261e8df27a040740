"""What the command line prints: values, tables, one JSON object, and why it ended."""

import io
import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError, StoreBusy, StoreDamaged, StoreFull
from gainakt.store import Store, open_for_reading, runs_root
from gainakt.store.lines import plain

if TYPE_CHECKING:
    from pandas import DataFrame

    from gainakt.verdict.criteria import Targets


_CONTROLS = {
    code: ascii(chr(code))[1:-1]
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t\r"
}
_LONG = re.compile(r"(\S{200})\S{200,}")


class Harmless:
    """A stream of text for a terminal: names and labels come from files, and must not move its cursor or run commands.

    What controls a terminal, or turns the direction of writing, is shown as its escape; `\\r` too, unless for `bars`.
    """

    def __init__(self, stream: TextIO, bars: bool = False) -> None:
        self._stream = stream
        self._shown = _CONTROLS if bars else {**_CONTROLS, ord("\r"): r"\r"}
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows few letters

    def write(self, text: str) -> int:
        """Write the text, harmless."""
        return self._stream.write(text.translate(self._shown))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def number(value: Any) -> str:
    """A value as people read it: six significant digits, - for none."""
    return f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)


def show(values: dict[str, Any], as_json: bool) -> None:
    """Print name and value line by line, the findings of a verdict below them; or all as one JSON object."""
    if as_json:
        print(json.dumps(plain(values)))
        return
    from gainakt.verdict.criteria import STATUSES

    values, findings = _without_findings(values)
    for name, value in values.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for inner, inner_value in value.items():
                print(f"  {inner:40} {number(inner_value)}")
        else:
            print(f"{name:42} {number(value)}")
    for name, finding in findings.items():
        print(
            f"{name:24} {STATUSES[finding['status']]:24} {number(finding['value']):>10}  {finding['evidence']['text']}"
        )


def _without_findings(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to print as it is, and the verdict's findings by name."""
    if "verdict" not in values:
        return values, {}
    on_data = {name: value for name, value in values.items() if name.startswith("data_")}
    findings = {**values["verdict"], **on_data}
    apart = {"verdict", "mastery_correlations", *findings}
    return {name: value for name, value in values.items() if name not in apart}, findings


def table_text(table: "DataFrame", empty: str = "") -> str:
    """A table in columns, or the sentence for an empty one."""
    return table.to_string(index=False, float_format=number, na_rep="-") if len(table) else empty


def show_json(**parts: Any) -> None:
    """Print one JSON object; tables become lists of rows."""
    rows = {
        name: json.loads(part.to_json(orient="records")) if hasattr(part, "to_json") else part
        for name, part in parts.items()
    }
    print(json.dumps(plain(rows)))


def verdict_of(store: Path, run_id: str, targets: "Targets | None" = None) -> dict[str, Any]:
    """The verdict on a run as it stands; from the runs' folders where the store cannot be read."""
    from gainakt.verdict.judge import DEFAULTS, as_json

    try:
        with open_for_reading(store) as reading:
            return as_json(reading, run_id, targets or DEFAULTS)
    except (StoreBusy, StoreDamaged, StoreFull):
        reading = Store.open(":memory:", runs=runs_root(store))
        reading.take_in()
    with reading:
        return as_json(reading, run_id, targets or DEFAULTS)


def command(*words: str, store: Path) -> str:
    """A command that a user can copy, with the store where it is another than the usual one."""
    own = [] if store == DEFAULT_STORE else ["--store", str(store)]
    return shlex.join(["python", "-m", "gainakt", *words, *own])


def take_in(store: Path) -> None:
    """Take new rows of the runs' folders into the store unless another process holds it, which then does so itself.

    A store that is damaged, or full, does not undo what a run has in its folder: it is only said.
    """
    try:
        with Store.open(store, wait=1) as opened:
            opened.take_in()
            warnings = opened.warnings
    except StoreBusy:
        return
    except InputError as error:
        warnings = [str(error)]
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def error_object(why: str, /, **facts: Any) -> None:
    """Print one JSON object with the error where the command was asked for JSON."""
    if "--json" in sys.argv:
        print(json.dumps({**facts, "error": why}))


def fail(why: str, status: int, /, **facts: Any) -> NoReturn:
    """End the process; the last line of stderr says why, and so does the JSON where it was asked for.

    A word of hundreds of letters, which a user gave, is cut.
    """
    why = _LONG.sub(r"\1…", why)
    error_object(why, **facts)
    leave(why, status)


def leave(why: str, status: int) -> NoReturn:
    """End the process; the last line of stderr says why."""
    print(f"error: {why}", file=sys.stderr)
    raise SystemExit(status)
