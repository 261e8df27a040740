"""The Train page: the form of a new run, and watching and steering one.

`setup` is the form; `watch` puts the page of a run together (title, steering, status, charts); `controls` draws the
steering controls; `values` says where each live setting stands. What the Run page shows as well belongs in `ui.run`,
figures in `ui.plots`; nothing here writes to a run but by a request.
"""
