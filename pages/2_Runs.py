"""Runs: the table of all runs, in which runs are ticked, compared, tagged, archived and deleted."""

from gainakt.ui import frame, resources
from gainakt.ui.run import keep
from gainakt.ui.runs import actions, below, controls, rows, table

frame.page("Runs", ":material/table_rows:")
store = resources.store()
rows.follow_link(store)
look = controls.draw()
if look.show == "trash":
    below.trash(store)
else:
    actions.draw(store, look)
    table.draw(look)
    below.draw(store, look)
    if keep.import_place(store):
        rows.renew()
controls.keep_in_link(look)
rows.keep_in_link()
