"""The parts of the Skills page: which data, learning curves, skill models, the class, practice.

What is computed lies in `gainakt.analysis.learning`, when in `jobs.learning`; here are forms and figures.
"""
