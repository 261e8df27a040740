"""One student as a trained model sees them: gains, practice, mastery and predictions, and one prediction explained."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Batch, Split, Windows, cut
from gainakt.errors import InputError
from gainakt.model.gainakt import GainAKT, Interpretable
from gainakt.model.mastery import per_skill
from gainakt.training.evaluate import every_mastery
from gainakt.training.student_table import split_of, velocity_place

Array = NDArray[np.floating]


@dataclass(frozen=True)
class StudentView:
    """N interactions of one student, in order; `mastery` (N, K) is that after each, of the K `skills` they practise.

    `interaction` numbers them from 1 on; one that stands alone in its sequence window is left out. `practised` is the
    column of the skill in `mastery`, `gain` the practised gain. `p1`, `p2` are the encoders' probabilities of a correct
    response, given what came before, NaN at the first question of a window. `window` numbers the sequence windows,
    which start anew.
    """

    student: str
    split: str
    skills: list[str]
    interaction: NDArray[np.integer]
    practised: NDArray[np.integer]
    response: NDArray[np.integer]
    window: NDArray[np.integer]
    gain: Array
    p1: Array
    p2: Array
    mastery: Array


@dataclass(frozen=True)
class Contribution:
    """What one earlier interaction adds to the practice of the next skill, and to its level (0 without one).

    `added` is `gain` times `share`; `level` is above 0 after a response that was better than is usual.
    """

    interaction: int
    skill: str
    response: int
    gain: float
    share: float
    added: float
    level: float


@dataclass(frozen=True)
class Explanation:
    """One prediction of Encoder 2, from gains to probability; each line follows from those above it.

    practice = sum of `added`; level = sum of `level`; z = slope x velocity x practice + level - offset;
    mastery = ceiling x sigmoid(z); probability = sigmoid((mastery - threshold) / temperature). `model_probability` is
    what the model computed, in single precision.
    """

    student: str
    interaction: int
    skill: str
    response: int
    contributions: list[Contribution]
    practice: float
    level: float
    slope: float
    velocity: float
    offset: float
    z: float
    ceiling: float
    mastery: float
    threshold: float
    temperature: float
    probability: float
    model_probability: float
    encoder1_probability: float

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def student_number(data: Interactions, label: str) -> int:
    """The number of the student with this label; raises InputError, with some labels, when there is none."""
    try:
        return data.students.index(label)
    except ValueError:
        some = ", ".join(data.students[:5])
        raise InputError(f"there is no student {label!r} in {data.name}; students are named like {some}") from None


def view(model: GainAKT, data: Interactions, split: Split, student: int, window: int) -> StudentView:
    """A student's whole course; raises InputError where they have a single interaction."""
    practised, place = np.unique(data.skill[data.student == student], return_inverse=True)
    parts: list[dict[str, NDArray[Any]]] = []
    with torch.inference_mode():
        for row, (begin, batch) in enumerate(_course(model, data, split, student, window)):
            output = model.eval()(batch)
            kept = torch.as_tensor(practised, dtype=torch.long, device=batch.skill.device)
            scored = batch.scored[0].cpu().numpy()
            parts.append(
                {
                    "interaction": np.arange(begin + 1, begin + batch.interactions + 1),
                    "practised": place[begin : begin + batch.interactions],
                    "response": batch.response[0].cpu().numpy(),
                    "window": np.full(batch.interactions, row),
                    "gain": output.gains[0].float().cpu().numpy(),
                    "p1": _next(output.logits1, scored),
                    "p2": _next(output.logits2, scored),
                    "mastery": every_mastery(model.encoder2, batch, kept)[0][0].float().cpu().numpy(),
                }
            )
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    skills = [data.skills[skill] for skill in practised]
    return StudentView(data.students[student], split_of(split, student), skills, **joined)


def _next(logits: Tensor, scored: NDArray[np.bool_]) -> Array:
    """Probability at each interaction (T,), NaN where it is not scored."""
    values = torch.sigmoid(logits[0].float()).cpu().numpy()
    return np.concatenate([[np.nan], np.where(scored, values, np.nan)]).astype(np.float32)


def explain(
    model: GainAKT, data: Interactions, split: Split, student: int, interaction: int, window: int
) -> Explanation:
    """Why Encoder 2 predicted this student's `interaction` (from 1 on) as it did.

    Raises InputError where it belongs to the first question of a window, which nothing precedes, or is not there.
    """
    label, count = data.students[student], int((data.student == student).sum())
    if not 1 <= interaction <= count:
        raise InputError(f"student {label} has interactions 1 to {count}; got {interaction}")
    for begin, batch in _course(model, data, split, student, window):
        step = interaction - begin - 2  # the prediction for it is made after the interaction before it
        if 0 <= step < batch.interactions - 1 and batch.scored[0, step]:
            with torch.inference_mode():
                return _explained(model.eval(), data, batch, student, (begin, step))
    raise InputError(
        f"interaction {interaction} of student {label} belongs to the first question of its sequence window: nothing"
        " precedes it, so it is not predicted"
    )


def _explained(model: GainAKT, data: Interactions, batch: Batch, student: int, place: tuple[int, int]) -> Explanation:
    begin, step = place
    encoder, output = model.encoder2, model(batch)
    mastery, skill = encoder.mastery, batch.asked[0, step]
    contributions = _contributions(encoder, data, batch, output.read, place)
    practice, level = (sum(one.added for one in contributions), sum(one.level for one in contributions))
    slope, velocity = float(mastery.beta[skill]), float(mastery.velocity(batch.student)[0])
    offset, ceiling = _at(mastery.offset, skill), float(mastery.saturation[skill])
    threshold, temperature = _at(mastery.threshold, skill), float(mastery.temperature)
    z = slope * velocity * practice + level - offset
    reached = ceiling * _sigmoid(z)
    return Explanation(
        data.students[student],
        begin + step + 2,
        data.skills[int(skill)],
        int(batch.response[0, step + 1]),
        contributions,
        practice,
        level,
        slope,
        velocity,
        offset,
        z,
        ceiling,
        reached,
        threshold,
        temperature,
        _sigmoid((reached - threshold) / temperature),
        _sigmoid(float(output.logits2[0, step])),
        _sigmoid(float(output.logits1[0, step])),
    )


def _contributions(
    encoder: Interpretable, data: Interactions, batch: Batch, read: Tensor, place: tuple[int, int]
) -> list[Contribution]:
    begin, step = place
    visible = batch.last_visible
    seen = slice(0, 1 + (step if visible is None else int(visible[0, step])))
    asked, skill, response = batch.asked[:, step : step + 1], batch.skill[:, seen], batch.response[:, seen]
    gains = torch.sigmoid(encoder.gains.pairs(read[:, seen], response, asked).float())[:, 0].double()  # (1, seen)
    shares = encoder.mastery.transfer_share(asked, skill)[:, 0].double()
    levels = (
        torch.zeros_like(gains) if encoder.level is None else encoder.level.shares(batch, batch.asked)[:, step, seen]
    )
    columns = (skill, response, gains, shares, gains * shares, levels)
    return [
        Contribution(begin + t + 1, data.skills[practised], *rest)
        for t, (practised, *rest) in enumerate(zip(*(column[0].tolist() for column in columns), strict=True))
    ]


def _course(model: GainAKT, data: Interactions, split: Split, student: int, window: int) -> Iterator[tuple[int, Batch]]:
    """The windows of one student in order, each with how many of their interactions lie before it.

    Raises InputError where there is none.
    """
    first, last = (int(at) for at in data.rows_of(np.array(student)))
    if last - first < 2:
        raise InputError(f"student {data.students[student]} has a single interaction, so nothing is predicted of them")
    rows = slice(first, last)
    group = None if data.group is None else data.group[rows]
    alone = replace(
        data,
        student=data.student[rows],
        skill=data.skill[rows],
        response=data.response[rows],
        question=None,
        group=group,
    )
    windows = Windows(alone, np.array([student]), window, False, next(model.parameters()).device)
    start, length, _ = cut(np.array([0]), np.array([last - first]), window, group)
    place = torch.as_tensor(velocity_place(data, split)[[student]], device=windows.device)
    for row, begin in enumerate(np.sort(start[length > 1])):
        yield int(begin), replace(windows.batch(np.array([row])), student=place)


def _at(values: Tensor, skill: Tensor) -> float:
    return float(per_skill(values, skill.reshape(1))[0])


def _sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-np.float64(x))))
