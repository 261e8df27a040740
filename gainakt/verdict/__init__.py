"""Is a run differentiated? The six criteria, the tests of both questions, the decision.

Stands on `training` and `curve_model`, whose fits the tests need, and on `store`, which keeps what they find.
"""
