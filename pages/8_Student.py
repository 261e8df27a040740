"""Student: mastery, gains and predictions of one student, and one prediction explained."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.forms import run_choice
from gainakt.ui.student import choice, view

frame.page("Student", ":material/person_search:")
store = resources.store()
run = store.run(run_choice.one(store))
students = choice.saved(run)
table, course = st.columns([4, 7])
with table:
    label = choice.student(students)
with course:
    step = view.course(students, label)
if step is not None:
    view.explanation(students, label, step)
