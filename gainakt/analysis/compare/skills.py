"""Which skills two runs learn at another rate."""

from dataclasses import dataclass

import pandas as pd

from gainakt.analysis.compare.compared import Compared


@dataclass(frozen=True)
class Rates:
    """Effective rates of the skills that both runs rate: skill, a, b, difference, rank_a, rank_b, largest change first.

    Ranks begin at 1 with the fastest skill. `correlation` is Spearman's, None for fewer than three skills or where one
    run's rates are all alike. `one_only` counts skills that one run alone rates.
    """

    table: pd.DataFrame
    correlation: float | None
    one_only: int


def rates(comparison: Compared, run_id: str) -> Rates:
    """The rates of a run against the baseline's."""
    a, b = (_rates(comparison, one) for one in (comparison.baseline, run_id))
    both = pd.DataFrame({"a": a, "b": b})
    table = both.dropna()
    one_only = int(both.notna().any(axis=1).sum()) - len(table)
    table = table.assign(
        difference=table["b"] - table["a"],
        rank_a=table["a"].rank(ascending=False, method="min").astype(int),
        rank_b=table["b"].rank(ascending=False, method="min").astype(int),
    )
    table = table.loc[table["difference"].abs().sort_values(ascending=False, kind="stable").index]
    return Rates(table.rename_axis("skill").reset_index(), rank_correlation(table["a"], table["b"]), one_only)


def rank_correlation(a: pd.Series, b: pd.Series) -> float | None:
    """Spearman's correlation; None for fewer than three values or where they are all alike."""
    if len(a) < 3 or a.nunique() < 2 or b.nunique() < 2:
        return None
    return float(a.rank().corr(b.rank()))  # what SciPy does, whose statistics take a second to load


def _rates(comparison: Compared, run_id: str) -> pd.Series:
    rows = comparison.skills[comparison.skills["run_id"] == run_id].drop_duplicates("skill")
    return rows.set_index("skill")["effective_rate"].astype(float)
