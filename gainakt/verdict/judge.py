"""The verdict on a saved run from what is known of it, and the tests that it lacks."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from gainakt.measures import Values
from gainakt.store import Run, RunFolder, Store
from gainakt.store.facts import TESTED, Facts, Results, gather, results_of
from gainakt.verdict.criteria import (
    MASTERY_CORRELATIONS,
    TESTED_AS,
    Reference,
    Targets,
    Verdict,
    data_question,
    judge,
    run_question,
    untrained,
)
from gainakt.verdict.progress import Progress

Arm = Literal["stand-in", "preset"]
ARMS: tuple[str, ...] = get_args(Arm)
Rows = Sequence[Mapping[str, Any]]
"""Journal rows in which tests recorded what they found (`store.facts.tests_of`), oldest first."""
Peer = tuple[Run, Results]
_ORACLE = "the oracle, which knows the true parameters"
_REFERRED = ("encoder2_auc", "mastery_correlation")
DEFAULTS = Targets()
_NOTHING: dict[str, Any] = {}


def verdict_on(
    run: Run,
    tested: Rows,
    measures: Values = _NOTHING,
    references: Mapping[str, Reference] = _NOTHING,
    targets: Targets = DEFAULTS,
) -> Verdict:
    """The verdict on a run from the tests on its data and on itself; the six criteria are judged by `measures`."""
    on_run, on_data = run_test_of(run, tested), data_test_of(run, tested)
    # A published record may not say how long it trained.
    no_training = "" if run.published and run.epochs is None else untrained(run.epochs, run.best_encoder2)
    data = {name: data_question(on_data.get(short)) for name, short in TESTED_AS.items()}
    return Verdict(
        criteria=judge(measures, targets, references),
        questions={
            name: run_question(short, data[name], on_run.get(short), no_training) for name, short in TESTED_AS.items()
        },
        data=data,
    )


def run_test_of(run: Run, tested: Rows) -> dict[str, Any]:
    """The newest test on the run, by question."""
    results = [row["own"] for row in tested if row["run_id"] == run.run_id and row.get("own")]
    return dict(results[-1]) if results else {}


def data_test_of(run: Run, tested: Rows) -> dict[str, Any]:
    """The newest test on the run's data, by question: with its own preset, else with the learning-curve model.

    A test with another run's preset says something of that preset only; one with the learning-curve model holds for all
    runs on these data whose level is of the same kind.
    """
    own_preset = [row for row in tested if row["run_id"] == run.run_id and row.get("with") == "preset"]
    level = tested_level((run.config.get("model") or {}).get("level"))
    curve_model = [row for row in tested if row.get("with") == "stand-in" and row.get("level", "student") == level]
    results = [row["data"] for row in own_preset or curve_model if row.get("data")]
    return dict(results[-1]) if results else {}


def tested_level(level: object) -> Literal["student", "student_skill"]:
    """Whose level the learning-curve model has in the tests of a run with this `model.level`."""
    return "student_skill" if level == "student_skill" else "student"


def peers(store: Store, run: Run) -> list[Peer]:
    """Other runs on the same data with their final measures."""
    others = [other for other in store.runs_on(run.data_fingerprint or "") if other.run_id != run.run_id]
    results = results_of(store, [other.run_id for other in others])
    return [(other, results[other.run_id]) for other in others if other.run_id in results]


def references_for(facts: Facts, others: list[Peer]) -> dict[str, Reference]:
    """What is known to be reachable: the oracle on simulated data, else Encoder 1 and other runs on the same data."""
    recovery = facts.results.get("recovery", {})
    if recovery.get("oracle_auc") is not None:
        truths = {
            "encoder2_auc": "oracle_auc",
            "mastery_correlation": "oracle_mastery_correlation",
            "mastery_correlation_by_student": "oracle_mastery_correlation_by_student",
        }
        return {
            name: Reference(value, _ORACLE, ceiling=True)
            for name, truth in truths.items()
            if (value := recovery.get(truth)) is not None
        }
    best: dict[str, Reference] = {}
    for name, value, what in _reached(facts, others):
        if value is not None and (name not in best or value > best[name].value):
            best[name] = Reference(value, what)
    return best


def _reached(facts: Facts, others: list[Peer]) -> Iterator[tuple[str, float | None, str]]:
    """Criterion, value, whose: what Encoder 1 and other runs reach on the test students."""
    by_encoder1 = {"encoder2_auc": "encoder1_auc", "mastery_correlation": "encoder1_correlation"}
    for name in _REFERRED:
        yield name, facts.test.get(by_encoder1[name]), "Encoder 1 of this run"
        for run, results in others:
            test = results.get("test", {})
            yield name, test.get(by_encoder1[name]), f"Encoder 1 of run {run.run_id}"
            yield name, test.get(name), f"Encoder 2 of run {run.run_id}"


def correlations(facts: Facts, references: Mapping[str, Reference]) -> dict[str, dict[str, Any]]:
    """Every form of the mastery correlation: its value, what it is, and the reference beside it."""
    return {
        name: {
            "value": facts.test.get(name),
            "form": form,
            "reference": references[name].value if name in references else None,
            "reference_is": references[name].what if name in references else None,
        }
        for name, form in MASTERY_CORRELATIONS.items()
    }


def as_json(store: Store, run_id: str, targets: Targets = DEFAULTS) -> dict[str, Any]:
    """The whole verdict on a saved run as plain values; raises InputError when there is no such run."""
    facts = gather(store, run_id)
    references = references_for(facts, peers(store, facts.run))
    verdict = verdict_on(facts.run, facts.tested, facts.test, references, targets)
    return {**verdict.as_json(), "mastery_correlations": correlations(facts, references)}


def run_tests(run: Run, root: Path, arm: str, progress: Progress, earlier: Rows = ()) -> dict[str, Any]:
    """Test a saved run and its data, and add what is found to the run's journal; returns that row.

    `earlier` are the results of tests on the same data (`store.facts.tests_of`). In the row, `data` holds what the test
    on the data found by question, `own` what the test on the run found.
    """
    from gainakt.verdict.testing import both_tests  # SciPy and torch, once they are needed

    begun = time.perf_counter()
    row: dict[str, Any] = {"kind": TESTED, "with": arm, **both_tests(run, root, arm, progress, earlier)}
    row["seconds"] = round(time.perf_counter() - begun, 3)
    with RunFolder(root, run.run_id) as folder:
        folder.append(row)
    return row
