"""The report's tables: rows of text, computed from runs' numbers."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gainakt.analysis.diagnosis import PREDICTION, Cause, Path, differentiation_share, losses
from gainakt.analysis.report.sentences import SAME, plain, text
from gainakt.store.facts import Facts
from gainakt.verdict.criteria import MASTERY_CORRELATIONS, STATUSES, Reference, Targets, Verdict

Table = list[list[str]]
"""Rows of cells, the heading first."""
_SIGNS = {"pass": "✅", "fail": "❌", "above_reference": "⚠️", "noise": "❌", "untested": "⚠️"}
STATUS = {status: f"{_SIGNS[status]} {word}" for status, word in STATUSES.items()}
_PRIMARY = {
    "encoder1_auc": "Encoder 1 AUC", "encoder2_auc": "Encoder 2 AUC", "im": "IM loss", "bce": "BCE loss",
    "mastery_correlation": "Mastery correlation", "gain_correlation": "Gain correlation",
}  # fmt: skip
_COMPARED = {
    # metric: label, which way is better (0: neither)
    "encoder1_auc": ("Encoder 1 AUC", 1), "encoder2_auc": ("Encoder 2 AUC", 1), "im": ("IM loss", -1),
    "mastery_correlation": ("Mastery correlation", 1),
    "mastery_correlation_seed_form": ("Mastery correlation, original form", 0),
    "gain_std": ("Gain std", 0), "gain_cv": ("Gain CV", 0), "skill_gain_cv": ("CV of skill gains", 0),
    "response_gain_ratio": ("Gain after correct / incorrect", 0), "beta_std": ("Beta std", 0),
}  # fmt: skip
_SPLITS = ("train", "validation", "test")


def markdown(table: Table) -> str:
    """The table in Markdown."""
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def primary(facts: Facts) -> Table:
    """The main metrics by split."""
    rows = [
        [label, *(text(facts.results.get(split, {}).get(name)) for split in _SPLITS)]
        for name, label in _PRIMARY.items()
    ]
    return [["Metric", "Train", "Validation", "Test"], *rows]


def comparison(facts: Facts, baseline: Facts) -> Table:
    """Metric by metric against the baseline, on the split that both have."""
    split = shared_split(facts, baseline)
    mine, theirs = (one.results.get(split, {}) for one in (facts, baseline))
    rows = []
    for name, (label, better) in _COMPARED.items():
        here, there = mine.get(name), theirs.get(name)
        rows.append([label, text(there), text(here), change(here, there), _assessment(here, there, better)])
    return [["Metric", "Baseline", "This run", "Change", "Assessment"], *rows]


def differs(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Table:
    """Settings by dotted name, the data's apart, that both state and that are not the same."""
    names = [name for name in mine if name in theirs and not name.startswith("data.") and mine[name] != theirs[name]]
    rows = [[plain(name), *(plain(part[name]) for part in (theirs, mine))] for name in names]
    return [["Setting", "Baseline", "This run"], *rows]


def shared_split(facts: Facts, baseline: Facts) -> str:
    """The first of test, validation and train in which both have an AUC of Encoder 2."""
    for split in reversed(_SPLITS):
        if all(one.results.get(split, {}).get("encoder2_auc") is not None for one in (facts, baseline)):
            return split
    return "test"


_MANIFOLD = 10
"""Growth from which a change is told as a factor."""


def change(here: float | None, there: float | None) -> str:
    """From there to here: in per cent, or as a factor; the difference where there was none."""
    if here is None or there is None:
        return "–"
    if not there:
        return f"{here - there:+.4f}"
    times = here / there
    return f"× {times:.0f}" if times >= _MANIFOLD else f"{(here - there) / abs(there):+.1%}"


def _assessment(here: float | None, there: float | None, better: int) -> str:
    if here is None or there is None:
        return "not comparable"
    if abs(here - there) < SAME:
        return "the same"
    if not better:
        return "larger" if here > there else "smaller"
    return "better" if (here - there) * better > 0 else "worse"


def verdicts(facts: Facts, baseline: Facts) -> dict[str, int]:
    """How many metrics are better, worse, the same or not comparable."""
    told = [row[4] for row in comparison(facts, baseline)[1:]]
    return {word: told.count(word) for word in ("better", "worse", "the same", "not comparable")}


def numbers(facts: Facts, names: Mapping[str, str]) -> Table:
    """Single numbers of the judged split."""
    return [
        ["Statistic", facts.split.capitalize()],
        *([label, text(facts.test.get(name), 6)] for name, label in names.items()),
    ]


def criteria(verdict: Verdict, targets: Targets) -> Table:
    """Target, achieved, status, gap."""
    labels = {name: info.title or name for name, info in Targets.model_fields.items()}
    rows = [
        [labels[name], f"> {finding.target:g}", text(finding.value), STATUS[finding.status],
         _gap(finding.value, finding.target), plain(finding.text)]
        for name, finding in verdict.criteria.items()
    ]  # fmt: skip
    return [["Criterion", "Target", "Achieved", "Status", "Gap", "Evidence"], *rows]


def _gap(value: float | None, target: float) -> str:
    if value is None:
        return "–"
    return "none" if value > target else f"{target - value:.4g} short"


def questions(verdict: Verdict) -> Table:
    """What the tests say, of the run and of its data."""
    asked = {"skills_differ": "Do skills differ?", "response_matters": "Does the response matter?"}
    rows = [
        [asked[name], whose, STATUS[finding.status], plain(finding.text)]
        for name in verdict.questions
        for whose, finding in (("this run", verdict.questions[name]), ("its data", verdict.data[name]))
    ]
    return [["Question", "Of", "Status", "Evidence"], *rows]


def correlations(facts: Facts, known: Mapping[str, Reference]) -> Table:
    """Every form with its reference."""
    rows = [
        [form, text(facts.test.get(name)),
         f"{text(known[name].value)} ({plain(known[name].what)})" if name in known else "–"]
        for name, form in MASTERY_CORRELATIONS.items()
    ]  # fmt: skip
    return [["Form", "Value", "Reference"], *rows]


def loss_evolution(facts: Facts) -> Table:
    """Losses and AUCs at the first epoch, Encoder 2's best and the last."""
    epochs = sorted({1, facts.run.best_encoder2 or 1, int(facts.run.epochs or 0)} - {0})
    columns = {
        "loss.total": "Training loss", "loss.im": "Training IM loss", "validation.im": "Validation IM loss",
        "validation.encoder1_auc": "Encoder 1 validation AUC", "validation.encoder2_auc": "Encoder 2 validation AUC",
    }  # fmt: skip
    means = {name: facts.curve(name).groupby("epoch")["value"].mean() for name in columns}
    rows = [
        [str(epoch), *(text(float(m[epoch]) if epoch in m.index else None) for m in means.values())]
        for epoch in epochs
        if any(epoch in m.index for m in means.values())
    ]
    return [["Epoch", *columns.values()], *rows] if rows else []


def balance(facts: Facts) -> Table:
    """Every loss term: raw, weighted, share."""
    found = losses(facts.series)
    if found.empty:
        return []
    rows = [
        [plain(row.term), *(text(None if pd.isna(v) else v) for v in (row.raw, row.weighted)), f"{row.share:.1%}"]
        for row in found.itertuples()
    ]
    return [["Term", "Raw", "Weighted", "Share"], *rows]


def balance_told(facts: Facts) -> Iterator[str]:
    """How large the differentiation terms are beside the others."""
    table = losses(facts.series)
    ratio = differentiation_share(table)
    if ratio is None:
        yield "No losses were recorded, so their balance is not known."
        return
    others = [term for term in table["term"] if term not in PREDICTION]
    if not others:
        yield "No loss term asks for differentiation: only the predictions teach."
        return
    size = "100 times smaller or more" if ratio < 0.01 else "smaller" if ratio < 1 else "not smaller"
    yield (
        f"In the last epoch the terms that ask for something else than predictions ({plain(', '.join(others))}) are"
        f" {size} than BCE and IM: their weighted sizes have a ratio of {ratio:.3g}."
    )


def causes(found: list[Cause]) -> Table:
    """Candidate causes, whether they hold here, and by which number."""
    return [["Candidate cause", "Here", "Evidence"], *([c.name, c.here, plain(c.evidence)] for c in found)]


def tree(path: Path) -> Table:
    """The branches taken."""
    rows = [[b.question, b.answer, plain(b.value)] for b in path.branches]
    return [["Question", "Answer", "Value"], *rows, ["**Next**", f"preset {plain(path.preset)}", path.end]]
