"""Simulated students with known parameters, from the model's own family."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gainakt.data.interactions import NO_FOLD, Interactions
from gainakt.errors import InputError


@dataclass(frozen=True)
class Scenario:
    """A class of simulated students; rates are log-normal with `rate_cv`, gains scale by the response."""

    help: str
    students: int
    skills: int
    length: tuple[int, int]
    rate_mean: float = 0.5
    rate_cv: float = 0.44


SCENARIOS = {
    "demo": Scenario("A small class whose skills differ in learning rate.", 1500, 12, (20, 60)),
}

_AFTER_CORRECT, _AFTER_INCORRECT = 1.3, 0.7
_BLOCK = (3, 11)
_THRESHOLD, _TEMPERATURE = 0.45, 0.2


def simulate(name: str, seed: int = 0) -> Interactions:
    """A simulated data set with its `truth`; the same name and seed give the same data.

    Raises InputError that lists the scenarios.
    """
    if name not in SCENARIOS:
        raise InputError(f"unknown scenario {name!r}; known: {', '.join(SCENARIOS)}")
    scenario = SCENARIOS[name]
    rng = np.random.default_rng(seed)
    rate = _log_normal(rng, scenario.skills, scenario.rate_mean, scenario.rate_cv)
    truth = {
        "rate": rate,
        "saturation": rng.uniform(0.7, 1.0, scenario.skills),
        "offset": rng.normal(1.5, 0.6, scenario.skills),
        "gamma": _log_normal(rng, scenario.students, 1.0, 0.15),
        "threshold": _THRESHOLD,
        "temperature": _TEMPERATURE,
    }
    lengths = rng.integers(scenario.length[0], scenario.length[1] + 1, scenario.students)
    skill = _blocked_sequences(rng, scenario, int(lengths.max()))
    response = _responses(rng, truth, skill)
    inside = np.arange(skill.shape[1]) < lengths[:, None]
    digits = len(str(scenario.students - 1))
    return Interactions(
        name=name,
        source=f"simulated: {name}, seed {seed}",
        students=[f"s{i:0{digits}d}" for i in range(scenario.students)],
        skills=[str(i) for i in range(scenario.skills)],
        student=np.repeat(np.arange(scenario.students, dtype=np.int32), lengths),
        skill=skill[inside].astype(np.int32),
        response=response[inside].astype(np.int8),
        fold=np.full(scenario.students, NO_FOLD, np.int16),
        truth=truth,
    )


def _log_normal(rng: np.random.Generator, size: int, mean: float, cv: float) -> np.ndarray:
    """`size` log-normal draws, rescaled to exactly this mean and coefficient of variation."""
    if cv == 0:
        return np.full(size, mean)
    draw = rng.standard_normal(size)
    low, high = 0.0, 3.0
    for _ in range(60):  # the sigma whose realised CV is the asked one
        sigma = (low + high) / 2
        values = np.exp(sigma * draw)
        low, high = (sigma, high) if values.std() / values.mean() < cv else (low, sigma)
    return np.asarray(mean * values / values.mean())


def _blocked_sequences(rng: np.random.Generator, scenario: Scenario, steps: int) -> np.ndarray:
    """Skills (B, T): blocks of 3 to 11 attempts at one skill after another."""
    blocks = steps // _BLOCK[0] + 1
    skill = rng.integers(0, scenario.skills, (scenario.students, blocks))
    ends = np.cumsum(rng.integers(_BLOCK[0], _BLOCK[1] + 1, (scenario.students, blocks)), axis=1)
    block = (np.arange(steps)[None, :, None] >= ends[:, None, :]).sum(axis=2)  # (B, T)
    return np.take_along_axis(skill, block, axis=1)


def _responses(rng: np.random.Generator, truth: dict[str, Any], skill: np.ndarray) -> np.ndarray:
    """Responses (B, T), step by step: practice -> mastery -> response -> gain -> practice."""
    students, steps = skill.shape
    practice = np.zeros((students, len(truth["rate"])))
    rows = np.arange(students)
    response = np.zeros((students, steps), np.int8)
    for step in range(steps):
        asked = skill[:, step]
        curve = truth["gamma"] * practice[rows, asked] - truth["offset"][asked]
        mastery = truth["saturation"][asked] / (1 + np.exp(-curve))
        chance = 1 / (1 + np.exp(-(mastery - truth["threshold"]) / truth["temperature"]))
        response[:, step] = rng.random(students) < chance
        gain = truth["rate"][asked] * np.where(response[:, step], _AFTER_CORRECT, _AFTER_INCORRECT)
        practice[rows, asked] += gain
    return response
