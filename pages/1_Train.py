"""Train: choose, start, watch and steer."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.train import setup as setup_view
from gainakt.ui.train.steer import watch

frame.page("Train", ":material/tune:")
store = resources.store()
attached = resources.chosen_run(store, st.query_params.get("run"))
active = [run for run in store.active() if attached is None or run.run_id != attached.run_id]
if attached is None and active and "new" not in st.query_params and "data" not in st.query_params:
    attached, active = active[0], active[1:]

if attached is not None:
    watch(store, attached, active)
else:
    setup_view.new_run()
