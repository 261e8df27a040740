"""The parts of the Benchmark page: yardsticks to run, the table beside trainings, accuracy against interpretability.

What a yardstick is lies in `gainakt.benchmark`, how they are run in `jobs.benchmark`; here are forms and figures.
"""
