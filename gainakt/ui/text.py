"""Names and labels come from users and files: made plain before they reach a chart or a Markdown text."""

import re
from html import escape
from typing import Any

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>:$<&])")


def chart_text(text: object) -> str:
    """Text that Plotly shows as it is; Plotly reads tags and entities otherwise."""
    return escape(str(text), quote=False)


def markdown_text(text: object) -> str:
    """Text that Streamlit shows as it is, without Markdown, links, formulas or icons."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def number(value: Any) -> str:
    """A number with up to four significant digits and grouped thousands; other values as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if 1e-4 <= abs(value) < 1e6 else f"{value:.4g}"
