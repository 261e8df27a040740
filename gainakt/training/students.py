"""One student as a trained model sees them: gains, practice, mastery and predictions, and one prediction explained."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Batch, Split, Windows
from gainakt.errors import InputError
from gainakt.measures import metrics
from gainakt.measures.predictions import Predictions
from gainakt.model.gainakt import GainAKT
from gainakt.model.mastery import per_skill
from gainakt.training.evaluate import every_mastery

Array = NDArray[np.floating]


@dataclass(frozen=True)
class StudentView:
    """N interactions of one student, in order; `mastery` (N, K) is that after each, of the K `skills` they practise.

    `gain` is that of the practised skill; `p1`, `p2` are the encoders' probabilities of a correct response, given what
    came before, NaN at the first interaction of a window. `window` numbers the sequence windows, which start anew.
    """

    student: str
    split: str
    skills: list[str]
    skill: NDArray[np.integer]
    response: NDArray[np.integer]
    window: NDArray[np.integer]
    gain: Array
    p1: Array
    p2: Array
    mastery: Array


@dataclass(frozen=True)
class Contribution:
    """What one earlier interaction adds to the practice of the next skill: `added` is `gain` times `share`."""

    interaction: int
    skill: str
    response: int
    gain: float
    share: float
    added: float


@dataclass(frozen=True)
class Explanation:
    """One prediction of Encoder 2, from gains to probability; each line follows from those above it.

    practice = sum of `added` + level; z = slope x velocity x practice - offset; mastery = ceiling x sigmoid(z);
    probability = sigmoid((mastery - threshold) / temperature). `model_probability` is what the model computed, in
    single precision. `level` is what a student starts with, in units of practice, 0 where the model has none.
    """

    student: str
    interaction: int
    skill: str
    response: int
    contributions: list[Contribution]
    level: float
    practice: float
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
    windows, index = _windows_of(model, data, split, student, window)
    practised = np.unique(data.skill[data.student == student])
    kept = torch.as_tensor(practised, dtype=torch.long, device=windows.device)
    parts: list[dict[str, NDArray[Any]]] = []
    with torch.inference_mode():
        for row in range(len(windows)):
            batch = _of_student(windows.batch(np.array([row])), index)
            output = model.eval()(batch)
            mastery, _ = every_mastery(model.encoder2, batch, kept)
            first = torch.full((1, 1), torch.nan, device=windows.device)
            columns = {
                "skill": batch.skill, "response": batch.response, "window": torch.full_like(batch.skill, row),
                "gain": output.gains.float(), "mastery": mastery.float(),
                "p1": torch.cat([first, torch.sigmoid(output.logits1.float())], 1),
                "p2": torch.cat([first, torch.sigmoid(output.logits2.float())], 1),
            }  # fmt: skip
            parts.append({name: value[0].cpu().numpy() for name, value in columns.items()})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return StudentView(
        data.students[student], _split_of(split, student), [data.skills[skill] for skill in practised], **joined
    )


def explain(
    model: GainAKT, data: Interactions, split: Split, student: int, interaction: int, window: int
) -> Explanation:
    """Why Encoder 2 predicted this student's `interaction` (from 1 on) as it did.

    Raises InputError where it is the first of a window, which nothing precedes, or not there at all.
    """
    windows, index = _windows_of(model, data, split, student, window)
    ends = np.cumsum(windows.length)
    if not 1 <= interaction <= ends[-1]:
        raise InputError(f"student {data.students[student]} has interactions 1 to {ends[-1]}; got {interaction}")
    row = int(np.searchsorted(ends, interaction))
    begin = int(ends[row] - windows.length[row])
    step = interaction - begin - 2  # the prediction for it is made after the interaction before it
    if step < 0:
        raise InputError(f"interaction {interaction} is the first of its sequence window: nothing precedes it")
    batch = _of_student(windows.batch(np.array([row])), index)
    with torch.inference_mode():
        return _explained(model.eval(), data, batch, student, (begin, step))


def _explained(model: GainAKT, data: Interactions, batch: Batch, student: int, place: tuple[int, int]) -> Explanation:
    begin, step = place
    encoder, output = model.encoder2, model(batch)
    mastery = encoder.mastery
    asked, steps = batch.asked, batch.asked.shape[1]
    last = step if batch.last_visible is None else int(batch.last_visible[0, step])
    gains = torch.sigmoid(encoder.gains.pairs(output.read[:, :steps], batch.response[:, :steps], asked).float())
    shares = mastery.transfer_share(asked, batch.skill[:, :steps])
    practice = float(encoder.practice(output.read, batch, asked)[0, step])
    contributions = [
        Contribution(
            begin + t + 1, data.skills[int(batch.skill[0, t])], int(batch.response[0, t]), float(gains[0, step, t]),
            float(shares[0, step, t]), float(gains[0, step, t]) * float(shares[0, step, t]),
        )
        for t in range(last + 1)
    ]  # fmt: skip
    added = sum(one.added for one in contributions)
    level = practice - added
    level = 0.0 if abs(level) < 1e-5 * max(1.0, practice) else level  # rounding of single precision
    skill = asked[0, step]
    slope, velocity = float(mastery.beta[skill]), float(mastery.velocity(batch.student)[0])
    offset, ceiling = _at(mastery.offset, skill), float(mastery.saturation[skill])
    threshold, temperature = _at(mastery.threshold, skill), float(mastery.temperature)
    z = slope * velocity * (added + level) - offset
    reached = ceiling * _sigmoid(z)
    return Explanation(
        data.students[student], begin + step + 2, data.skills[int(skill)], int(batch.response[0, step + 1]),
        contributions, level, added + level, slope, velocity, offset, z, ceiling, reached, threshold, temperature,
        _sigmoid((reached - threshold) / temperature), _sigmoid(float(output.logits2[0, step])),
        _sigmoid(float(output.logits1[0, step])),
    )  # fmt: skip


def student_rows(data: Interactions, predictions: Predictions, split: str) -> list[dict[str, Any]]:
    """One row per student of a split: how many scored interactions, share correct, surprise and rise of mastery.

    `surprise` is Encoder 2's mean log-loss; `mastery_rise` the mean mastery of the last third of the scored
    interactions minus that of the first third.
    """
    rows = []
    lost = metrics.log_losses(predictions.target, predictions.p2)
    order = np.argsort(predictions.student, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(predictions.student[order])) + 1):
        if not len(places):
            continue
        third = max(1, len(places) // 3)
        mastery = predictions.mastery[places]
        rows.append({
            "student": data.students[int(predictions.student[places[0]])], "split": split, "scored": len(places),
            "share_correct": float(predictions.target[places].mean()), "surprise": float(lost[places].mean()),
            "mastery_rise": float(mastery[-third:].mean() - mastery[:third].mean()),
        })  # fmt: skip
    return rows


def _windows_of(
    model: GainAKT, data: Interactions, split: Split, student: int, window: int
) -> tuple[Windows, int | None]:
    """The student's windows, and their place among the training students, None if they are not one of them."""
    device = next(model.parameters()).device
    windows = Windows(data, np.array([student]), window, False, device)
    place = np.flatnonzero(split.train == student)
    return windows, int(place[0]) if len(place) else None


def _of_student(batch: Batch, index: int | None) -> Batch:
    """The batch with the student's own velocity, where the model has learned one."""
    if index is None:
        return batch
    return Batch(**{**vars(batch), "student": torch.full_like(batch.student, index)})


def _split_of(split: Split, student: int) -> str:
    return next(name for name in ("train", "validation", "test") if student in getattr(split, name))


def _at(values: Tensor, skill: Tensor) -> float:
    return float(per_skill(values, skill.reshape(1))[0])


def _sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-np.float64(x))))
