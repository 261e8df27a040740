"""Names and labels come from users and files: made plain before they reach a chart or a Markdown text."""

import json
import math
import re
from html import escape
from typing import Any

_MARKDOWN = r"\`*_{}[]()#+!|~>$<&-.:"
_AUTOMATIC = re.compile(r":(?=\S)|www(?=\.)|\S(?=@)", re.IGNORECASE)


def chart_text(text: object) -> str:
    """Text that Plotly shows as it is; Plotly reads tags and entities otherwise."""
    return escape(str(text), quote=False)


def markdown_text(text: object) -> str:
    """Text that Streamlit shows as it is, without Markdown, links, formulas or icons.

    Addresses and :names: are turned into links and icons even where escaped: an invisible joiner breaks them.
    """
    line = plain_signs(" ".join(str(text).split()))
    return "".join(f"\\{sign}" if sign in _MARKDOWN else sign for sign in line)


def plain_signs(markdown: str) -> str:
    """Markdown of the report, in which names are escaped already, without what Streamlit alone turns into something."""
    return _AUTOMATIC.sub(lambda match: f"{match[0]}\u2060", markdown)


def shortened(text: object, length: int) -> str:
    """Text of at most so many characters, the cut shown by an ellipsis."""
    whole = str(text)
    return whole if len(whole) <= length else whole[: length - 1] + "…"


def number(value: Any, decimals: int | None = None) -> str:
    """A number with up to four significant digits, or so many decimals, and grouped thousands; other values as text.

    A dash stands for None and NaN.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if 1e-4 <= abs(value) < 1e6 else f"{value:.4g}"


def json_value(text: str) -> str:
    """A value that the store keeps as JSON, for reading."""
    return number(json.loads(text))
