"""Numbers and names as text in sentences and Markdown: evidence of the verdict, diagnosis, written report."""

import math
import re

_JOINED = re.compile(r"(?<=[^\s~])~~(?=[^\s~])")
_MARKDOWN = re.compile(
    r"[\\`*\[\]|$<]"  # anywhere
    r"|(?<![^\W_])_|_(?![^\W_])"  # not between letters and digits
    r"|&(?=#?\w+;)"
    r"|^[#+>-]|^\d+(?=[.)](?:\s|$))"
    r"|(?<![\s~])~|~(?![\s~])"  # not a run between blanks
)
"""Signs that mean something in Markdown where they stand."""


def number(value: float | None, digits: int = 4) -> str:
    """A number with so many decimals, or three significant digits where it is small or large; a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    if float(value).is_integer() and abs(value) >= 2:
        return f"{int(value):,}"
    return f"{value:.{digits}f}" if 0.001 <= abs(value) < 1000 else f"{value:.3g}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in per cent; a dash for none."""
    return "–" if value is None or math.isnan(value) else f"{100 * value:.{digits}f}%"


def interval(value: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    """A number with its unit and, if there is one, its 95 % interval in brackets; "unknown" for no number."""
    shown = "unknown" if value is None else f"{value:.3g} {unit}".rstrip()
    return shown if low is None or high is None else f"{shown} [{low:.3g}, {high:.3g}]"


def escaped(text: object) -> str:
    """Names and messages of users and files as Markdown that shows them as they are, on one line.

    Readable as a text, too: no more is escaped than must be, and the ~~ between joined skills gets a blank on each
    side, where it strikes nothing through.
    """
    line = _JOINED.sub(" ~~ ", " ".join(str(text).split()))
    return _MARKDOWN.sub(_marked, line)


def _marked(found: re.Match[str]) -> str:
    """A sign with a backslash before it; after the number with which a line begins, which would make a list."""
    return f"{found[0]}\\" if found[0].isdecimal() else f"\\{found[0]}"
