"""The verdict on a saved run from what is known of it, and the job that runs the tests it lacks."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from gainakt.store import Run, RunFolder, Store
from gainakt.store.facts import TESTED, Facts, Results, gather, results_of
from gainakt.verdict.criteria import (
    MASTERY_CORRELATIONS,
    QUESTIONS,
    Finding,
    Reference,
    Targets,
    Verdict,
    data_question,
    judge,
    question,
    untrained,
)

Arm = Literal["stand-in", "preset"]
ARMS: tuple[str, ...] = get_args(Arm)
Report = Callable[[float, str], None]
"""Told how far a job is, in (0, 1), and what it does."""
Peer = tuple[Run, Results]
Tested = Sequence[Mapping[str, Any]]
"""Rows of tests on the run's data, see `facts.tests_of`."""
_ORACLE = "the oracle, which knows the true parameters"
_COMPARED = ("encoder2_auc", "mastery_correlation")
DEFAULTS = Targets()


def of_run(store: Store, run_id: str, targets: Targets = DEFAULTS) -> Verdict:
    """The verdict from what the store knows; raises InputError when there is no such run."""
    facts = gather(store, run_id)
    return of_facts(facts, references(facts, peers(store, facts.run)), targets)


def of_facts(facts: Facts, known: dict[str, Reference], targets: Targets = DEFAULTS) -> Verdict:
    """The verdict on one run against these references."""
    data, questions = answers(facts.run, facts.tested)
    return Verdict(criteria=judge(facts.test, targets, known), questions=questions, data=data)


def answers(run: Run, tested: Tested) -> tuple[dict[str, Finding], dict[str, Finding]]:
    """Both questions from the tests alone: of the run's data, and of the run."""
    own, data = own_tests(run, tested), data_tests(run, tested)
    no_training = untrained(run.epochs, run.best_encoder2)
    about_data = {name: data_question(data.get(short)) for name, short in QUESTIONS.items()}
    return about_data, {
        name: question(about_data[name], own.get(short), no_training) for name, short in QUESTIONS.items()
    }


def own_tests(run: Run, tested: Tested) -> dict[str, Any]:
    """The newest test of the run's own account, by question."""
    mine = [row["own"] for row in tested if row["run_id"] == run.run_id and row.get("own")]
    return dict(mine[-1]) if mine else {}


def data_tests(run: Run, tested: Tested) -> dict[str, Any]:
    """The newest tests of the run's data, by question: with this run's own preset, else with anyone's stand-in.

    What another run's preset finds speaks of that preset.
    """
    preset = [r for r in tested if r["run_id"] == run.run_id and r.get("with") == "preset"]
    stand_in = [r for r in tested if r.get("with") == "stand-in"]
    found = [row["data"] for row in preset or stand_in if row.get("data")]
    return dict(found[-1]) if found else {}


def peers(store: Store, run: Run) -> list[Peer]:
    """Other runs on the same data with their final metrics."""
    others = [one for one in store.runs_on(run.data_fingerprint or "") if one.run_id != run.run_id]
    found = results_of(store, [one.run_id for one in others])
    return [(one, found[one.run_id]) for one in others if one.run_id in found]


def references(facts: Facts, others: list[Peer]) -> dict[str, Reference]:
    """What is known to be reachable: the oracle on simulated data, else Encoder 1 and other runs on the same data."""
    recovery = facts.results.get("recovery", {})
    if recovery.get("oracle_auc") is not None:
        truths = {"encoder2_auc": "oracle_auc", "mastery_correlation": "oracle_mastery_correlation",
                  "mastery_correlation_by_student": "oracle_mastery_correlation_by_student"}  # fmt: skip
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
    first = {"encoder2_auc": "encoder1_auc", "mastery_correlation": "encoder1_correlation"}
    for name in _COMPARED:
        yield name, facts.test.get(first[name]), "Encoder 1 of this run"
        for run, results in others:
            test = results.get("test", {})
            yield name, test.get(first[name]), f"Encoder 1 of run {run.run_id}"
            yield name, test.get(name), f"Encoder 2 of run {run.run_id}"


def correlations(facts: Facts, known: dict[str, Reference]) -> dict[str, dict[str, Any]]:
    """Every form of the mastery correlation: its value, what it is, and the reference beside it."""
    return {
        name: {
            "value": facts.test.get(name), "form": form,
            "reference": known[name].value if name in known else None,
            "reference_is": known[name].what if name in known else None,
        }
        for name, form in MASTERY_CORRELATIONS.items()
    }  # fmt: skip


def as_json(store: Store, run_id: str, targets: Targets = DEFAULTS) -> dict[str, Any]:
    """The whole verdict as plain values, for the command line."""
    facts = gather(store, run_id)
    known = references(facts, peers(store, facts.run))
    told = of_facts(facts, known, targets).as_json()
    return {**told, "mastery_correlations": correlations(facts, known)}


def run_tests(
    run: Run, root: Path, arm: str, report: Report, known: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Run the tests of differentiation on a saved run and add what they say to its journal; returns that row.

    `known` are the rows of earlier tests on the same data (`facts.tests_of`). `data` holds what they found in the data
    by question, `own` what they found by the run's own account.
    """
    from gainakt.verdict import testing as differentiation  # SciPy and torch, once they are needed

    begun = time.perf_counter()
    row: dict[str, Any] = {"kind": TESTED, "with": arm, **differentiation.tests(run, root, arm, report, known)}
    row["seconds"] = round(time.perf_counter() - begun, 3)
    with RunFolder(root, run.run_id) as folder:
        folder.append(row)
    return row
