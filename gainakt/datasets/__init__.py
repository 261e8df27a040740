"""A whole data set: loaded by its configuration, previewed, described, reported on, uploaded.

Combines `data` (files) and `simulate` (students with known parameters), which know nothing of each other. Knows no
run, model or page; a figure of a data set belongs here, its drawing in `ui.data`.
"""
