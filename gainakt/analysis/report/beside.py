"""Another written analysis beside a report, section by section; wrongly decoded characters are repaired."""

import re

from gainakt.analysis.report.figures import Figure
from gainakt.analysis.report.page import body, page, render

_SECTION = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
MATCHES = {
    # the report's section: what the sections of the original analysis that it answers begin with
    "Executive Summary": ("Executive Summary",),
    "Performance Metrics": ("Performance Metrics", "Comparison to"),
    "Gain Analysis": ("Gain Analysis",),
    "Success Criteria Evaluation": ("V3 Success Criteria", "Success Criteria"),
    "Learned Parameter Evolution": ("Learned Parameter",),
    "Training Dynamics": ("Training Dynamics",),
    "Why": ("Why", "Root Cause"),
    "Recommendations": ("Recommendations", "Implications", "Success Probability", "Next Steps"),
    "Conclusion": ("Conclusion", "Lessons"),
}


def repaired(text: str) -> str:
    """UTF-8 that was read as Mac Roman, read again as what it is; other text unchanged."""
    try:
        return text.encode("mac_roman").decode("utf-8")
    except UnicodeError:
        return text


def sections(markdown: str) -> list[tuple[str, str]]:
    """Title and text of each second-level section in order; what comes before the first has the title ""."""
    parts = _SECTION.split(markdown)
    return [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]


def side_by_side(title: str, report: str, figures: dict[str, Figure], other: str, name: str) -> str:
    """One HTML page: each section of the report on the left, the section of `other` on the same matter on the right."""
    other_sections = sections(repaired(other))
    rows, used = [], set()
    for heading, text in sections(report):
        begins = MATCHES.get(heading, (heading,))
        same = [
            i
            for i, (title_there, _) in enumerate(other_sections)
            if i not in used and (title_there.startswith(begins) if heading else not title_there)
        ]
        used.update(same)
        right = "\n\n".join(_whole(*other_sections[i]) for i in same) or "*No such section.*"
        rows.append((body(_whole(heading, text), figures), render(right)))
    rows += [
        ("", render(_whole(*section)))
        for i, section in enumerate(other_sections)
        if i not in used and section[1].strip()
    ]
    heads = f"<div class=pair><b>This report</b><b>{render(name)}</b></div>"
    pairs = "".join(f"<div class=pair><div>{left}</div><div>{right}</div></div>" for left, right in rows)
    return page(title, heads + pairs, wide=True)


def _whole(heading: str, text: str) -> str:
    return f"## {heading}\n{text}" if heading else text
