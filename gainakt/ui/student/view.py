"""A student's course, and the explanation of one prediction."""

import json
import shlex
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from gainakt.errors import InputError
from gainakt.jobs.students import Students
from gainakt.ui import tables
from gainakt.ui.plots.live import live_plot
from gainakt.ui.student import figures, words
from gainakt.ui.student.explanation import explanation_figure
from gainakt.ui.text import markdown_text, number

_SPLITS = {"train": "a training student", "validation": "a validation student", "test": "a test student"}
_CONTRIBUTIONS = {
    "interaction": st.column_config.NumberColumn("Interaction", help="Number in the student's course, from 1 on."),
    "skill": st.column_config.TextColumn("Skill", help="The skill that it practised."),
    "response": st.column_config.TextColumn("Response"),
    "gain": st.column_config.NumberColumn("Gain", format="%.17g", help="Gain of the predicted skill, between 0 and 1."),
    "share": st.column_config.NumberColumn(
        "Transfer share", format="%.17g", help="The part of the gain that counts: 1 where it practised this very skill."
    ),
    "added": st.column_config.NumberColumn("Added", format="%.17g", help="Gain times share: added to practice."),
    "level": st.column_config.NumberColumn(
        "Level", format="%.17g", help="Added to the level: above 0 where the response was better than is usual."
    ),
}


def course(of: Students, label: str) -> int | None:
    """The student's course and an interaction to choose; None, with the reason on the page, where there is none."""
    try:
        with st.spinner("Predicting the student's course …"):
            view = of.view(label)
    except InputError as error:
        st.info(f"{markdown_text(str(error)[:1].upper() + str(error)[1:])}.", icon=":material/info:")
        return None
    step = _step(of, view)
    _course(of, view, step)
    return step


def _step(of: Students, view: Any) -> int:
    """The interaction to explain: the link's, the chosen one, or the one that surprises Encoder 2 most."""
    last = int(view.interaction[-1])
    loss = np.where(view.response > 0, -np.log(np.clip(view.p2, 1e-7, 1)), -np.log(np.clip(1 - view.p2, 1e-7, 1)))
    worst = int(view.interaction[np.nanargmax(loss)]) if np.isfinite(loss).any() else min(2, last)
    linked = st.query_params.get("step", "")
    key = f"step-{of.checkpoint.run_id}-{view.student}"
    if key not in st.session_state:
        st.session_state[key] = min(max(int(linked), 1), last) if linked.isdecimal() else worst
    title, box, button = st.columns([4, 3, 4], vertical_alignment="bottom")
    title.markdown(f"##### Student {markdown_text(view.student)}")
    step = box.number_input("Interaction", 1, last, key=key, help="Its prediction is explained below.")
    button.button(
        f"Largest surprise: {worst}",
        on_click=lambda: st.session_state.update({key: worst}),
        width="stretch",
        help="The interaction whose response Encoder 2 thought least likely.",
    )
    st.query_params["step"] = str(step)
    return int(step)


def _course(of: Students, view: Any, step: int) -> None:
    part, skills = figures.shown_part(view, step)
    windows = int(view.window.max()) + 1
    on = "1 skill" if len(view.skills) == 1 else f"{number(len(view.skills))} skills"
    text = f"{number(len(view.interaction))} interactions on {on}, {_SPLITS[view.split]}."
    if windows > 1:
        text += f" The model reads them in {windows} sequence windows (dotted lines) and starts anew in each."
    drawn = view.interaction[part]
    limits = []
    if len(drawn) < len(view.interaction):
        limits.append(f"interactions {number(int(drawn[0]))} to {number(int(drawn[-1]))}")
    if len(skills) < len(np.unique(view.practised[part])):
        limits.append(f"the {len(skills)} most practised skills")
    st.caption(text + (f" Drawn: {', '.join(limits)}." if limits else ""))
    live_plot(
        f"course-{of.checkpoint.run_id}-{view.student}",
        figures.course(view, step),
        f"{of.checkpoint.run_id}-{view.student}-{int(drawn[0])}",
    )


def explanation(of: Students, label: str, step: int) -> None:
    """The picture, the paragraph and the exact numbers of one prediction."""
    st.markdown("##### Why Encoder 2 predicted so")
    try:
        prediction = of.explain(label, step)
    except InputError as error:
        st.info(f"{markdown_text(str(error)[:1].upper() + str(error)[1:])}.", icon=":material/info:")
        return
    explained = prediction.as_json()
    st.markdown(words.paragraph(explained))
    live_plot(f"prediction-{of.checkpoint.run_id}", explanation_figure(prediction), f"{label}-{step}")
    with st.expander("Exact numbers"):
        st.code(words.exact(explained), language=None)
        rows = pd.DataFrame(explained["contributions"])
        rows["response"] = rows["response"].map({0: "incorrect", 1: "correct"})
        st.dataframe(rows, hide_index=True, column_config=_CONTRIBUTIONS, height=tables.fitting(len(rows), 300))
        run_id = of.checkpoint.run_id
        st.download_button(
            "Download as JSON",
            json.dumps({"run_id": run_id, **explained}),
            f"explanation-{run_id}-{step}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption("The same on the command line:")
        st.code(
            f"python -m gainakt explain {run_id} --student {shlex.quote(label)} --step {step} --json", language=None
        )
