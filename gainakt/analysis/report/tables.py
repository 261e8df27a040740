"""The report's tables: rows of text, computed from runs' numbers."""

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from gainakt.analysis.decision import DecisionPath
from gainakt.analysis.diagnosis import Cause, losses
from gainakt.measures.metrics import NEGLIGIBLE
from gainakt.measures.registry import Better, shown_in
from gainakt.measures.text import escaped, number, percent
from gainakt.store.facts import Facts
from gainakt.verdict.criteria import (
    MASTERY_CORRELATIONS,
    QUESTIONS,
    SIGNS,
    STATUSES,
    Reference,
    Status,
    Targets,
    Verdict,
)

Table = list[list[str]]
"""Rows of cells, the heading first."""
_SPLITS = ("train", "validation", "test")


def markdown(table: Table) -> str:
    """The table in Markdown."""
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def primary(facts: Facts) -> Table:
    """The main measures by split."""
    rows = [
        [measure.label, *(number(facts.results.get(split, {}).get(name)) for split in _SPLITS)]
        for name, measure in shown_in("primary").items()
    ]
    return [["Measure", "Train", "Validation", "Test"], *rows]


def comparison(facts: Facts, baseline: Facts) -> Table:
    """Measure by measure against the baseline, on the split that both have."""
    split = shared_split(facts, baseline)
    values, of_baseline = (run.results.get(split, {}) for run in (facts, baseline))
    rows = []
    for name, measure in shown_in("compared").items():
        here, there = values.get(name), of_baseline.get(name)
        assessment = _assessment(here, there, measure.better)
        rows.append([measure.label, number(there), number(here), change(here, there), assessment])
    return [["Measure", "Baseline", "This run", "Change", "Assessment"], *rows]


def differing_settings(here: Mapping[str, Any], there: Mapping[str, Any]) -> Table:
    """Settings by dotted name, other than the data's, that both runs record and that differ."""
    names = [name for name in here if name in there and not name.startswith("data.") and here[name] != there[name]]
    rows = [[escaped(name), escaped(there[name]), escaped(here[name])] for name in names]
    return [["Setting", "Baseline", "This run"], *rows]


def shared_split(facts: Facts, baseline: Facts) -> str:
    """The first of test, validation and train for which both have an AUC of Encoder 2."""
    for split in reversed(_SPLITS):
        if all(run.results.get(split, {}).get("encoder2_auc") is not None for run in (facts, baseline)):
            return split
    return "test"


_MANIFOLD = 10
"""Growth from which a change is given as a factor."""


def change(here: float | None, there: float | None) -> str:
    """From there to here: in per cent, or as a factor; the difference where it was 0."""
    if here is None or there is None:
        return "–"
    if not there:
        return f"{here - there:+.4f}"
    times = here / there
    return f"× {times:.0f}" if times >= _MANIFOLD else f"{(here - there) / abs(there):+.1%}"


def _assessment(here: float | None, there: float | None, better: Better) -> str:
    if here is None or there is None:
        return "not comparable"
    if abs(here - there) < NEGLIGIBLE:
        return "the same"
    if not better:
        return "larger" if here > there else "smaller"
    return "better" if (here > there) == (better == "higher") else "worse"


def assessments(facts: Facts, baseline: Facts) -> dict[str, int]:
    """How many measures are better, worse, the same or not comparable."""
    words = [row[4] for row in comparison(facts, baseline)[1:]]
    return {word: words.count(word) for word in ("better", "worse", "the same", "not comparable")}


def numbers(facts: Facts, table: Literal["gains", "skills"]) -> Table:
    """The measures of gains, or of the skills' mean gains, of the judged split."""
    rows = [[measure.label, number(facts.test.get(name), 6)] for name, measure in shown_in(table).items()]
    return [["Measure", facts.split.capitalize()], *rows]


def criteria(verdict: Verdict, references: Mapping[str, Reference]) -> Table:
    """Target, achieved value, status, gap, and the best value known to be reachable."""
    rows = [
        [
            str(Targets.model_fields[name].title),
            f"> {finding.target:g}",
            number(finding.value),
            _status(finding.status),
            _gap(finding.value, finding.target),
            _reference(references.get(name)),
        ]
        for name, finding in verdict.criteria.items()
    ]
    return [["Criterion", "Target", "Achieved", "Status", "Gap", "Best known"], *rows]


def _status(status: Status) -> str:
    return f"{SIGNS[status]} {STATUSES[status]}"


def _reference(reference: Reference | None) -> str:
    return "–" if reference is None else f"{number(reference.value)} ({escaped(reference.what)})"


def _gap(value: float | None, target: float) -> str:
    if value is None:
        return "–"
    return "none" if value > target else number(target - value)


def questions(verdict: Verdict) -> Table:
    """What the tests say about the run and about its data."""
    rows = [
        [QUESTIONS[name], tested, _status(finding.status), escaped(finding.text)]
        for name in verdict.questions
        for tested, finding in (("this run", verdict.questions[name]), ("its data", verdict.data[name]))
    ]
    return [["Question", "Tested on", "Status", "Evidence"], *rows]


def correlations(facts: Facts, references: Mapping[str, Reference]) -> Table:
    """Every form of the mastery correlation, with the best value known to be reachable."""
    rows = [
        [form, number(facts.test.get(name)), _reference(references.get(name))]
        for name, form in MASTERY_CORRELATIONS.items()
    ]
    return [["Form", "Value", "Best known"], *rows]


def loss_evolution(facts: Facts) -> Table:
    """Losses and AUCs at the first epoch, Encoder 2's best and the last.

    An epoch without a recorded step has the training losses of the latest epoch before it that has one.
    """
    epochs = sorted({1, facts.run.best_encoder2 or 1, int(facts.run.epochs or 0)} - {0})
    columns = {
        "loss.total": "Training loss",
        "loss.im": "Training IM loss",
        "validation.im": "Validation IM loss",
        "validation.encoder1_auc": "Encoder 1 validation AUC",
        "validation.encoder2_auc": "Encoder 2 validation AUC",
    }
    means = {name: facts.curve(name).groupby("epoch")["value"].mean() for name in columns}
    values = [
        (str(epoch), [_until(mean, epoch, name.startswith("loss.")) for name, mean in means.items()])
        for epoch in epochs
    ]
    rows = [[epoch, *map(number, cells)] for epoch, cells in values if any(cell is not None for cell in cells)]
    return [["Epoch", *columns.values()], *rows] if rows else []


def _until(mean: pd.Series, epoch: int, earlier: bool) -> float | None:
    """The value at an epoch, or at the latest before it; None where there is none."""
    values = mean[mean.index <= epoch] if earlier else mean[mean.index == epoch]
    return float(values.iloc[-1]) if len(values) else None


def balance(facts: Facts) -> Table:
    """Every loss term over the last recorded steps: raw, weighted, share."""
    terms = losses(facts.series)
    if terms.empty:
        return []
    rows = [
        [escaped(row.term), *(number(None if pd.isna(v) else v) for v in (row.raw, row.weighted)), percent(row.share)]
        for row in terms.itertuples()
    ]
    return [["Term", "Raw", "Weighted", "Share"], *rows]


def causes(candidates: list[Cause]) -> Table:
    """Candidate causes, whether they hold here, and by which numbers."""
    rows = [[cause.name, cause.here, escaped(cause.evidence)] for cause in candidates]
    return [["Candidate cause", "Here", "Evidence"], *rows]


def tree(path: DecisionPath) -> Table:
    """The branches taken."""
    rows = [[branch.question, branch.answer, escaped(branch.value)] for branch in path.branches]
    return [["Question", "Answer", "Based on"], *rows, ["**Next**", f"preset {escaped(path.preset)}", path.end]]
