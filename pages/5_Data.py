"""Data: choose, upload or simulate it, name its columns, look at it before training."""

import streamlit as st

from gainakt.errors import InputError
from gainakt.ui import frame, resources
from gainakt.ui.data import mapping as data_mapping
from gainakt.ui.data import source as data_source
from gainakt.ui.data import view as data_view
from gainakt.ui.text import markdown_text
from gainakt.ui.visitors import end_here

frame.page("Data", ":material/table_chart:")
end_here()
store = resources.store()
chosen = data_source.choose(store)
if chosen is None:
    st.stop()
try:
    ready = True
    if chosen.path:
        chosen, ready = data_mapping.correct(chosen)
    report = data_view.read(chosen) if ready else None
except InputError as error:
    st.error(markdown_text(error), icon=":material/error:")
    st.stop()
if report is None:
    st.stop()
heading, skills, action = st.columns([3, 1, 1], vertical_alignment="bottom")
heading.subheader(markdown_text(report.summary["name"]))
with skills:
    if st.button("Skills and students", icon=":material/school:", width="stretch"):
        data_source.choose_for_training(chosen, report.summary)
        st.switch_page("pages/5_Skills.py")
with action:
    if st.button("Train on this data", type="primary", icon=":material/play_arrow:", width="stretch"):
        data_source.choose_for_training(chosen, report.summary)
        st.switch_page("pages/1_Train.py", query_params={"data": "chosen"})
data_view.show(report)
