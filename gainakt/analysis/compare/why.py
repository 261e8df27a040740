"""Why do two runs differ? Sentences computed from what is saved of them; A is the baseline, B the other run."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gainakt.analysis.compare import chance, statistics
from gainakt.analysis.compare.compared import SEED, Compared
from gainakt.analysis.compare.curves import Parting, parting
from gainakt.analysis.compare.measures import values
from gainakt.analysis.compare.predictions import ENCODERS, Pair
from gainakt.analysis.compare.settings import OF_CODE, label, settings, stated, surroundings, text_of
from gainakt.analysis.compare.skills import rates
from gainakt.analysis.compare.statistics import Difference
from gainakt.config import SCHEDULE
from gainakt.measures.metrics import NEGLIGIBLE, UNIFORM_STD
from gainakt.measures.registry import MEASURES
from gainakt.measures.text import interval
from gainakt.store.entities import WITH_RESULTS
from gainakt.verdict.criteria import QUESTIONS, STANDINGS, STATUSES

_NAMED = 6
"""Settings and skills that a sentence names."""
_OTHERS = ("gain_std", "rate_cv", "response_gain_ratio", "skill_gain_cv", "mastery_correlation")
_CURVES = {
    "encoder1_auc": ("Encoder 1's validation AUC", NEGLIGIBLE),
    "encoder2_auc": ("Encoder 2's validation AUC", NEGLIGIBLE),
    "gain_std": ("Gain std on the validation students", UNIFORM_STD),
}
"""Curve -> its name, and the difference up to which two curves count as together."""
_CODE = {*OF_CODE.values(), "Device"}


@dataclass(frozen=True)
class Part:
    """One part of the answer: a heading and its sentences, as plain text."""

    title: str
    sentences: list[str]


def answer(comparison: Compared, run_id: str) -> list[Part]:
    """Why the run differs from the baseline, from what was set to what came out."""
    parts: dict[str, Callable[[Compared, str], Iterator[str]]] = {
        "What was set": _settings,
        "Data and code": _data,
        "What moved": _moved,
        "Are the differences of gains real?": _verdicts,
        "Which skills moved": _skills,
        "When the curves parted": _curves,
    }
    return [Part(title, list(say(comparison, run_id))) for title, say in parts.items()]


def _settings(comparison: Compared, run_id: str) -> Iterator[str]:
    base = comparison.baseline
    table = settings({base: comparison.runs[base], run_id: comparison.runs[run_id]})
    seed = table.pop(SEED, None)
    named = [f"{label(name)} ({text_of(row[base])} in A, {text_of(row[run_id])} in B)" for name, row in table.items()]
    if named:
        more = f" and {len(named) - _NAMED} more, listed under Settings" if len(named) > _NAMED else ""
        count = "1 setting differs" if len(named) == 1 else f"{len(named)} settings differ"
        yield f"{count}: {'; '.join(named[:_NAMED])}{more}."
    moves = {one: list(_moves(comparison, one)) for one in (base, run_id)}
    for letter, one in (("A", base), ("B", run_id)):
        if moves[one]:
            yield f"{letter} was steered: {'; '.join(moves[one])}."
    unknown = list(_unstated(comparison, run_id))
    yield from unknown or [_attribution(len(named), seed is not None, any(moves.values()))]


def _unstated(comparison: Compared, run_id: str) -> Iterator[str]:
    known = {one: stated(comparison.runs[one]) for one in (comparison.baseline, run_id)}
    for letter, one, other in (("A", comparison.baseline, run_id), ("B", run_id, comparison.baseline)):
        blank = [name for name in known[other] if name not in known[one]]
        if blank:
            yield (
                f"{letter} does not state {len(blank)} settings that the other one does: they are unknown, so it cannot"
                " be said what made the difference."
            )


def _moves(comparison: Compared, run_id: str) -> Iterator[str]:
    """Setting by setting, from its first to its last value while the run trained."""
    changes = comparison.changes
    mine = changes[(changes["run_id"] == run_id) & (changes["who"] != SCHEDULE)]
    for name, rows in mine.groupby("field", sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        times = f", {len(rows)} changes" if len(rows) > 1 else ""
        old, new = (text_of(json.loads(text)) for text in (first["old"], last["new"]))
        yield f"{label(str(name))} {old} → {new} from step {int(first['step']):,} on{times}"


def _attribution(differing: int, seed: bool, steered: bool) -> str:
    reasons = differing + steered
    if reasons > 1:
        chance_too = ", and the seed differs too" if seed else ""
        return f"With {reasons} reasons at once{chance_too}, two runs cannot tell which one did it."
    if reasons == 1 and seed:
        return "The seed differs too, so a part of what is apart is chance."
    if reasons == 1:
        return "Nothing else was set differently, and the seed is the same."
    return "Only the seed differs: what is apart is chance." if seed else "Nothing was set differently."


def _data(comparison: Compared, run_id: str) -> Iterator[str]:
    a, b = (comparison.runs[one] for one in (comparison.baseline, run_id))
    names = [one.data.get("name") or one.data_name or "unknown" for one in (a, b)]
    if not a.data_fingerprint or not b.data_fingerprint:
        yield f"Whether the data are the same is not on record; they are called {names[0]} in A, {names[1]} in B."
    elif a.data_fingerprint == b.data_fingerprint:
        yield f"Both have the same data (fingerprint {a.data_fingerprint})."
    else:
        yield "They have different data: no difference in a measure can be put down to the model."
    around = surroundings({one.run_id: one for one in (a, b)})
    split = around.get("Split of students")
    if split and a.data_fingerprint == b.data_fingerprint:
        yield f"Their students are split differently: {split[a.run_id]} in A, {split[b.run_id]} in B."
    code = [name for name in around if name in _CODE or name.startswith("Version of")]
    listed = [f"{name.lower()} {around[name][a.run_id]} in A, {around[name][b.run_id]} in B" for name in code]
    if listed:
        yield f"Code or machine differ: {'; '.join(listed)}."
    elif a.versions and b.versions and not (a.published or b.published):
        yield "Code, packages and device are the same."


def _moved(comparison: Compared, run_id: str) -> Iterator[str]:
    pair = comparison.pair(run_id)
    table = values(comparison)
    for encoder, name in ENCODERS.items():
        tested = (pair.differences or {}).get(encoder, {})
        for measure, key, what in (
            (f"{encoder}_auc", "auc", f"{name}'s AUC"),
            ("bce" if encoder == "encoder1" else "im", "log_loss", f"{name}'s log-loss"),
        ):
            numbers = _both(table, measure, comparison.baseline, run_id)
            if numbers is not None:
                yield _with_interval(what, measure, numbers, tested.get(key))
    yield from _tested_on(pair)
    rest = [
        f"{MEASURES[name].label} {numbers[0]:.4g} → {numbers[1]:.4g}"
        for name in _OTHERS
        if (numbers := _both(table, name, comparison.baseline, run_id))
    ]
    if rest:
        yield f"Without an interval: {', '.join(rest)}."
    yield from _over_seeds(comparison, run_id)


def _both(table: pd.DataFrame, measure: str, a: str, b: str) -> tuple[float, float] | None:
    """A measure of both runs, where both have it."""
    if measure not in table.index:
        return None
    first, second = (float(table.loc[measure, one]) for one in (a, b))
    return None if np.isnan(first) or np.isnan(second) else (first, second)


def _with_interval(what: str, measure: str, numbers: tuple[float, float], tested: Difference | None) -> str:
    a, b = numbers
    change = b - a if tested is None else tested.value
    if abs(change) < 5e-7:
        return f"{what} is the same ({a:.4f})."
    text = f"{what} is {abs(change):.4f} {'higher' if change > 0 else 'lower'} in B ({a:.4f} → {b:.4f})"
    if tested is None:
        return f"{text}; no interval says whether that is chance."
    bounds = f"95 % interval {tested.low:+.4f} to {tested.high:+.4f}"
    if not tested.is_clear:
        return f"{text}, which may be chance: the {bounds} holds 0."
    better = (change > 0) == (MEASURES[measure].better == "higher")
    return f"{text}, which is {'better' if better else 'worse'}: the {bounds} leaves out 0."


def _tested_on(pair: Pair) -> Iterator[str]:
    if pair.missing:
        yield f"There are no intervals. {pair.missing}"
        return
    left_out = f", without {pair.only_one:,} that only one of them makes" if pair.only_one else ""
    yield (
        f"The intervals draw whole test students anew, {statistics.RESAMPLES:,} times, on the {pair.predictions:,}"
        f" predictions of {pair.students:,} students that both make{left_out}. They do not cover another seed."
    )


def _over_seeds(comparison: Compared, run_id: str) -> Iterator[str]:
    """The same over seeds, where both runs have seeds beside them."""
    first = comparison.group_of(run_id)[0]
    if comparison.baseline in comparison.group_of(run_id):
        return
    for measure in ("encoder1_auc", "encoder2_auc", "gain_std"):
        rows = chance.seeds(comparison, measure).set_index("run_id")
        row = rows.loc[first]
        if not np.isnan(row["low"]):
            found = interval(row["difference"], row["low"], row["high"])
            yield f"Over seeds ({int(row['runs'])} in B's group): {MEASURES[measure].label} differs by {found}."


def _verdicts(comparison: Compared, run_id: str) -> Iterator[str]:
    unended = [
        f"that of {letter} is {status}"
        for letter, one in (("A", comparison.baseline), ("B", run_id))
        if (status := comparison.runs[one].status) not in WITH_RESULTS
    ]
    if unended:
        yield f"A verdict is on runs whose status is finished or stopped; {' and '.join(unended)}."
        return
    a, b = (comparison.verdicts[one] for one in (comparison.baseline, run_id))
    standings = [STANDINGS[one.standing] for one in (a, b)]
    if standings[0] == standings[1]:
        yield f"Both are {standings[0]}."
    else:
        yield f"A is {standings[0]}, B is {standings[1]}."
    for name, question in QUESTIONS.items():
        here, there = (STATUSES[one.questions[name].status] for one in (a, b))
        if here != there:
            yield f"{question} {here.capitalize()} in A, {there} in B."
    if a.passed != b.passed:
        yield f"A meets {a.passed} of the {len(a.criteria)} criteria of the original study, B {b.passed}."


def _skills(comparison: Compared, run_id: str) -> Iterator[str]:
    found = rates(comparison, run_id)
    if found.table.empty:
        yield "No skill has an effective rate in both runs."
        return
    if found.correlation is not None:
        how = "much the same" if found.correlation >= 0.9 else "a similar" if found.correlation >= 0.5 else "another"
        yield (
            f"The {len(found.table)} skills that both rate have {how} order of effective rates (Spearman's rank"
            f" correlation {found.correlation:.2f})."
        )
    top = [row for row in found.table.head(3).itertuples() if abs(row.difference) > 0]
    if top:
        listed = "; ".join(f"{row.skill} {row.a:.3f} → {row.b:.3f} (rank {row.rank_a} → {row.rank_b})" for row in top)
        yield f"Moved most: {listed}."


def _curves(comparison: Compared, run_id: str) -> Iterator[str]:
    wide = comparison.epochs.pivot_table(index="epoch", columns=["name", "run_id"], values="value", aggfunc="last")
    for name, (what, tolerance) in _CURVES.items():
        keys = [(name, one) for one in (comparison.baseline, run_id)]
        if all(key in wide for key in keys):
            found = parting(wide[keys[0]], wide[keys[1]], tolerance)
            if found is not None:
                yield _course(what, found, tolerance)
    if not len(wide):
        yield "No curves are on record."


def _course(what: str, found: Parting, tolerance: float) -> str:
    if found.since is None:
        if abs(found.most) <= tolerance:
            return f"{what} never parted by more than {tolerance:g}."
        return (
            f"{what} ended together at epoch {found.last}; it was furthest apart at epoch {found.most_at}"
            f" ({found.most:+.4f} in B)."
        )
    if found.first == found.last:
        return f"{what} is {found.end:+.4f} in B at epoch {found.last}, the only one that both have."
    apart_at_once = found.since == found.first
    start = f"was apart from epoch {found.first} on" if apart_at_once else f"parted at epoch {found.since}"
    side = "above" if found.end > 0 else "below"
    return f"{what} {start}: B ended {abs(found.end):.4f} {side} A at epoch {found.last}."
