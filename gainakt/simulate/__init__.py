"""Simulated students with known parameters, in memory or into a file with the truth beside it (see `truth`)."""

from typing import Any

import numpy as np

from gainakt.data.interactions import NO_FOLD, Interactions
from gainakt.simulate.engine import run, with_students
from gainakt.simulate.files import FORMATS, Written, student_labels, write
from gainakt.simulate.scenario import SCENARIOS, Scenario, scenario
from gainakt.simulate.truth import trajectory, truth_beside, with_truth

__all__ = [
    "FORMATS",
    "SCENARIOS",
    "Scenario",
    "Written",
    "scenario",
    "simulate",
    "simulated",
    "trajectory",
    "truth_beside",
    "with_truth",
    "write",
]


def simulate(name: str, seed: int = 0, **changes: Any) -> Interactions:
    """A simulated data set with its `truth`; the same name, seed and changes of the scenario give the same data.

    Raises InputError that lists the scenarios, or names the field and what it allows.
    """
    return simulated(scenario(name, changes), seed, name)


def simulated(of: Scenario, seed: int, name: str = "simulated") -> Interactions:
    """The class of a scenario; `truth` holds the fields of `parameters.Truth` as a dict."""
    course, truth, parts = run(of, seed)
    every = list(parts)
    gamma, ability, length, label, item, response = (
        np.concatenate([getattr(part, field) for part in every])
        for field in ("gamma", "ability", "length", "label", "item", "response")
    )
    return Interactions(
        name=name,
        source=f"simulated: {name}, seed {seed}",
        students=student_labels(of.students),
        skills=course.labels,
        student=np.repeat(np.arange(of.students, dtype=np.int32), length),
        skill=label.astype(np.int32),
        response=response.astype(np.int8),
        fold=np.full(of.students, NO_FOLD, np.int16),
        question=item if course.item_labels else None,
        questions=course.item_labels,
        rows=len(label),
        truth=vars(with_students(truth, gamma, ability)),
    )
