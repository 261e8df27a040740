"""How far the distributions of gains of several runs are apart."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def distances(shares: Mapping[str, NDArray[np.floating]], baseline: str) -> dict[str, float]:
    """Run id -> Wasserstein distance of its gains to the baseline's, in units of gain (0 to 1).

    `shares` are of equal bins of (0, 1), of all runs the same; a run without gains is left out.
    """
    from scipy.stats import wasserstein_distance

    base = shares.get(baseline)
    if base is None or not base.sum():
        return {}
    middles = (np.arange(len(base)) + 0.5) / len(base)
    return {
        run_id: float(wasserstein_distance(middles, middles, base, share))
        for run_id, share in shares.items()
        if run_id != baseline and share.sum()
    }
