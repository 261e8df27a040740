"""A fitted learning-curve model in the units of the model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.fit import Fit

Array = NDArray[np.floating]
_LARGEST_GAIN = 0.8


@dataclass(frozen=True)
class Scaled:
    """A fit in the model's units: T such that the largest M_sat is 1, one beta such that every gain is in (0, 1).

    `saturation`, `threshold`, `offset` (S,); `gain` and `transfer` (S, 2), after incorrect and correct responses.
    """

    temperature: float
    beta: float
    saturation: Array
    threshold: Array
    offset: Array
    gain: Array
    transfer: Array


def scaled(fit: Fit) -> Scaled:
    """What is not identified is fixed: T, beta, gamma = 1; only products and ratios of them were learned."""
    height = np.exp(fit.theta[:, curve.HEIGHT])
    temperature = 1 / float(height.max())
    gain, transfer = fit.gains[:, 0], fit.gains[:, 1]
    beta = max(float(gain.max()), float(transfer.max())) / _LARGEST_GAIN
    return Scaled(
        temperature,
        beta,
        height * temperature,
        fit.theta[:, curve.FLOOR] * temperature,
        fit.theta[:, curve.OFFSET],
        gain / beta,
        transfer / beta,
    )
