"""Yardsticks: plain and published models on the splits that trainings use, to compare trainings with.

Each is a file with `SETTINGS` and `fit(train, validation)`, which chooses on the validation students and gives back a
function from any part of the data to the probability of a correct response before each interaction.
"""
