"""The frame around every page: its title, its width and the navigation."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from gainakt.ui import entry, visitors

PAGES = (
    # script, title, icon
    ("app.py", "Home", ":material/home:"),
    ("pages/5_Data.py", "Data", ":material/table_chart:"),
    ("pages/5_Skills.py", "Skills", ":material/school:"),
    ("pages/1_Train.py", "Train", ":material/tune:"),
    ("pages/2_Runs.py", "Runs", ":material/table_rows:"),
    ("pages/3_Run.py", "Run", ":material/monitoring:"),
    ("pages/8_Student.py", "Student", ":material/person_search:"),
    ("pages/4_Compare.py", "Compare", ":material/compare:"),
    ("pages/6_Diagnosis.py", "Diagnosis", ":material/stethoscope:"),
    ("pages/9_Sweep.py", "Sweep", ":material/grid_view:"),
    ("pages/7_Study.py", "Study", ":material/experiment:"),
    ("pages/9_Benchmark.py", "Benchmark", ":material/leaderboard:"),
)

STYLE = Path(__file__).with_name("frame.css")
"""A slim navigation and small margins. It also takes from all tables their own export, which leaves formulas in cells;
`tables.download` writes them quoted."""

FAVICON = Path(__file__).with_name("favicon.svg")


def page(title: str, icon: str = "", heading: bool = True) -> None:
    """Set up the page and draw the navigation and the heading; the first call of app.py and of every page.

    `icon` (such as ":material/tune:") stands before the heading. Without `heading` the page writes its own.
    """
    st.set_page_config(page_title=f"{title} · GainAKT", page_icon=str(FAVICON), layout="wide")
    entry.check()
    with st.sidebar:
        st.markdown("GainAKT workbench")
        for script, name, mark in available():
            st.page_link(script, label=name, icon=mark)
        visitors.note()
    st.html(STYLE)
    if heading:
        st.title(f"{icon} {title}".strip())


def to_top(what: str) -> None:
    """Scroll to the top where the page begins to show something else; a browser keeps the place of what was there."""
    _scroll()(key=f"top-{what}", data=what)


@functools.cache
def _scroll() -> Callable[..., Any]:
    script = """export default function ({ parentElement }) {
      parentElement.closest('[data-testid="stMain"]')?.scrollTo({ top: 0 });
    }"""
    return st.components.v2.component("gainakt_to_top", html="<span></span>", js=script, isolate_styles=False)


def available() -> list[tuple[str, str, str]]:
    """The pages whose script lies beside the running app: (script, title, icon)."""
    context = get_script_run_ctx()
    root = Path(context.main_script_path).resolve().parent if context else Path.cwd()
    return [entry for entry in PAGES if (root / entry[0]).exists()]
