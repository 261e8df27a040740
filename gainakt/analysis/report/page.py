"""From the report's Markdown to one HTML file that needs nothing beside it."""

import re
from html import escape

from markdown_it import MarkdownIt

from gainakt.analysis.report.figures import Figure, element, library

_PLACE = re.compile(r"^\[\[figure:([a-z_]+)\]\]\n?", re.MULTILINE)
_STYLE = """
body{font:16px/1.55 system-ui,sans-serif;color:#1a1f26;max-width:1000px;margin:2rem auto;padding:0 1rem}
body.wide{max-width:1700px}
h1,h2,h3{line-height:1.25}h2{margin-top:2.2rem}
table{border-collapse:collapse;margin:1rem 0;font-size:.92em;display:block;overflow-x:auto}
td,th{border:1px solid #d5dae0;padding:.35rem .6rem;text-align:left;vertical-align:top}th{background:#f3f5f7}
pre{background:#f3f5f7;padding:.7rem;overflow-x:auto}hr{border:0;border-top:1px solid #d5dae0}
.figure{width:100%;margin:1rem 0}
.pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:2rem;border-top:1px solid #d5dae0}
"""


def render(markdown: str) -> str:
    """Markdown as HTML; raw HTML in it is shown, not used."""
    html: str = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").render(markdown)
    return html


def body(markdown: str, figures: dict[str, Figure]) -> str:
    """The report's HTML with its figures at their places."""
    parts = _PLACE.split(markdown)  # text, name, text, name, ..., text
    html = [render(parts[0])]
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        html.append(element(name, figures[name]) if name in figures else "")
        html.append(render(text))
    return "\n".join(html)


def page(title: str, content: str, wide: bool = False) -> str:
    """A whole page around the content, with the chart library inlined once."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><script>{library()}</script></head>"
        f"<body{' class=wide' if wide else ''}>{content}</body></html>\n"
    )


def without_figures(markdown: str) -> str:
    """The Markdown alone: figures are in the HTML."""
    return re.sub(r"\n{3,}", "\n\n", _PLACE.sub("", markdown))
