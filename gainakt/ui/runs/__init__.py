"""The Runs page: its controls, the table that is the selection, what can be done with ticked runs."""
