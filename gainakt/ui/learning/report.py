"""The report on a data set, to download: what the sections show, in sentences and tables."""

from typing import Any

import streamlit as st

from gainakt.analysis.learning.curves import Thresholds
from gainakt.analysis.learning.report import write
from gainakt.analysis.report import Analysis
from gainakt.config import DataConfig
from gainakt.jobs import learning
from gainakt.jobs.learning import Study


def buttons(study: Study, config: DataConfig) -> None:
    """Download as HTML or Markdown, at the thresholds that the page stands at; written when it is asked for."""
    examined = learning.found_examined(config)
    thresholds = st.session_state.get("learning.thresholds", Thresholds())
    mastered = float(st.session_state.get("learning.threshold", 0.95))

    def written() -> Analysis:
        return write(learning.findings(study, examined, mastered, thresholds))

    st.divider()
    html, markdown, about = st.columns([1, 1, 3], vertical_alignment="center")
    shared: dict[str, Any] = {"icon": ":material/description:", "on_click": "ignore", "width": "stretch"}
    html.download_button(
        "Report as HTML", lambda: written().html, "learning.html", "text/html", key="learning.html", **shared
    )
    markdown.download_button(
        "As Markdown", lambda: written().markdown, "learning.md", "text/markdown", key="learning.md", **shared
    )
    if examined is None:
        about.caption("Without the skill model: open that section first to have it in the report.")
