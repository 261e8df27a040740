"""How far a job of this server is: a study, a benchmark, a curve."""

from collections.abc import Callable

import streamlit as st

from gainakt.ui import resources
from gainakt.ui.text import markdown_text
from gainakt.ui.visitors import owners

_TICK = 2.0


def progress(name: str) -> None:
    """How far the job of this server is; the page is drawn anew when it ends."""
    job = resources.jobs().of(name)
    ticks = _TICK if job is not None and not job.ended else None
    st.fragment(_ticker(name), run_every=ticks)()


def _ticker(name: str) -> Callable[[], None]:
    def tick() -> None:
        job = resources.jobs().of(name)
        if job is None:
            return
        if job.error:
            st.error(markdown_text(job.error), icon=":material/error:")
        elif not job.ended:
            text = resources.job_text(resources.store(), job)
            st.progress(min(job.done, 1.0), text=text[:1].upper() + text[1:])
            st.button("Cancel", key=f"cancel-{name}", on_click=resources.jobs().cancel, args=(name,), **owners())
        shown = f"{name}-shown"
        if job.ended and st.session_state.get(shown) is False:
            st.session_state[shown] = True
            st.rerun()
        if not job.ended:
            st.session_state[shown] = False

    return tick
