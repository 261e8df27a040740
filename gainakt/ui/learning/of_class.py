"""The section Class: a row per student, and what one of them struggles with."""

import pandas as pd
import streamlit as st

from gainakt.analysis.learning import sentences
from gainakt.analysis.learning.students import struggles
from gainakt.config import DataConfig
from gainakt.jobs.learning import Study
from gainakt.store import Store
from gainakt.ui import tables
from gainakt.ui.learning import choice
from gainakt.ui.text import markdown_text

_ORDERS: dict[str, tuple[str, bool]] = {
    "most wheel-spinning": ("spinning", False),
    "most tasks to do": ("to_do", False),
    "lowest level": ("level", True),
    "highest level": ("level", False),
    "most practice": ("tasks", False),
    "as in the file": ("", True),
}
_NUMBER = st.column_config.NumberColumn
_COLUMNS = {
    "student": st.column_config.TextColumn("Student", width=170),
    "level": _NUMBER("Level", format="%+.2f", help="By AFM, in logits: 0 is an average student on the same skills."),
    "tasks": _NUMBER("Practice", format="localized", help="Interactions."),
    "share_correct": _NUMBER("Correct", format="%.2f", help="Share of correct responses."),
    "skills": _NUMBER("Skills", help="Practised at least once."),
    "mastered": _NUMBER("Mastered", help="Skills whose P(known) has passed the threshold."),
    "spinning": _NUMBER("Wheel-spinning", help="Skills with ten opportunities or more, not mastered after ten."),
    "to_do": _NUMBER(
        "Tasks to do",
        format="%.0f",
        help="Expected until all practised skills are mastered, by BKT; at most 100 are looked ahead for a skill.",
    ),
    "interval": st.column_config.TextColumn(
        "95 % interval", width=110, help="Of the tasks to do, over the responses that may come."
    ),
    "extra": _NUMBER("After mastery", format="localized", help="Tasks done on skills already mastered."),
}


def section(store: Store, study: Study, config: DataConfig) -> None:
    """The class table, its export, and the chosen student."""
    threshold = choice.threshold()
    found = choice.courses(study.key, threshold, study)
    for sentence in sentences.of_class(found.students, threshold):
        st.markdown(sentence)
    order_at, find_at = st.columns(2)
    order = order_at.selectbox("Students in order of", list(_ORDERS), key="learning.students-order")
    find = find_at.text_input("Find a student", key="learning.student-find", placeholder="part of an id")
    table = found.students
    if find:
        table = table[table["student"].str.contains(find, case=False, regex=False)]
    column, ascending = _ORDERS[order]
    if column:
        table = table.sort_values(column, ascending=ascending, kind="stable")
    if table.empty:
        st.info(f"No student's id contains {markdown_text(find)}.", icon=":material/search_off:")
        return
    interval = [f"{a:,.0f} to {b:,.0f}" for a, b in zip(table["to_do_low"], table["to_do_high"], strict=True)]
    selected = st.dataframe(
        table.assign(interval=interval),
        hide_index=True,
        key=f"learning.class-{study.key}-{threshold}-{order}-{find}",
        height=tables.fitting(len(table), 420),
        column_order=list(_COLUMNS),
        column_config=_COLUMNS,
        selection_mode="single-row",
        on_select="rerun",
    )
    tables.download(table, f"{study.data.name}-class", "learning-class")
    rows = selected["selection"]["rows"]
    if rows and rows[0] < len(table):
        _student(store, study, found.pairs, int(table.index[rows[0]]))
    else:
        st.caption("Select a student in the table to see the skills that are not mastered.")


def _student(store: Store, study: Study, pairs: pd.DataFrame, student: int) -> None:
    label = study.data.students[student]
    st.markdown(f"##### Student {markdown_text(label)}")
    runs = choice.runs_of(store, study)
    if runs:
        st.page_link(
            "pages/8_Student.py",
            label="The course, and why a run predicted each response",
            icon=":material/person_search:",
            query_params={"run": next(iter(runs)), "student": label},
        )
    open_ = struggles(study.data, pairs, student)
    if open_.empty:
        st.markdown("All practised skills are mastered.")
        return
    st.dataframe(
        open_,
        hide_index=True,
        key="learning.struggles",
        height=tables.fitting(len(open_), 320),
        column_config={
            "skill": st.column_config.TextColumn("Not mastered", width=240),
            "tasks": _NUMBER("Tasks done"),
            "known": _NUMBER("P(known)", format="%.2f", help="By BKT, after the last response."),
            "spinning": st.column_config.CheckboxColumn("Wheel-spinning"),
            "to_do": _NUMBER("Tasks to do", format="%.0f", help="Expected until mastery, by BKT."),
        },
    )
