"""The true parameters of a simulated class: drawn once for skills and items, block by block for students."""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from gainakt.data.interactions import JOIN
from gainakt.errors import InputError
from gainakt.simulate.scenario import Scenario

BLOCK = 1000
"""Students per random stream: block b draws from `[seed, STREAM, b + 1]`, skills and items from `[seed, STREAM, 0]`."""
STREAM = 4


@dataclass(frozen=True)
class Truth:
    """True parameters of L skill labels (of one skill, or of several joined) and of B students.

    Log-odds and curve argument of skill s and student i after practice E:
    gamma[i] rate[s] E + ability[i] + start_level(i, s) - offset[s].
    `parts` (L, K) are each label's skills as label indices, -1 where there are fewer than K. `item_difficulty` ends
    with a NaN, for items that it does not hold. NaN: not known. `number` (B,) and `skill_number` (L,) are what students
    and skills were called when they were drawn, -1 where that is not known: a student's level on a skill follows from
    both and `level_seed`, so that no table of students by skills has to be kept.
    """

    family: str
    rate: np.ndarray
    offset: np.ndarray
    saturation: np.ndarray
    threshold: np.ndarray
    group: np.ndarray
    parts: np.ndarray
    gamma: np.ndarray
    ability: np.ndarray
    effective_rate: np.ndarray
    temperature: float = 1.0
    gain_after_correct: float = 1.0
    gain_after_incorrect: float = 1.0
    guess: float = 0.0
    slip: float = 0.0
    forgetting: float = 0.0
    transfer: float = 0.0
    item_sd: float = 0.0
    skill_level_sd: float = 0.0
    level_seed: int = 0
    number: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    skill_number: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    item_labels: list[str] = field(default_factory=list)
    item_difficulty: np.ndarray = field(default_factory=lambda: np.full(1, np.nan))


def start_level(truth: Truth, number: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Level on the skill `label` at first, beside the ability, of the students of this `number` (shapes that fit)."""
    if not truth.skill_level_sd:
        return np.zeros(np.broadcast_shapes(number.shape, label.shape))
    skill = truth.skill_number[label]
    mixed = np.array([truth.level_seed], np.uint64)  # an array, for its silent overflow
    for value in (number, skill):  # SplitMix64 (Steele et al. 2014), once for each number
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + value.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
    return np.where((number < 0) | (skill < 0), np.nan, truth.skill_level_sd * ndtri(uniform))


@dataclass(frozen=True)
class Course:
    """What is asked: the labels of the skills, the items and their labels' index, and each skill's popularity."""

    labels: list[str]
    item_labels: list[str]
    item_label: np.ndarray
    popularity: np.ndarray


def draw_skills(scenario: Scenario, seed: int) -> tuple[Course, Truth]:
    """The course and its true parameters, without students (B = 0); raises InputError when the CV cannot be reached."""
    rng = np.random.default_rng([seed, STREAM, 0])
    skills, items = scenario.skills, scenario.items_per_skill
    rate = rates(rng, skills, scenario.rate_mean, scenario.rate_cv, scenario.rate_shape)
    saturation = rng.uniform(*scenario.saturation, skills)
    offset = scenario.offset_mean + scenario.offset_sd * standardised(
        _unrelated(rng.standard_normal(skills), np.log(rate), saturation)
    )
    popularity = np.exp(scenario.popularity_sd * rng.standard_normal(skills))
    group = rng.permutation(skills) % scenario.groups if scenario.groups else np.full(skills, -1)
    difficulty = np.append(scenario.item_sd * rng.standard_normal(skills * items), np.nan)
    item_label, pairs = _items(rng, scenario, group)
    labels = [str(s) for s in range(skills)] + [JOIN.join(map(str, pair)) for pair in pairs]
    alone = np.stack([np.arange(skills), np.full(skills, -1)], axis=1)
    parts = np.concatenate([alone, np.array(pairs).reshape(-1, 2)]) if pairs else alone[:, :1]

    def padded(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.full(len(pairs), np.nan)])

    shared = {
        name: getattr(scenario, name)
        for name in ("temperature", "gain_after_correct", "gain_after_incorrect", "guess", "slip", "forgetting")
    }
    truth = Truth(
        family=scenario.family,
        rate=padded(rate),
        offset=padded(offset),
        saturation=padded(saturation),
        threshold=padded(np.full(skills, scenario.threshold)),
        group=np.concatenate([group, np.full(len(pairs), -1)]).astype(np.int64),
        parts=parts.astype(np.int64),
        gamma=np.zeros(0),
        ability=np.zeros(0),
        effective_rate=padded(rate),
        transfer=scenario.transfer,
        item_sd=scenario.item_sd,
        item_labels=[f"{skill}.{j}" for skill in range(skills) for j in range(items)],
        item_difficulty=difficulty,
        skill_level_sd=scenario.skill_level_sd,
        level_seed=seed,
        skill_number=np.append(np.arange(skills), np.full(len(pairs), -1)),
        **shared,
    )
    return Course(labels, truth.item_labels, item_label, popularity / popularity.sum()), truth


def _items(rng: np.random.Generator, scenario: Scenario, group: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Each item's label index, and the pairs of skills that the labels behind the single skills stand for."""
    per_skill = scenario.items_per_skill
    owner = np.repeat(np.arange(scenario.skills), per_skill)
    label = owner.copy()
    shared = np.tile(np.arange(per_skill) < round(scenario.two_skill_share * per_skill), scenario.skills)
    pairs: dict[tuple[int, int], int] = {}
    for item in np.nonzero(shared)[0]:
        own = int(owner[item])
        near = np.nonzero((group == group[own]) & (np.arange(scenario.skills) != own))[0]
        others = near if len(near) else np.setdiff1d(np.arange(scenario.skills), [own])
        other = int(rng.choice(others))
        label[item] = scenario.skills + pairs.setdefault((min(own, other), max(own, other)), len(pairs))
    return label, list(pairs)


def rates(rng: np.random.Generator, size: int, mean: float, cv: float, shape: str) -> np.ndarray:
    """`size` positive draws, rescaled to exactly this mean and coefficient of variation (population std over mean)."""
    if cv == 0:
        return np.full(size, mean)
    if shape == "two_groups":
        draw = rng.permutation(np.where(np.arange(size) < size / 2, -1.0, 1.0))
    else:
        draw = rng.standard_normal(size) if shape == "log_normal" else rng.uniform(-1, 1, size)
    draw = draw - draw.max()  # keeps exp() in range; the scale is set below
    low, high = 0.0, 20.0
    for _ in range(80):  # the spread whose realised CV is the asked one
        spread = (low + high) / 2
        values = np.exp(spread * draw)
        low, high = (spread, high) if values.std() / values.mean() < cv else (low, spread)
    if abs(values.std() / values.mean() - cv) > 1e-6:
        raise InputError(f"rate_cv: {size} skill(s), {shape}, cannot have a CV of {cv:g}; choose a smaller one")
    return np.asarray(mean * values / values.mean())


def standardised(values: np.ndarray) -> np.ndarray:
    """Rescaled to mean 0 and population std 1, so that classes of one scenario are equally hard; constants to 0."""
    spread = values.std()
    return np.asarray((values - values.mean()) / spread if spread else np.zeros_like(values))


def _unrelated(values: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """`values` without what they share by luck with `others`: else one class's fast skills are hard, another's easy."""
    known = np.stack([np.ones(len(values)), *others], axis=1)
    if len(values) < 3 * known.shape[1]:
        return values  # too few skills: nothing would be left of it
    return np.asarray(values - known @ np.linalg.lstsq(known, values, rcond=None)[0])


def draw_students(scenario: Scenario, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Velocity, ability and number of interactions of `size` students."""
    sigma = np.sqrt(np.log1p(scenario.velocity_cv**2))
    gamma = np.exp(sigma * rng.standard_normal(size) - sigma**2 / 2)
    ability = scenario.ability_sd * rng.standard_normal(size)
    knots = np.array(scenario.lengths, np.float64)
    knots[-1] += 1  # the longest is reached as often as the others
    length = np.interp(rng.random(size), np.linspace(0, 1, len(knots)), knots).astype(np.int64)
    return gamma, ability, np.minimum(length, scenario.lengths[-1])
