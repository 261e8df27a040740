"""The Compare page from top to bottom: which runs, against which baseline, and one section of the comparison."""

import streamlit as st

from gainakt.analysis.compare import compare
from gainakt.errors import InputError
from gainakt.store import Store
from gainakt.store.entities import WITH_RESULTS
from gainakt.store.trash import KEPT_DAYS
from gainakt.ui import frame, resources
from gainakt.ui.compare import curves, explore, gains, link, measures, overview, settings, skills, statistics, why
from gainakt.ui.compare.look import Look
from gainakt.ui.forms import run_choice
from gainakt.ui.text import markdown_text, shortened

SECTIONS = {
    "why": ("Why they differ", why.section),
    "runs": ("Runs and verdicts", overview.section),
    "settings": ("Settings", settings.section),
    "measures": ("Measures", measures.section),
    "curves": ("Curves", curves.section),
    "gains": ("Gains", gains.section),
    "skills": ("Skills", skills.section),
    "statistics": ("Statistics", statistics.section),
    "explore": ("Explore", explore.section),
}
"""Name in the link -> title and what draws it; only the section that is looked at is computed."""


def page() -> None:
    """The whole page."""
    store = resources.store()
    options = run_choice.labels(store)
    if len(options) < 2:
        st.info("Comparing needs two runs: start them on the Train page.", icon=":material/info:")
        st.stop()
    chosen_at, baseline_at, copy_at = st.columns([11, 4, 1.5], vertical_alignment="bottom", gap="small")
    with chosen_at:
        picked = link.runs(options, _wanted(store, options))
    if len(picked) < 2:
        st.info("Choose two or more runs.", icon=":material/info:")
        st.stop()
    with baseline_at:
        baseline = link.choice(
            "baseline",
            picked,
            "Baseline",
            options.__getitem__,
            help="Differences are taken to this run; in sentences it is A.",
        )
    with copy_at:
        link.copy_button()
    comparison = compare(store, picked, baseline)
    look = Look(comparison)
    name = link.one_of("show", list(SECTIONS), "Section", lambda one: SECTIONS[one][0], label_visibility="collapsed")
    SECTIONS[name][1](comparison, look)
    frame.to_top(f"{look.revision} {name}")


def _wanted(store: Store, options: dict[str, str]) -> list[str]:
    """The runs that the link names; without a link the two newest that have ended, else the two newest."""
    wanted = [run_id for run_id in st.query_params.get("runs", "").split(",") if run_id]
    if wanted:
        found, gone = [], []
        for asked in wanted:
            try:
                found.append(store.run(asked).run_id)
            except InputError:
                gone.append(asked)
        if gone:
            names = markdown_text(shortened(", ".join(gone), 120))
            st.warning(f"In this store there is no run {names}. A deleted run is in the trash for {KEPT_DAYS} days.")
        return [run_id for run_id in dict.fromkeys(found) if run_id in options]
    table = store.runs(published=None)
    ended = table.loc[table["status"].isin(WITH_RESULTS), "run_id"].tolist()
    return (ended if len(ended) > 1 else list(options))[:2]
