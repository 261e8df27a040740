"""Whom the Student page shows: a run's saved model, a table to find a student in, and the one that the link names."""

import pandas as pd
import streamlit as st

from gainakt.errors import InputError
from gainakt.jobs.students import LISTED, RANKED, Checkpoint, Students, checkpoint, students
from gainakt.store import Run, runs_root
from gainakt.ui import resources, tables
from gainakt.ui.text import markdown_text, number

_SPLITS = {"test": "Test students", "validation": "Validation students", "train": "Training students"}
_ORDERS = {
    "Largest surprise": ("surprise", False),
    "Not learning": ("mastery_rise", True),
    "Most interactions": ("interactions", False),
}
_NEWER_EVERY = 5
_ORDERED = ("student", "surprise", "mastery_rise", "interactions", "share_correct", "split")
_COLUMNS = {
    "student": st.column_config.TextColumn("Student", help="The student's label in the data.", width=88),
    "split": st.column_config.TextColumn("Split", width=70),
    "interactions": st.column_config.NumberColumn(
        "Interactions", format="localized", width=82, help="All responses of this student."
    ),
    "share_correct": st.column_config.NumberColumn(
        "Correct", format="%.2f", width=60, help="Share of correct responses."
    ),
    "surprise": st.column_config.NumberColumn(
        "Surprise",
        format="%.3f",
        width=62,
        help="Mean log-loss of Encoder 2's predictions of this student. Guessing with probability 0.5 gives 0.693.",
    ),
    "mastery_rise": st.column_config.NumberColumn(
        "Rise",
        format="%.3f",
        width=58,
        help="How far mastery rises from the first to the last prediction of a skill, mean over the student's skills."
        " Skills that are asked once do not count.",
    ),
}


def saved(run: Run) -> Students:
    """The run's students by its newest checkpoint, or a page that says why there are none and ends."""
    root = runs_root(resources.store_path())
    try:
        with st.spinner("Loading the model and its data …", show_time=True):
            opened = students(run, root)
    except InputError as error:
        text = f"{markdown_text(str(error)[:1].upper() + str(error)[1:])}."
        if run.active:
            st.info(f"{text} The first comes with the end of an epoch.", icon=":material/hourglass_empty:")
            newer(run, None)
        else:
            st.info(text, icon=":material/info:")
        st.stop()
    _say_epochs(run, opened.checkpoint)
    return opened


def _say_epochs(run: Run, shown: Checkpoint) -> None:
    first, second = shown.encoder1, shown.encoder2
    epochs = (
        f"both encoders as of epoch {first}"
        if first == second
        else (f"Encoder 1 as of epoch {first}, Encoder 2 as of epoch {second}")
    )
    if not run.active:
        st.caption(f"Shown: {epochs}, the best by validation AUC.")
        return
    st.caption(f"The run is {run.status}. Shown: {epochs}, the best so far.")
    newer(run, shown)


@st.fragment(run_every=_NEWER_EVERY)
def newer(run: Run, shown: Checkpoint | None) -> None:
    """While a run trains: a button as soon as it has saved a better epoch than the one shown."""
    try:
        now = checkpoint(run, runs_root(resources.store_path()))
    except InputError:
        return
    if now != shown and st.button(f"Show epoch {max(now.encoder1, now.encoder2)}", icon=":material/refresh:"):
        st.rerun()


def student(of: Students) -> str:
    """The student that the link names, or that is chosen in the table or by id; with neither, the table's first."""
    text = st.text_input(
        "Find a student",
        key="find-student",
        placeholder="part of an id",
        on_change=_take_exact,
        args=(of,),
        help="Lists the students of all splits whose id contains this text. A whole id chooses the student.",
    ).strip()
    split, order = st.columns(2)
    part = split.selectbox(
        "List",
        list(_SPLITS),
        format_func=_SPLITS.__getitem__,
        key="student-split",
        disabled=bool(text),
        help="Which students the table lists.",
    )
    by = order.selectbox(
        "First",
        list(_ORDERS),
        key="student-order",
        help="Largest surprise: whom Encoder 2 predicts worst. Not learning: whose mastery rises least.",
    )
    listed = _listed(of, text, part, by)
    if listed.empty:
        st.info(f"No student's id contains {markdown_text(text)}.", icon=":material/search_off:")
    else:
        key = f"students-{of.checkpoint.digest}-{part}-{by}-{text}"
        st.session_state["students-listed"] = listed["student"].tolist()
        st.dataframe(
            listed,
            key=key,
            hide_index=True,
            column_config=_COLUMNS,
            placeholder="–",
            selection_mode="single-row",
            on_select=lambda: _take_row(key),
            column_order=_ORDERED,
            height=tables.fitting(len(listed), 388),
        )
    linked = st.query_params.get("student")
    if linked is not None and linked not in of:
        st.warning(f"This run's data have no student {markdown_text(linked)}.", icon=":material/search_off:")
        linked = None
    label = linked or (listed["student"].iloc[0] if len(listed) else of.labels[0])
    st.query_params["student"] = label
    return str(label)


def _listed(of: Students, text: str, split: str, by: str) -> pd.DataFrame:
    """The table's rows in the chosen order; a caption says what was left out."""
    column, ascending = _ORDERS[by]
    if text:
        with st.spinner("Looking for students …"):
            table, count = of.matching(text)
        if count > LISTED:
            st.caption(f"The first {LISTED} of {number(count)} students whose id contains this text.")
        return table.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    with st.spinner("Predicting every student …", show_time=True):
        table = of.ranking(split)
    ordered = table.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    if len(ordered) > LISTED:
        of_all = f" of the first {number(RANKED)}" if of.size(split) > RANKED else ""
        st.caption(f"{LISTED}{of_all} of {number(of.size(split))} students, in this order. Find others by id.")
    return ordered.head(LISTED)


def _take_row(key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        _choose(st.session_state["students-listed"][rows[0]])


def _take_exact(of: Students) -> None:
    text = st.session_state["find-student"].strip()
    if text in of:
        _choose(text)


def _choose(label: str) -> None:
    st.query_params["student"] = label
    st.query_params.pop("step", None)
