"""Is a run differentiated: do its skills differ, does the response matter? Criteria, tests, decision.

- `criteria`: the six criteria of the original study, the status of both questions, the verdict: functions of numbers.
- `judge`: the verdict on a saved run from what the store knows of it; `run_tests` adds what it lacks.
- `testing`: the test on the data (`with_curve_model`, `with_preset`) and the test on the run (`on_run`).
- `run_practice`: what a run counts as practice, and what its predictions lose when its differences are removed.
- `statistics`: intervals, correlations, bootstrap, decision rule.

Trains and fits by `training` and `curve_model`. Explains nothing (`analysis` does) and draws nothing (`ui` does).
"""
