"""Write the tables of docs/measures.md from gainakt.measures.registry: python -m tests.benchmarks.measures_page."""

import sys
from pathlib import Path

from gainakt.measures.registry import AGREEMENT, MEASURES, RECOVERED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measures.md"


def table(of: str) -> str:
    """The measures of a split or of a run, a line each."""
    lines = ["| name | label | meaning | better |", "| --- | --- | --- | --- |"]
    for name, one in MEASURES.items():
        is_family = any(name == f"{kind}_{what}" for kind in AGREEMENT for what in RECOVERED)
        if one.of == of and not is_family:
            lines.append(f"| `{name}` | {one.label} | {one.help} | {one.better} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with fresh tables between its marks."""
    for of in ("split", "run", "recovery"):
        begin, end = f"<!-- measures of a {of} -->\n", "<!-- end -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}{table(of)}\n{end}{rest.split(end, 1)[1]}"
    return text


if __name__ == "__main__":
    old = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv:
        raise SystemExit(0 if page(old) == old else f"{PAGE.name} is stale: python -m tests.benchmarks.measures_page")
    PAGE.write_text(page(old), encoding="utf-8")
