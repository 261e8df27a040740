"""Skills: which skills are learned, whether the skill model is right, which students struggle, how much to practise."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.learning import choice, of_class, practice, report, skill_model, skills

SECTIONS = {
    "Skills": skills.section,
    "Skill model": skill_model.section,
    "Class": of_class.section,
    "Practice": practice.section,
}
frame.page("Skills", ":material/school:")
store = resources.store()
data_at, section_at = st.columns([3, 2], vertical_alignment="bottom")
config = choice.data(store, data_at)
study = None if config is None else choice.studied(config)
if config is None or study is None:
    st.stop()
chosen = section_at.segmented_control(
    "Section", list(SECTIONS), default="Skills", required=True, key="learning.section", label_visibility="collapsed"
)
SECTIONS[chosen](store, study, config)
report.buttons(study, config)
