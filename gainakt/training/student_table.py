"""All students as a trained model sees them: whom it predicts worst, and whose mastery rises least."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from gainakt.data.interactions import Interactions
from gainakt.data.sequences import UNSEEN, Split, Windows
from gainakt.measures import metrics
from gainakt.model.gainakt import GainAKT


def student_rows(
    model: GainAKT, data: Interactions, split: Split, students: NDArray[np.integer], window: int
) -> pd.DataFrame:
    """One row per student: student (label), split, interactions, share_correct, surprise, mastery_rise.

    `surprise` is Encoder 2's mean log-loss over the interactions that it predicts. `mastery_rise` is how far mastery
    rises from the first to the last prediction of a skill within a sequence window, mean over skills and windows. Both
    are NaN where there is nothing to take them from.
    """
    count = np.bincount(data.student, minlength=len(data.students))
    correct = np.bincount(data.student, data.response, len(data.students))
    number = np.arange(len(data.students))
    of_split = np.select(
        [np.isin(number, split.test), np.isin(number, split.validation)], ["test", "validation"], "train"
    )
    table = pd.DataFrame(
        {
            "student": [data.students[student] for student in students],
            "split": of_split[students],
            "interactions": count[students],
            "share_correct": correct[students] / np.maximum(count[students], 1),
        },
        index=students,
    )
    predicted = students[count[students] > 1]
    steps = pd.DataFrame({name: [] for name in ("student", "window", "skill", "step", "loss", "mastery")})
    if len(predicted):
        steps = pd.concat(_steps(model, data, split, predicted, window), ignore_index=True)
    ends = steps.sort_values("step").groupby(["student", "window", "skill"])["mastery"].agg(["first", "last", "size"])
    rise = (ends["last"] - ends["first"])[ends["size"] > 1]
    table["surprise"] = steps.groupby("student")["loss"].mean()
    table["mastery_rise"] = rise.groupby("student").mean()
    return table.reset_index(drop=True)


@torch.inference_mode()
def _steps(
    model: GainAKT, data: Interactions, split: Split, students: NDArray[np.integer], window: int
) -> Iterator[pd.DataFrame]:
    """Every prediction of these students: student, window, skill, step, Encoder 2's log-loss, mastery."""
    windows = Windows(data, np.sort(students), window, False, next(model.parameters()).device)
    velocity = velocity_place(data, split)
    for rows, batch in windows.in_order():
        batch = replace(batch, student=torch.as_tensor(velocity[windows.students[rows]], device=windows.device))
        output = model.eval()(batch)
        row, step = (place.cpu().numpy() for place in torch.nonzero(batch.scored, as_tuple=True))
        chosen = {
            "target": batch.target,
            "p2": torch.sigmoid(output.logits2.float()),
            "skill": batch.asked,
            "mastery": output.mastery.float(),
        }
        values = {name: value[batch.scored].cpu().numpy() for name, value in chosen.items()}
        yield pd.DataFrame(
            {
                "student": windows.students[rows][row],
                "window": rows[row],
                "skill": values["skill"],
                "step": step,
                "loss": metrics.log_losses(values["target"], values["p2"]),
                "mastery": values["mastery"],
            }
        )


def velocity_place(data: Interactions, split: Split) -> NDArray[np.integer]:
    """Each student's place among the training students, whose velocity the model has learned; UNSEEN for the others."""
    place = np.full(len(data.students), UNSEEN)
    place[split.train] = np.arange(len(split.train))
    return place


def split_of(split: Split, student: int) -> str:
    """The split that this student belongs to."""
    return next(name for name in ("train", "validation", "test") if student in getattr(split, name))
