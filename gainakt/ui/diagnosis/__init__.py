"""The parts of the Diagnosis page: the verdict with its tests and targets, the causes, the next step, the report.

What they show is computed in `verdict` and `analysis`; no threshold and no judgement lives here.
"""
