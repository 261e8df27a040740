"""Widgets that several pages share: those made from a setting (`fields`), and the choice of a run (`run_choice`).

Labels, help, bounds and choices come from `config`; none may be written here.
"""
