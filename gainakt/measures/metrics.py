"""Every measured quantity, as pure functions of arrays (one entry per scored step or per interaction).

The definitions, and which values contain the answer, stand in docs/measures.md; what is not identified in
docs/model.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating | np.integer]
MIN_PER_RESPONSE = 20
"""Interactions of either response below which a skill's effective rate is left out (null) and counted."""
UNIFORM_STD, SPREAD_STD = 0.01, 0.10
"""Gain std below which gains count as uniform, and from which they count as spread (the original study's target)."""
NEGLIGIBLE = 0.001
"""Difference of two AUCs, correlations or other measures below which they count as the same."""
_CLIP = 1e-7


def auc(target: Array, probability: Array) -> float | None:
    """Area under the ROC curve; None when the targets hold one class only."""
    if len(target) == 0 or target.min() == target.max():
        return None
    from sklearn.metrics import roc_auc_score  # slow to load, and the store's tables need only names

    return float(roc_auc_score(target, probability))


def log_loss(target: Array, probability: Array) -> float | None:
    """Mean binary cross-entropy in nats; None without targets."""
    return float(log_losses(target, probability).mean()) if len(target) else None


def log_losses(target: Array, probability: Array) -> NDArray[np.float64]:
    """Binary cross-entropy in nats of each of N predictions."""
    p = np.clip(probability.astype(np.float64), _CLIP, 1 - _CLIP)
    return np.asarray(-np.where(target > 0, np.log(p), np.log1p(-p)))


def correlation(x: Array, y: Array) -> float | None:
    """Pearson r of two arrays; None when either is constant."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x.astype(np.float64), y.astype(np.float64))[0, 1])


def correlation_by_student(x: Array, y: Array, student: Array) -> tuple[float | None, int]:
    """Mean over students of their own Pearson r, and how many students (constant x or y) were left out."""
    if len(x) == 0:
        return None, 0
    ids, group = np.unique(student, return_inverse=True)
    n = np.bincount(group)
    dx, dy = (v - (np.bincount(group, v) / n)[group] for v in (x.astype(np.float64), y.astype(np.float64)))
    sxx, syy, sxy = (np.bincount(group, v) for v in (dx * dx, dy * dy, dx * dy))
    varies = (sxx > 1e-14 * n) & (syy > 1e-14 * n)
    if not varies.any():
        return None, len(ids)
    r = sxy[varies] / np.sqrt(sxx[varies] * syy[varies])
    return float(r.mean()), int((~varies).sum())


def means_by(value: Array, group: Array, groups: int) -> tuple[Array, Array]:
    """Mean of `value` in each group (NaN where empty) and the counts."""
    count = np.bincount(group, minlength=groups)
    with np.errstate(invalid="ignore"):
        return np.bincount(group, value, minlength=groups) / count, count


def gain_statistics(gain: Array, skill: Array, response: Array, skills: int) -> dict[str, float | None]:
    """Spread of practised-skill gains: overall, of per-skill means (population std), and by response."""
    if len(gain) == 0:
        return {}
    g = gain.astype(np.float64)
    means, count = means_by(g, skill, skills)
    seen = means[count > 0]
    after = [float(g[response == r].mean()) if (response == r).any() else None for r in (0, 1)]
    return {
        "gain_mean": float(g.mean()),
        "gain_std": float(g.std()),
        "gain_min": float(g.min()),
        "gain_max": float(g.max()),
        "gain_range": float(np.ptp(g)),
        "gain_cv": ratio(g.std(), g.mean()),
        "skill_gain_mean": float(seen.mean()),
        "skill_gain_std": float(seen.std()),
        "skill_gain_cv": ratio(seen.std(), seen.mean()),
        "skills_seen": float(len(seen)),
        "gain_after_incorrect": after[0],
        "gain_after_correct": after[1],
        "response_gain_ratio": ratio(after[1], after[0]),
    }


def variance_components(gain: Array, skill: Array, student: Array, response: Array) -> dict[str, float]:
    """Shares of the gains' variance taken off in turn by skill means, student means, response means, and the rest."""
    rest = gain.astype(np.float64) - gain.mean()
    whole = float(np.mean(rest**2))
    shares: dict[str, float] = {}
    for name, group in (("skill", skill), ("student", student), ("response", response)):
        if whole <= 0:
            break
        before = np.mean(rest**2)
        group = np.unique(group, return_inverse=True)[1]
        rest = rest - means_by(rest, group, int(group.max()) + 1)[0][group]
        shares[f"gain_variance_{name}"] = float((before - np.mean(rest**2)) / whole)
    if shares:
        shares["gain_variance_rest"] = float(np.mean(rest**2) / whole)
    return shares


def effective_rate(
    gain: Array, skill: Array, response: Array, beta: Array, gamma_mean: float
) -> tuple[Array, Array, Array]:
    """beta[s] * mean gamma * (mean gain after correct + mean gain after incorrect) / 2, per skill.

    NaN where a skill has fewer than 20 interactions of either response. Also the interactions per skill and the
    equal-weight mean gains.
    """
    means = np.full((2, len(beta)), np.nan)
    counts = np.zeros((2, len(beta)), dtype=np.int64)
    for r in (0, 1):
        here = response == r
        means[r], counts[r] = means_by(gain[here].astype(np.float64), skill[here], len(beta))
    even = means.mean(axis=0)
    rate = np.where(counts.min(axis=0) >= MIN_PER_RESPONSE, beta * gamma_mean * even, np.nan)
    return rate, counts.sum(axis=0), even


def column(rows: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    """One column (N,) of the table of skills, NaN where it holds None."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)


def known_mean(values: Array) -> float:
    """Mean of the values that are known; NaN, without a warning, where none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def cv(values: Array) -> float | None:
    """Population std over mean, unweighted, NaN left out."""
    known = values[~np.isnan(values)]
    return ratio(known.std(), known.mean()) if len(known) else None


def ratio(top: float | None, bottom: float | None) -> float | None:
    """top / bottom; None where that is not a number."""
    return None if top is None or not bottom else float(top / bottom)


def wilson(share: Array, count: Array) -> tuple[Array, Array]:
    """The ends of Wilson's 95 % interval of a share of `count` independent responses."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) * 1.96 / (1 + z2 / count)
    return np.minimum(middle - half, share), np.maximum(middle + half, share)
