"""What is measured of predictions, gains and recovery: pure functions of arrays, and the registry of all measures.

May import only `errors`.
"""

from collections.abc import Mapping

Values = Mapping[str, float | None]
"""Measures of one split by name; None where one is not defined."""
