"""The parts of the Study page: the plan, its progress, the curves over sizes and spreads.

What a study is and what it found is in `jobs.study`; here is its form and its figures.
"""
