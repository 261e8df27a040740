"""Work that takes time, in turns: trainings, tests of saved runs, studies; how to steer, stop and cancel them.

What is computed lives in `training` and `verdict`, what is shown in `ui`: nothing here computes or draws.
"""
