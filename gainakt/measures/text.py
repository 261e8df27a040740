"""Numbers and names as text in sentences and Markdown: evidence of the verdict, diagnosis, written report."""

import math

MARKDOWN = r"\`*_{}[]()#+!|~>$<&"
"""Signs that mean something in Markdown."""


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


def escaped(text: object, signs: str = MARKDOWN) -> str:
    """Names and messages of users and files as Markdown that shows them as they are, on one line."""
    return "".join("\\" + sign if sign in signs else sign for sign in " ".join(str(text).split()))
