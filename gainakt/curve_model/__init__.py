"""The learning-curve model: a curve over counts of practice, fitted in seconds, and BKT to compare with.

Knows counts and numbers only, no events and no training; `training.curve_run` makes a run of it.
"""
