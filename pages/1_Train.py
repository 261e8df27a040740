"""Train: choose, start, watch and steer."""

import streamlit as st

from gainakt.ui import frame, resources
from gainakt.ui.forms import run_choice
from gainakt.ui.train.setup import new_run
from gainakt.ui.train.watch import watch

TITLE, ICON = "Train", ":material/tune:"
frame.page(TITLE, ICON, heading=False)
store = resources.store()
wanted = st.query_params.get("run")
attached = resources.chosen_run(store, wanted)
if attached is None and wanted:
    run_choice.another(run_choice.labels(store))
if attached is None and "new" not in st.query_params and "data" not in st.query_params:
    attached = next(iter(store.active()), None)

if attached is not None:
    st.query_params["run"] = attached.run_id  # the page stays with this run when others start or it ends
    watch(store, attached)
else:
    st.title(f"{ICON} {TITLE}")
    new_run()
