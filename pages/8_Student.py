"""Student: mastery, gains and predictions of one student, and one prediction explained."""

from gainakt.ui import frame, resources
from gainakt.ui.forms import run_choice
from gainakt.ui.student import choice, view

frame.page("Student", ":material/person_search:")
store = resources.store()
run = store.run(run_choice.one(store))
students = choice.saved(run)
view.shown(students, choice.student(students))
