"""Sweeps: many ordinary runs over a space of settings and seeds, found again by their configurations.

A sweep keeps its plan in a folder beside the store; what is done of it is read from the runs' own journals.
"""
